"""What lies encrypted in our tables: sealed with the first of FIELD_KEYS, opened with any of them."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class CannotOpen(Exception):
    """None of our keys opens this: the key it was sealed with is gone."""


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.FIELD_KEYS])


def seal(secret: str) -> str:
    return _keys().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    try:
        return _keys().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise CannotOpen("none of FIELD_KEYS opens this") from None


def is_sealed(text: str) -> bool:
    """Whether it was sealed, with whatever key; by Fernet's version and the years of its time, which no base32 and no
    digits begin with."""
    return text.startswith("gAAAAA")


def reseal(sealed: str) -> str:
    """The same under the newest key."""
    try:
        return _keys().rotate(sealed.encode()).decode()
    except InvalidToken:
        raise CannotOpen("none of FIELD_KEYS opens this") from None

"""What people and devices do: get a secret, get and lose a token."""

import secrets
from collections.abc import Iterable
from datetime import datetime

from django.core import signing
from django.utils import timezone

from accounts.access import digest
from accounts.models import ApiToken, User


def new_guest_secret() -> str:
    """A device's secret (160 random bits, signed), for its cookie. Nothing is stored yet."""
    return signing.Signer(salt="pika.guest").sign(secrets.token_urlsafe(20))


def make_token(
    user: User, name: str, scopes: Iterable[str] = ("live",), expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """The row and the token itself (256 random bits), which is shown this once and never again."""
    token = f"pika_{secrets.token_urlsafe(32)}"
    row = ApiToken.objects.create(
        user=user,
        name=name[:80],
        prefix=token[:10],
        key=digest(token),
        scopes=list(scopes),
        expires_at=expires_at,
    )
    return row, token


def revoke_token(token: ApiToken) -> None:
    """From now on it is nobody's; open sockets that showed it are cut within seconds."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())

"""Accounts made by programs: registered, confirmed by a code from the mail, logged in. Pages leave that to allauth.

No answer tells a stranger whether an address is in use; its owner gets a letter. The password comes with the code: who
registers somebody else's address has no say in what opens the account. Hashes come before the database: who waits for
one keeps nobody waiting for the other.
"""

from datetime import timedelta

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext

from accounts import letters, logins
from accounts.access import digest
from accounts.actions import make_token
from accounts.activity import note
from accounts.models import ApiToken, EmailCode, User
from pika.codes import clean_code, new_code
from pika.errors import Problem
from pika.limits import limit, over_limit

HOLDS_FOR = timedelta(minutes=30)  # a code
MOST_CODES = 5  # open ones of one account
KEEP_UNCONFIRMED = timedelta(days=30)
TOKEN_DAYS = 400  # as long as browsers keep a device's cookie
QUARTER = 15 * 60


# --- Register ----------------------------------------------------------------------------------------------
def register(email: str, password: str, name: str, base: str) -> None:
    """Whoever reads the mail of `email` can confirm the account. Says the same of an address in use.

    `base`: our address, for the letter to the owner. Problem (400): the password is easy to guess; it is not kept.
    """
    _check_password(password, User(email=email, name=name))
    if EmailAddress.objects.filter(email=email, verified=True).exists():
        _tell_owner(email, base)
        return
    # Twice at once: the second finds what the first made. Each has a code of its own, and both hold.
    user, is_new = User.objects.get_or_create(email=email, defaults={"password": make_password(None), "name": name})
    if is_new:
        note(user, "create_account")
    if user.last_login or not user.is_active:
        _tell_owner(email, base)
    else:
        _mail_code(user)


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Problem(" ".join(error.messages), "weak_password", field="password") from None


def ask_again(email: str) -> None:
    """Another code for an account that is not confirmed yet. Says the same of any other."""
    user = User.objects.filter(email=email, is_active=True).first()
    if user and not is_confirmed(user):
        _mail_code(user)


def _mail_code(user: User) -> None:
    """Not more letters than a person needs, whoever asks."""
    if user.email_codes.open().count() >= MOST_CODES:
        return
    code = new_code()
    with transaction.atomic():
        user.email_codes.create(key=_key(user, code), expires_at=timezone.now() + HOLDS_FOR)
        words = gettext(  # without the name they gave: letters to strangers do not carry what somebody typed
            "Hello,\n\nyour code for Pika! is\n\n    %(code)s\n\nType it in where you signed up. It holds for "
            "%(minutes)d minutes.\n\nYou did not sign up? Then do nothing: without the code nobody can use your "
            "address."
        )
        its = {"code": code, "minutes": HOLDS_FOR.seconds // 60}
        letters.post(user.email, gettext("Your code for Pika!"), words % its, user)


def _tell_owner(email: str, base: str) -> None:
    if over_limit("owner-letter", digest(email), settings.LETTERS_PER_EMAIL, QUARTER):
        return
    words = gettext(
        "Hello,\n\nsomebody signed up for Pika! with this address, and it has an account already.\n\nWas it you? Then "
        "log in:\n%(login)s\n\nIs the password lost? Choose a new one:\n%(reset)s\n\nIt was not you? Then do nothing: "
        "they got no answer that tells them of your account."
    )
    at = settings.PUBLIC_URL or base
    its = {"login": at + reverse("account_login"), "reset": at + reverse("account_reset_password")}
    letters.post(email, gettext("You have an account at Pika!"), words % its)


def _key(user: User, code: str) -> str:
    return salted_hmac("pika.email-code", f"{user.pk} {code}", algorithm="sha256").hexdigest()


def is_confirmed(user: User) -> bool:
    """Whether `user` has shown that the address is theirs."""
    return EmailAddress.objects.filter(user=user, verified=True).exists()


# --- Confirm -----------------------------------------------------------------------------------------------
def confirm(email: str, typed: str, password: str) -> User:
    """Whose account is confirmed from now on, and opened by `password`. Problem (400): wrong code, easy to guess."""
    limit("code", digest(email), settings.CODES_PER_EMAIL, QUARTER)
    _check_password(password, User(email=email))  # not that of the account: its name would show in what is too similar
    hashed = make_password(password)
    user = User.objects.filter(email=email, is_active=True).first()
    if user is None or not _use_code(user, clean_code(typed), hashed):
        words = gettext("This is not the code of our newest letter, or it is too old. Have another one sent.")
        raise Problem(words, "wrong_code", field="code")
    return user


@transaction.atomic
def _use_code(user: User, code: str, hashed: str) -> bool:
    waiting = user.email_codes.open().select_for_update().order_by("pk")
    used = next((its for its in waiting if constant_time_compare(its.key, _key(user, code))), None)
    if used is None:
        waiting.update(tries=F("tries") + 1)  # of each: a guesser must not profit from there being several
        return False
    if EmailAddress.objects.filter(email=user.email, verified=True).exists():
        return False  # somebody showed meanwhile that it is theirs, on the web, for this account or another
    user.password = hashed
    user.save(update_fields=["password"])
    EmailAddress.objects.filter(user=user, primary=True).exclude(email=user.email).update(primary=False)
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
    EmailCode.objects.filter(user=user).delete()
    return True


# --- Log in ------------------------------------------------------------------------------------------------
def log_in(request: HttpRequest, email: str, password: str) -> User:
    """Whose email and password these are. Problem: 401 they do not belong together; 403 something is missing yet."""
    limit("log-in", digest(email), settings.LOGINS_PER_EMAIL, QUARTER)
    user = authenticate(request, email=email, password=password)  # hashes, too, if there is nobody, or no password yet
    if not isinstance(user, User):
        words = gettext("Email and password do not belong together. Check both, or choose a new password.")
        raise Problem(words, "wrong_login", 401)
    if not is_confirmed(user):
        _mail_code(user)
        words = gettext("Confirm your email first: type in the code that we have just sent to %(email)s.")
        raise Problem(words % {"email": user.email}, "confirm_first", 403)
    check_alone(user)
    return user


def check_alone(user: User) -> None:
    """Problem (403): a password is not enough for this account, and a program cannot show more."""
    factors = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.RECOVERY_CODES)
    if user.is_staff or factors.exists():
        words = gettext("This account asks for a second factor. Log in on the web, and make a token for your program.")
        raise Problem(words, "second_factor", 403)


def forget_codes() -> None:
    """What the clock does every day: codes of registrations that nobody came back to."""
    EmailCode.objects.filter(expires_at__lt=timezone.now() - timedelta(days=7)).delete()


def forget_unconfirmed() -> None:
    """What the clock does every day: accounts that somebody began, whoever's address it was, and nobody confirmed."""
    began = User.objects.filter(
        last_login=None,
        deleted_at=None,
        is_staff=False,
        password__startswith=UNUSABLE_PASSWORD_PREFIX,
        date_joined__lt=timezone.now() - KEEP_UNCONFIRMED,
    )
    began.exclude(emailaddress__verified=True).exclude(memberships__isnull=False).delete()


def give_token(user: User, device_name: str) -> tuple[ApiToken, str]:
    """The token of a program that logged in as `user`: the row, and what is shown this once."""
    ends = timezone.now() + timedelta(days=TOKEN_DAYS)
    row, token = make_token(user, device_name, [ApiToken.Scope.SONGS], ends)
    logins.begin_program(row)
    return row, token

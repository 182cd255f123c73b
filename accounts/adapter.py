"""Where allauth asks us: how mail leaves, and what happens when somebody comes in or goes out."""

import logging
import time
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.email_verification import get_address_for_user, mark_email_address_as_verified
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts import activity, leaving, letters, logins, preferences
from accounts.access import guest_key
from accounts.actions import new_guest_secret
from accounts.claim import Claimed, claim, let_go
from accounts.guests import give_secret
from accounts.models import LoginEvent, User
from pika.crypto import CannotOpen, is_sealed, seal, unseal
from pika.errors import Problem

log = logging.getLogger(__name__)
CHOSEN = "chosen_password"  # in the session of a sign-up
# A mail of allauth that says what changed → what the activity log says of it.
CHANGES = {
    "password_changed": ("change_password", ""),
    "password_set": ("change_password", ""),
    "password_reset": ("change_password", ""),
    "email_changed": ("change_email", ""),
    "totp_activated": ("change_second_factor", _("app added")),
    "totp_deactivated": ("change_second_factor", _("app removed")),
    "webauthn_added": ("change_second_factor", _("passkey added")),
    "webauthn_removed": ("change_second_factor", _("passkey removed")),
    "recovery_codes_generated": ("change_second_factor", _("new recovery codes")),
}


class AccountAdapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _(
            "Email and password do not belong together. Check both, or choose a new password."
        ),
        "incorrect_password": _("This is not your password. Try again."),
        "incorrect_code": _("This is not the code. Look for our newest mail, or have another one sent."),
        "too_many_login_attempts": _("That were many tries for this account. Wait five minutes, then try again."),
        "rate_limited": _("That was a bit fast. Wait a minute, then try again."),
        "unverified_primary_email": _("Confirm the email you log in with first."),
    }

    # --- Mail ---------------------------------------------------------------------------------------------
    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """A letter; the address people type is in it, whatever the request says about the host."""
        request = self.request
        here = request.build_absolute_uri("/").rstrip("/")
        page = {"address": settings.PUBLIC_URL or here, "request": request, "email": email, **context}
        for name, value in page.items():
            if name.endswith("_url") and settings.PUBLIC_URL:
                page[name] = str(value).replace(here, settings.PUBLIC_URL, 1)
        letter = self.render_mail(template_prefix, email, page)
        user = page.get("user") or request.user
        letters.post(email, str(letter.subject), str(letter.body), user if isinstance(user, User) else None)

    # --- In -----------------------------------------------------------------------------------------------
    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """From now on the account opens with the password that was chosen in this session, unless one was set since."""
        chosen = request.session.pop(CHOSEN, None)
        with transaction.atomic():
            is_confirmed = super().confirm_email(request, email_address)
            if is_confirmed and chosen and chosen["user"] == email_address.user_id:
                its = User.objects.filter(pk=chosen["user"], password=chosen["before"])
                its.update(password=chosen["password"])
        return is_confirmed

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """As whom the database knows: a session made with a password from before the confirmation would not hold."""
        user.refresh_from_db()
        super().login(request, user)

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **how: Any) -> HttpResponse:
        """Nothing that happens here may make the login fail."""
        response = super().post_login(request, user, **how)
        assert isinstance(user, User)
        take_device_along(request, response, user)
        try:
            logins.begin(request, user, **_how(request, user))
            preferences.put(response, user)
        except Exception:  # they are not to raise; and if they do, the person is in all the same
            log.exception("after the login of %s", user.pk)
        return response

    def is_reauthentication_required(self, *, app: str, **more: Any) -> bool:
        """Who logged in within the last minutes has shown who it is."""
        request = context.request
        last_at = max((it["at"] for it in get_authentication_records(request, request.user)), default=0)
        is_long_ago = time.time() - last_at > app_settings.REAUTHENTICATION_TIMEOUT
        return is_long_ago and super().is_reauthentication_required(app=app, **more)

    def send_notification_mail(self, template_prefix: str, user: AbstractBaseUser, *more: Any, **rest: Any) -> None:
        """Something about the login changed: allauth tells its person, and so do we."""
        changed = template_prefix.rpartition("/")[2]
        if isinstance(user, User) and changed in CHANGES:
            verb, what = CHANGES[changed]
            activity.note(user, verb, what)
            if changed == "password_reset":
                _confirm_by_link(self.request, user)
            if verb == "change_password":
                leaving.after_new_password(self.request, user)
        super().send_notification_mail(template_prefix, user, *more, **rest)

    # --- Out ----------------------------------------------------------------------------------------------
    def logout(self, request: HttpRequest) -> None:
        """The device is nobody's again; its new cookie is given by `accounts.views.entrance.log_out`."""
        session_key = request.session.session_key
        super().logout(request)
        try:
            logins.end(session_key, LoginEvent.Ended.SIGNED_OUT)
            if key := guest_key(request.COOKIES.get(settings.GUEST_COOKIE)):
                let_go(key)
        except Exception:  # the session is over, which is what they asked for
            log.exception("after a logout")


def keep_password(request: HttpRequest, user: User, hashed: str) -> None:
    """The hash of what was chosen when signing up waits in this session until the address is confirmed there."""
    request.session[CHOSEN] = {"user": user.pk, "before": user.password, "password": hashed}


def _confirm_by_link(request: HttpRequest, user: User) -> None:
    """Whoever has the link of a letter has the mailbox. Which one is certain only if the account has no other."""
    if not EmailAddress.objects.filter(user=user).exclude(email=user.email).exists() and (
        address := get_address_for_user(user)
    ):
        mark_email_address_as_verified(request, address)


class SecondFactorAdapter(DefaultMFAAdapter):
    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("This is not the code. Codes change every 30 seconds: type the one that is there now."),
        "unverified_email": _("Confirm all of your email addresses first, or remove those that are not yours."),
    }

    def encrypt(self, text: str) -> str:
        """What apps and recovery codes are made of; as it is where there is no key of ours."""
        return seal(text) if settings.FIELD_KEYS else text

    def decrypt(self, encrypted_text: str) -> str:
        """Problem (503): the key it was encrypted with is gone."""
        if not is_sealed(encrypted_text):
            return encrypted_text
        try:
            return unseal(encrypted_text)
        except CannotOpen:
            words = gettext("Codes cannot be checked: a key of this server is missing. Tell whoever runs it.")
            raise Problem(words, "no_key", 503) from None

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return gettext("Passkey %(number)d") % {"number": number}

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return super().get_public_key_credential_rp_entity() | {"name": "Pika!"}


def _how(request: HttpRequest, user: User) -> dict[str, Any]:
    """What the login history keeps of how they came in. With nothing shown but a code from the mail: a sign-up."""
    shown = get_authentication_records(request, user)
    how = LoginEvent.How.CODE
    if any(it.get("passwordless") for it in shown):
        how = LoginEvent.How.PASSKEY
    elif any(it["method"] == "password" for it in shown):
        how = LoginEvent.How.PASSWORD
    return {"how": how, "with_second_factor": any(it["method"] == "mfa" for it in shown)}


# --- The device comes along -----------------------------------------------------------------------------------
def take_device_along(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """What the device collected is `user`'s from now on, and they are told. A device of somebody else's becomes a new
    one, and theirs stays theirs. Never raises: the next login tries again."""
    try:
        key = guest_key(request.COOKIES.get(settings.GUEST_COOKIE))
        if not key or not _claim(request, user, key):
            secret = new_guest_secret()
            claim(user, guest_key(secret))
            give_secret(response, secret)
            request.COOKIES[settings.GUEST_COOKIE] = secret  # who is asked later in this request means the new one
    except Exception:  # whatever it is: nothing was moved, and nothing is lost
        log.exception("could not claim a device for %s", user.pk)


def _claim(request: HttpRequest, user: User, key: str) -> bool:
    """False: it is somebody else’s, or its secret does not hold any more."""
    try:
        claimed = claim(user, key)
    except Problem as problem:
        if problem.code == "bad_guest":
            return False  # its secret was changed or given up elsewhere: this browser gets another one
        if problem.code != "guest_of_another":
            raise
        words = gettext("This device was somebody else's until now. Their songs stay theirs; yours begin here.")
        messages.info(request, words)
        return False
    if words := in_words(claimed):
        messages.success(request, words)
    return True


def in_words(claimed: Claimed) -> str:
    """How many songs moved, and how many were there; empty if there were none."""
    moved, known = claimed.moved["likes"], claimed.known["likes"]
    if not moved and not known:
        return ""
    there = ngettext("%(songs)d you had already", "%(songs)d you had already", known) % {"songs": known}
    if not moved:
        words = ngettext(
            "The %(songs)d song of this device is in your account already.",
            "The %(songs)d songs of this device are in your account already.",
            known,
        )
        return words % {"songs": known}
    words = ngettext("%(songs)d song moved to your account", "%(songs)d songs moved to your account", moved)
    words %= {"songs": moved}
    return f"{words}, {there}." if known else f"{words}."

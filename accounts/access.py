"""Who is speaking: tokens of programs, login cookies, guest cookies. Fetch and authorise in one step."""

import hashlib
import time
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core import signing
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext

from accounts.models import ApiToken, Guest, Invitation, Membership, Organizer, User
from pika.errors import Problem
from pika.live.origin import is_ours

_guests = signing.Signer(salt="pika.guest")


def digest(secret: str) -> str:
    """What we keep of a secret: its SHA-256, 64 hex. Our secrets are random, so no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


# --- Guests -----------------------------------------------------------------------------------------
def guest_key(secret: str | None) -> str:
    """The key of the device with this cookie; empty for a missing or forged one. No query.

    The secret is signed, so that nobody but the server can make one up.
    """
    try:
        return digest(_guests.unsign(secret)) if secret else ""
    except signing.BadSignature:
        return ""


def guest_of(key: str) -> Guest:
    """Whose things the device with this (verified) key changes: its own, or its user's once it is claimed.

    Its row is made with its first act. Problem (401): its secret opens nothing any more.
    """
    device = Guest.objects.select_related("home").filter(key=key).first() or Guest.objects.get_or_create(key=key)[0]
    check_held(device)
    return device.home or device


def check_held(device: Guest) -> None:
    """Problem (401): the secret was changed or given up, and whoever shows it still is nobody."""
    if device.revoked_at:
        raise Problem(gettext("This device got a new secret. Open the page again."), "bad_guest", 401)


def check_key(key: str) -> None:
    """The same, of the device with this (verified) key."""
    for device in Guest.objects.filter(key=key, revoked_at__isnull=False):
        check_held(device)


def key_of_request(request: Any, token: str = "") -> str:
    """The key of the device that shows its secret, or the cookie of it on a page of ours; Problem (401) otherwise."""
    cookie = request.COOKIES.get(settings.GUEST_COOKIE) if not token and is_our_page(request) else None
    if not (key := guest_key(token or cookie)):
        words = gettext("Send the “guestToken” that POST /api/v1/guests gave you, or open this on a page of Pika!")
        raise Problem(words, "bad_guest", 401)
    return key


def is_our_page(request: Any) -> bool:
    """Only a page of this very origin may bring cookies; as on the socket."""
    its = {"origin": request.headers.get("Origin", ""), "host": request.get_host()}
    return is_ours({"headers": [(name.encode(), value.encode("latin-1", "replace")) for name, value in its.items()]})


# --- People and their programs --------------------------------------------------------------------------
@dataclass(eq=False)
class Credential:
    """What a socket showed us once, asked again every few seconds: it may have been revoked."""

    token: str = ""
    session_key: str = ""
    _user: User | None = None
    _asked_at: float = field(default=-1e9)

    def user(self, scope: str, fresh_for: float = 3.0) -> User:
        """The user; Problem (401) if the credential does not hold (any more)."""
        if self._user is None or time.monotonic() - self._asked_at > fresh_for:
            self._user = user_of_token(self.token, scope) if self.token else user_of_login(self.session_key)
            self._asked_at = time.monotonic()
        return self._user


def user_of_token(token: str, scope: str = "") -> User:
    """The user whose program shows this token; Problem (401) otherwise, (403) without the scope."""
    its = ApiToken.objects.valid().select_related("user").filter(key=digest(token)).first()
    if its is None:
        raise Problem(gettext("This token is not valid. Make a new one on your profile page."), "bad_token", 401)
    if scope and scope not in its.scopes:
        raise Problem(
            gettext("This token is not allowed to do this: it lacks “%(scope)s”.") % {"scope": scope}, "no_scope", 403
        )
    if its.last_used_at is None or (timezone.now() - its.last_used_at).total_seconds() > 60:
        ApiToken.objects.filter(pk=its.pk).update(last_used_at=timezone.now())
    return its.user


def user_of_login(session_key: str) -> User:
    """The user logged in with this session cookie; Problem (401) otherwise."""
    store = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = User.objects.filter(pk=store.get(SESSION_KEY), is_active=True).first() if session_key else None
    is_held = (
        user is not None
        and store.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS
        and constant_time_compare(store.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
    )
    if user is None or not is_held:
        raise Problem(gettext("Please log in, or send your token."), "unauthenticated", 401)
    return user


def signed_in(request: Any) -> User:
    """The person (or the person's program) behind a request of Django or DRF; Problem (401) otherwise."""
    if not isinstance(request.user, User):
        raise Problem(gettext("Please log in, or send your token."), "unauthenticated", 401)
    return request.user


def check_dj(user: User) -> None:
    """Problem (403): this person did not choose to be a DJ."""
    if not user.is_dj:
        words = gettext("Going live is for DJs. Are you one? Say so in your profile, it is one tap.")
        raise Problem(words, "no_dj", 403)


# --- Organizers and their members: what each role may do is said at Membership.Role -------------------------
def role_of(user: User, organizer_id: int) -> Membership.Role | None:
    """What `user` is for the organizer; None for a stranger."""
    role = user.memberships.filter(organizer_id=organizer_id).values_list("role", flat=True).first()
    return Membership.Role(role) if role else None


def manages(user: User, organizer_id: int) -> bool:
    """Whether `user` may change what belongs to the organizer."""
    return role_of(user, organizer_id) in Membership.Role.MANAGER.and_above


def organizer_for_member(user: User, slug: str, role: Membership.Role = Membership.Role.CREW) -> Organizer:
    """The organizer, if `user` is at least `role` there; Problem (404) otherwise."""
    organizer = Organizer.objects.filter(slug=slug, memberships__in=user.memberships.filter(role__in=role.and_above))
    if (found := organizer.first()) is None:
        raise Problem(gettext("Organizer not found"), "organizer_not_found", 404, field="organizerId")
    return found


def organizer_for_manager(user: User, slug: str) -> Organizer:
    """The organizer, if `user` is its owner or manager; Problem (404) otherwise."""
    return organizer_for_member(user, slug, Membership.Role.MANAGER)


def organizer_for_owner(user: User, slug: str) -> Organizer:
    """The organizer, if `user` is one of its owners; Problem (404) otherwise."""
    return organizer_for_member(user, slug, Membership.Role.OWNER)


def memberships_of(user: User) -> QuerySet[Membership]:
    """Whom `user` works for, with each organizer's applications; two queries."""
    mine = user.memberships.select_related("organizer").prefetch_related("organizer__applications")
    return mine.order_by("organizer__name", "pk")


def invitation_by(secret: str) -> Invitation:
    """The invitation behind a link, whether it still holds or not; Problem (404) for one we never made."""
    invitation = Invitation.objects.select_related("organizer", "created_by").filter(key=digest(secret)).first()
    if invitation is None:
        raise Problem(gettext("This invitation does not exist"), "invitation_not_found", 404)
    return invitation

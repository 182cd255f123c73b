"""Sign out other devices: their session ends, their sockets close within seconds, what they show is nobody's again."""

import logging
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest
from django.utils import timezone

from accounts import logins
from accounts.access import digest, guest_key
from accounts.activity import note
from accounts.claim import let_go
from accounts.models import ApiToken, Guest, LoginEvent, User
from pika.jobs import actions as jobs

log = logging.getLogger(__name__)
KEEP_LOGINS = timedelta(days=365)


def open_sessions(user: User) -> dict[str, Session]:
    """The sessions of `user`'s login history that still hold, by their keys; two queries."""
    known = user.logins.filter(ended_at=None).exclude(session_key="").values_list("session_key", flat=True)
    rows = Session.objects.filter(pk__in=list(known), expire_date__gt=timezone.now())
    now = user.get_session_auth_hash()  # a change of the password ends the others, and leaves their rows
    return {row.pk: row for row in rows if _is_of(row, user) and row.get_decoded().get(HASH_SESSION_KEY) == now}


def open_programs(user: User) -> dict[str, ApiToken]:
    """The tokens of programs that logged in as `user` and still may, by what the login history calls them."""
    valid = ApiToken.objects.valid().filter(user=user, scopes=[ApiToken.Scope.SONGS])
    return {logins.key_of_program(token): token for token in valid}


def _is_of(session: Session, user: User) -> bool:
    return bool(session.get_decoded().get(SESSION_KEY) == str(user.pk))


@transaction.atomic
def sign_out(user: User, login: LoginEvent) -> None:
    """Where `user` logged in then is signed out now. Twice is once."""
    Session.objects.filter(pk=login.session_key).delete()
    if program := open_programs(user).get(login.session_key):
        ApiToken.objects.filter(pk=program.pk).update(revoked_at=timezone.now())
    if login.guest_id:
        _let_go(Guest.objects.filter(pk=login.guest_id, home__user=user))
    logins.end(login.session_key, LoginEvent.Ended.EVERYWHERE)
    note(user, "sign_out_device", login.device)


@transaction.atomic
def sign_out_everywhere(user: User, but: str = "", but_device: str = "", with_programs: bool = False) -> None:
    """All devices of `user` are signed out, except the session with the key `but` on the device `but_device`; on wish
    its programs, too."""
    known = user.logins.filter(ended_at=None).exclude(session_key__in=["", but])
    Session.objects.filter(pk__in=list(known.values_list("session_key", flat=True))).delete()
    _let_go(Guest.objects.filter(home__user=user).exclude(key=but_device))
    programs = ApiToken.objects.filter(user=user, revoked_at=None)
    if not with_programs:  # those that logged in with a password are devices like any other
        programs = programs.filter(scopes=[ApiToken.Scope.SONGS])
    programs.update(revoked_at=timezone.now())
    logins.end_everywhere(user, but)
    note(user, "sign_out_everywhere")
    # The history may have missed a login, and a session does not say whose it is but from within: look into all.
    key = f"{user.pk}-{timezone.now().timestamp():.0f}"
    jobs.enqueue("end_sessions", key, {"user": user.pk, "but": digest(but)})


def after_new_password(request: HttpRequest, user: User) -> None:
    """Whoever is logged in elsewhere is not any more, their devices are let go. Never raises: the password is new."""
    try:
        if request.user == user:
            logins.follow(request)
        device = guest_key(request.COOKIES.get(settings.GUEST_COOKIE)) if request.user == user else ""
        sign_out_everywhere(user, but=request.session.session_key or "", but_device=device)
    except Exception:  # whatever it is: sessions of the old password open nothing
        log.exception("after a new password")


def end_unknown_sessions(user: User, but: str) -> None:
    """Those that the login history does not know, too; except the one whose key has the digest `but`."""
    live = Session.objects.filter(expire_date__gt=timezone.now()).iterator(chunk_size=500)
    theirs = {row.pk for row in live if _is_of(row, user) and digest(row.pk) != but}
    began_since = user.logins.filter(ended_at=None).values_list("session_key", flat=True)
    Session.objects.filter(pk__in=theirs - set(began_since)).delete()


def _let_go(devices: QuerySet[Guest]) -> None:
    for key in devices.values_list("key", flat=True):
        let_go(key)


def forget_logins() -> None:
    """What the clock does every day: sessions that ran out are said to be over, and what is a year old is forgotten."""
    now = timezone.now()
    LoginEvent.objects.filter(logged_in_at__lt=now - KEEP_LOGINS).delete()
    running = LoginEvent.objects.filter(ended_at=None).exclude(session_key="")
    held = Session.objects.filter(expire_date__gt=now).values("pk")
    programs = ApiToken.objects.valid().annotate(begins_with=Left("key", 40)).values("begins_with")
    gone = running.exclude(session_key__in=held).exclude(session_key__in=programs)
    gone.update(ended_at=now, ended_how=LoginEvent.Ended.EXPIRED)
    Session.objects.filter(expire_date__lte=now).delete()

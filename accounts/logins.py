"""The login history: when somebody came, how, from what device, and when they left. Never from where.

It may fail; a login and a logout may not fail with it: nothing here raises.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.access import guest_key, signed_in
from accounts.devices import device_of
from accounts.models import ApiToken, Guest, LoginEvent, User

log = logging.getLogger(__name__)
LOGIN = "pika_login"  # in a session: which LoginEvent it began with


def begin(request: HttpRequest, user: User, how: str, with_second_factor: bool = False) -> None:
    """`user` has just logged in with this request, by `how` (a LoginEvent.How); after the session has its new key."""
    with _never_raising("begin"):
        key = guest_key(request.COOKIES.get(settings.GUEST_COOKIE))
        event = LoginEvent.objects.create(
            user=user,
            how=how,
            is_two_factor=with_second_factor,
            device=device_of(request.headers.get("User-Agent", "")),
            guest=Guest.objects.filter(key=key).first() if key else None,
            session_key=request.session.session_key or "",
        )
        request.session[LOGIN] = event.pk


def begin_program(token: ApiToken) -> None:
    """A program has just logged in: the token is its session."""
    with _never_raising("begin of a program"):
        its = {"how": LoginEvent.How.PROGRAM, "device": token.name, "session_key": key_of_program(token)}
        LoginEvent.objects.create(user=token.user, **its)


def key_of_program(token: ApiToken) -> str:
    """What stands for the key of a session in the login of a program: so much of the token's own as has room."""
    return token.key[:40]


def follow(request: HttpRequest) -> None:
    """The session of this request got another key (after a change of the password): it is the same login still."""
    with _never_raising("follow"):
        its = LoginEvent.objects.filter(pk=request.session.get(LOGIN, 0), user=signed_in(request), ended_at=None)
        its.update(session_key=request.session.session_key or "")


def end(session_key: str | None, how: str = LoginEvent.Ended.SIGNED_OUT) -> None:
    """The session with this key is over since now. Twice is once."""
    with _never_raising("end"):
        if session_key:
            running = LoginEvent.objects.filter(session_key=session_key, ended_at=None)
            running.update(ended_at=timezone.now(), ended_how=how)


def end_everywhere(user: User, but: str = "") -> None:
    """All sessions of `user` are over since now, except the one with the key `but`: only written down, see
    `accounts.leaving` for who ends them."""
    with _never_raising("end everywhere"):
        running = LoginEvent.objects.filter(user=user, ended_at=None).exclude(session_key="")
        others = running.exclude(session_key=but) if but else running
        others.update(ended_at=timezone.now(), ended_how=LoginEvent.Ended.EVERYWHERE)


@contextmanager
def _never_raising(what: str) -> Iterator[None]:
    try:
        with transaction.atomic():  # what fails in here must not break a transaction around us
            yield
    except Exception:  # whatever it is: the login is done
        log.exception("login history: could not %s", what)

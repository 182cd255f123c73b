"""Whose songs somebody may see, and which song they mean."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext

from accounts.access import check_key, guest_of, key_of_request, signed_in
from accounts.claim import home_of
from accounts.models import ApiToken, Guest, User
from accounts.tokens import check_scope
from pika.errors import Problem
from stages.access import public_session
from stages.models import Play, Session, Stage


def guest_of_page(request: Any) -> Guest | None:
    """Whose journal this page shows; None for somebody who has nothing yet.

    Problem (401): the device's songs belong to an account that is not logged in here, or its secret does not hold.
    """
    if isinstance(request.user, User):
        return Guest.objects.filter(user=request.user).first()
    guest = Guest.objects.speaking(request.guest_key).first()
    if guest is None:
        check_key(request.guest_key)
    if guest and guest.user_id:
        raise Problem(gettext("Your songs are in your account. Please log in to see them."), "unauthenticated", 401)
    return guest


def guest_for_change(request: Any) -> Guest:
    """The same, where something is about to be written: who is new gets a row."""
    known = guest_of_page(request)
    if known:
        return known
    return home_of(request.user) if isinstance(request.user, User) else guest_of(request.guest_key)


def guest_of_program(request: Any, token: str) -> Guest | None:
    """Whose likes a program may read: by its user's token (scope `songs`), or by a guest token."""
    if isinstance(request.user, User):
        check_scope(request, ApiToken.Scope.SONGS)
        return Guest.objects.filter(user=signed_in(request)).first()
    key = key_of_request(request, token)
    guest = Guest.objects.speaking(key).first()
    if guest is None:
        check_key(key)
    if guest and guest.user_id:
        raise Problem(gettext("These songs are in an account. Send its token."), "unauthenticated", 401)
    return guest


def loved_play(guest: Guest | None, uuid: UUID) -> Play:
    """A play among this person's songs; Problem (404) otherwise."""
    plays = Play.objects.public().select_related("session__stage__event")
    play = plays.filter(uuid=uuid, likes__guest=guest).first() if guest else None
    if play is None:
        raise Problem(gettext("Song not found"), "play_not_found", 404, field="playId")
    return play


def own_play(dj: User, uuid: UUID) -> Play:
    """A play of one of this DJ's sets, hidden ones too; Problem (404) otherwise."""
    play = Play.objects.select_related("session__dj").filter(uuid=uuid, session__dj=dj).first()
    if play is None:
        raise Problem(gettext("This song is not in a set of yours."), "play_not_found", 404, field="playId")
    return play


def set_of_everybody(code: str) -> Session:
    """A set that has a page of its own: it is over, and its floor is public. Problem (404) otherwise."""
    session = public_session(code)
    if session.is_live:
        raise Problem(gettext("This set is still going on."), "session_not_found", 404, field="sessionId")
    return session


def has_page(session: Session) -> bool:
    """Whether `set_of_everybody` gives it."""
    is_open = session.stage_id is None or Stage.objects.public().filter(pk=session.stage_id).exists()
    return is_open and not session.is_live

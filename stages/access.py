"""Stages and sessions, fetched and authorised in one step; Problem (404) for what one may not know."""

from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.access import manages
from accounts.models import User
from events.models import Event
from pika.codes import clean_code
from pika.errors import Problem
from stages.models import Play, Session, Slot, Stage


def public_stage(code: str) -> Stage:
    """The stage a dancer means by `code`."""
    stage = Stage.objects.public().select_related("event").filter(code=clean_code(code)).first()
    if stage is None:
        raise Problem("Stage not found", "stage_not_found", 404, field="stageId")
    return stage


def stage_for_dj(user: User, code: str) -> Stage:
    """A stage where `user` may go live: its booth is open to DJs, or they are in the house."""
    stage = public_stage(code)
    event = stage.event
    is_invited = event.is_booth_open or event.stages.filter(slots__dj=user).exists()
    if not is_invited and not manages(user, event.organizer_id):
        raise Problem("Stage not found", "stage_not_found", 404, field="stageId")
    if stage.is_closed or event.status == Event.Status.ARCHIVED:
        raise Problem("This stage is closed", "stage_closed", 409, field="stageId")
    return stage


def stage_for_manager(user: User, code: str) -> Stage:
    """A stage, draft or public, of an organizer that `user` manages."""
    stages = Stage.objects.select_related("event").filter(event__in=Event.objects.managed_by(user))
    stage = stages.filter(code=clean_code(code)).first()
    if stage is None:
        raise Problem("Stage not found", "stage_not_found", 404, field="stageId")
    return stage


def slots_of(event: Event) -> QuerySet[Slot]:
    """The event's timetable, in order."""
    return Slot.objects.filter(stage__event=event).select_related("stage", "dj").order_by("starts_at", "id")


def public_session(code: str) -> Session:
    """A session anybody may listen to: a Quick Start, or one on a public stage."""
    sessions = Session.objects.select_related("stage__event")
    session = sessions.filter(
        Q(stage=None) | Q(stage__in=Stage.objects.public()), code__in=[code, clean_code(code)]
    ).first()
    if session is None:
        raise Problem("Session not found", "session_not_found", 404, field="sessionId")
    return session


def session_for_dj(user: User, code: str) -> Session:
    """The session, if it is `user`'s own."""
    session = Session.objects.select_related("stage__event", "dj").filter(code=code, dj=user).first()
    if session is None:
        raise Problem("Session not found", "session_not_found", 404, field="sessionId")
    return session


def play_for_dj(session: Session, uuid: UUID) -> Play:
    """A play of this session."""
    play = session.plays.filter(uuid=uuid).first()
    if play is None:
        raise Problem("Track not found", "play_not_found", 404, field="playId")
    play.session = session
    return play


def public_play(uuid: UUID | None, session_code: str = "", title: str = "", artist: str = "") -> Play:
    """The play a dancer means: by its id, else the newest of that name in the session (0.3 clients)."""
    plays = Play.objects.public().select_related("session__stage__event")
    plays = plays.filter(Q(session__stage=None) | Q(session__stage__in=Stage.objects.public()))
    if uuid is not None:
        play = plays.filter(uuid=uuid).first()
    else:
        named = plays.filter(session__code=session_code, title=title, artist=artist)
        play = named.newest_first().first() if session_code else None
    if play is None:
        raise Problem("Track not found", "play_not_found", 404, field="playId")
    return play


def lively_stages(at: datetime) -> list[Stage]:
    """Public stages with a DJ right now, for the welcome page; at most 12."""
    live = Session.objects.live().filter(stage__in=Stage.objects.public()).values("stage")
    return list(Stage.objects.filter(pk__in=live).select_related("event")[:12])

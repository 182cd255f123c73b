"""What is going on on a stage right now."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from stages.models import Play, Session, Slot, Stage

LIVE, BETWEEN_SONGS, RECONNECTING, AWAY = "live", "between_songs", "reconnecting", "away"
CHANGING, WAITING, CLOSED = "changing", "waiting", "closed"


@dataclass(frozen=True)
class StageNow:
    """`state` with the current session and the track on screen (the last one, when none plays)."""

    state: str
    session: Session | None
    play: Play | None
    next_slot: Slot | None

    @property
    def dj_name(self) -> str | None:
        return self.session.dj_name if self.session else None


def current_session(stage: Stage) -> Session | None:
    """The live session with the latest track start; None while the stage waits."""
    return stage.sessions.live().latest_track_first().first()


def session_state(session: Session, at: datetime) -> str:
    """The state of a live session by itself."""
    if lost_at := lost_since(session, at):
        return RECONNECTING if (at - lost_at).total_seconds() < settings.LIVE_GRACE else AWAY
    newest = session.plays.told().newest_first().first()
    if newest is None or newest.is_hidden or session.stopped_at or session.is_paused:
        return BETWEEN_SONGS
    return LIVE


def lost_since(session: Session, at: datetime) -> datetime | None:
    """When the DJ's socket was lost: it closed, or the server that held it died without a word."""
    if session.away_at or session.seen_at is None:
        return session.away_at
    is_silent = (at - session.seen_at).total_seconds() > settings.LIVE_LOST_AFTER
    return session.seen_at if is_silent else None


def stage_now(stage: Stage, at: datetime) -> StageNow:
    """The whole truth about a stage, in a handful of queries."""
    session = current_session(stage)
    next_slot = _next_slot(stage, session, at)
    plays = Play.objects.public().select_related("session").newest_first()
    if stage.is_closed or stage.event.status == "archived":
        return StageNow(CLOSED, None, None, None)
    # Until a new DJ's first track the last one stays on screen, whoever played it.
    play = (session and plays.filter(session=session).first()) or plays.filter(session__stage=stage).first()
    if session:
        return StageNow(session_state(session, at), session, play, next_slot)
    is_soon = next_slot and next_slot.starts_at <= at + timedelta(seconds=settings.LIVE_CHANGING_WITHIN)
    return StageNow(CHANGING if is_soon else WAITING, None, play, next_slot)


def _next_slot(stage: Stage, session: Session | None, at: datetime) -> Slot | None:
    """Who is next: while somebody plays, the next to start; else also the one whose time it is."""
    slots = stage.slots.upcoming(at).select_related("dj")
    return (slots.filter(starts_at__gt=at) if session else slots).first()

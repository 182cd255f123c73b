"""What is going on on a stage right now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, Subquery

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
    newest = None if lost_since(session, at) else session.plays.told().newest_first().first()
    return _session_state(session, at, bool(newest and not newest.is_hidden))


def _session_state(session: Session, at: datetime, is_song_shown: bool) -> str:
    """The same, where it is known whether the newest song that was told is still shown."""
    if lost_at := lost_since(session, at):
        return RECONNECTING if (at - lost_at).total_seconds() < settings.LIVE_GRACE else AWAY
    if not is_song_shown or session.stopped_at or session.is_paused:
        return BETWEEN_SONGS
    return LIVE


def lost_since(session: Session, at: datetime) -> datetime | None:
    """When the DJ's socket was lost: it closed, or the server that held it died without a word."""
    if session.away_at or session.seen_at is None:
        return session.away_at
    is_silent = (at - session.seen_at).total_seconds() > settings.LIVE_LOST_AFTER
    return session.seen_at if is_silent else None


def is_over(stage: Stage) -> bool:
    """Nobody hears anything here: it is closed, its event is over, or its organizer is suspended."""
    event = stage.event
    return stage.is_closed or event.status == "archived" or event.organizer.suspended_at is not None


def stage_now(stage: Stage, at: datetime) -> StageNow:
    """The whole truth about a stage."""
    return stages_now([stage], at)[stage.pk]


def stages_now(stages: Iterable[Stage], at: datetime) -> dict[int, StageNow]:
    """The same for many stages, by primary key; four queries, however many they are."""
    its = {stage.pk: stage for stage in stages}
    told = {pk: StageNow(CLOSED, None, None, None) for pk in its}
    asked = [pk for pk, it in its.items() if not is_over(it)]
    if not asked:
        return told
    current = _current_sessions(asked)
    newest = Play.objects.public().newest_first().values("pk")
    slots = Slot.objects.filter(stage=OuterRef("pk")).upcoming(at).values("pk")
    known = Stage.objects.filter(pk__in=asked).values_list(
        "pk",
        Subquery(newest.filter(session__stage=OuterRef("pk"))[:1]),
        Subquery(slots[:1]),
        Subquery(slots.filter(starts_at__gt=at)[:1]),
    )
    facts = {pk: (play, slot, later) for pk, play, slot, later in known}
    # Until a new DJ's first track the last one stays on screen, whoever played it.
    play_of = {pk: (pk in current and current[pk].newest_play) or facts[pk][0] for pk in facts}
    # Who is next: while somebody plays, the next to start; else also the one whose time it is.
    slot_of = {pk: facts[pk][2] if pk in current else facts[pk][1] for pk in facts}
    plays = Play.objects.select_related("session").in_bulk(filter(None, play_of.values()))
    next_slots = Slot.objects.select_related("dj").in_bulk(filter(None, slot_of.values()))
    for pk in facts:
        session, slot = current.get(pk), next_slots.get(slot_of[pk])
        told[pk] = StageNow(_stage_state(session, slot, at), session, plays.get(play_of[pk]), slot)
    return told


def _current_sessions(stages: list[int]) -> dict[int, Any]:
    """The session each stage hears, by the stage's key, with `newest_play` and `is_newest_hidden`."""
    mine = Play.objects.filter(session=OuterRef("pk")).newest_first()
    live = Session.objects.live().filter(stage__in=stages).latest_track_first()
    its_newest = live.annotate(
        newest_play=Subquery(mine.public().values("pk")[:1]),
        is_newest_hidden=Subquery(mine.told().values("is_hidden")[:1]),
    )
    current: dict[Any, Any] = {}
    for session in its_newest:
        current.setdefault(session.stage_id, session)
    return current


def _stage_state(session: Any, next_slot: Slot | None, at: datetime) -> str:
    if session:
        return _session_state(session, at, session.is_newest_hidden is False)
    is_soon = next_slot and next_slot.starts_at <= at + timedelta(seconds=settings.LIVE_CHANGING_WITHIN)
    return CHANGING if is_soon else WAITING

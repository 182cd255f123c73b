"""What is said of stages, sessions and plays: plain dicts in the words of the live protocol."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, OuterRef, Q, Subquery
from django.utils import timezone

from pika.live import messages
from pika.live.broker import Position
from pika.live.messages import Message, iso
from stages.models import Announcement, AnnouncementQuerySet, Play, Poll, PollQuerySet, Session, Slot, Stage
from stages.state import CLOSED, session_state, stage_now

RECENT = 20
ANNOUNCEMENTS = 10
_TRACK = {
    "remix": "remix",
    "album": "album",
    "isrc": "isrc",
    "bpm": "bpm",
    "key": "key",
    "durationMs": "duration_ms",
}


def track_of(play: Play) -> Message:
    """title, artist and whatever else is known; hashes and stream ids stay with us."""
    known = {name: getattr(play, field) for name, field in _TRACK.items() if getattr(play, field)}
    return {"title": play.title, "artist": play.artist} | known | play.features


def play_of(play: Play) -> Message:
    return {
        "playId": str(play.uuid),
        "sessionId": play.session.code,
        "djName": play.session.dj_name,
        "playedAt": iso(play.played_at),
        "track": track_of(play),
    }


def stage_of(stage: Stage) -> Message:
    return {"stageId": stage.code, "name": stage.name, "eventName": stage.event.name}


def session_of(session: Session) -> Message:
    return {
        "sessionId": session.code,
        "djName": session.dj_name,
        "startedAt": iso(session.started_at),
    }


def slot_of(slot: Slot | None) -> Message | None:
    if slot is None:
        return None
    return {
        "startsAt": iso(slot.starts_at),
        "endsAt": iso(slot.ends_at),
        "djName": slot.who,
        "title": slot.title,
        "kind": slot.kind,
    }


def now_playing(play: Play) -> Message:
    session = play.session
    return messages.now_playing(
        session_id=session.code,
        dj_name=session.dj_name,
        track=track_of(play),
        play_id=str(play.uuid),
        played_at=play.played_at,
        stage_id=session.stage.code if session.stage else None,
    )


def poll_started(poll: Poll) -> Message:
    return messages.poll_started(
        poll_id=poll.code,
        session_id=poll.session.code,
        question=poll.question,
        options=poll.options,
        ends_at=poll.ends_at,
        duration_seconds=round((poll.ends_at - poll.created_at).total_seconds()),
    )


def _running_poll(polls: PollQuerySet, at: datetime) -> Message | None:
    """The newest of `polls` that runs, as POLL_STARTED told it, with the votes until now."""
    poll = polls.running(at).select_related("session").first()
    if poll is None:
        return None
    votes = poll.tally()
    told = {name: value for name, value in poll_started(poll).items() if name != "type"}
    return told | {"votes": votes, "total": sum(votes)}


def announcement_received(announcement: Announcement) -> Message:
    """As the floor hears it: of a DJ, or of the event."""
    event, session = announcement.event, announcement.session
    return messages.announcement_received(
        announcement_id=announcement.code,
        message=announcement.message,
        priority=announcement.priority,
        at=announcement.created_at,
        ends_at=announcement.ends_at,
        dj_name=session.dj_name if session else None,
        session_id=session.code if session else None,
        event={"eventId": event.slug, "name": event.name} if event else None,
    )


def announcement_answer(announcement: Announcement) -> dict[str, Any]:
    """What a program gets to know of an organizer's announcement, with the counts until now (see `counted`)."""
    cancelled_at, push = announcement.cancelled_at, announcement.push
    return {
        "announcementId": announcement.code,
        "message": announcement.message,
        "priority": announcement.priority,
        "stageIds": [stage.code for stage in announcement.stages.all()],
        "timestamp": iso(announcement.created_at),
        "endsAt": iso(announcement.ends_at),
        "cancelledAt": iso(cancelled_at) if cancelled_at else None,
        "people": announcement.people,
        "phones": announcement.phones,
        "delivered": push.served if push else 0,
        "seen": announcement.seen,
    }


def _showing(announcements: AnnouncementQuerySet, at: datetime) -> list[Message]:
    """What newcomers see, as ANNOUNCEMENT_RECEIVED told it."""
    shown = announcements.showing(at).select_related("event", "session")[:ANNOUNCEMENTS]
    told = map(announcement_received, shown)
    return [{name: value for name, value in message.items() if name != "type"} for message in told]


def stage_state(stage: Stage, at: datetime) -> Message:
    now = stage_now(stage, at)
    return messages.stage_state(stage.code, now.state, now.dj_name, slot_of(now.next_slot))


def stage_snapshot(stage: Stage, at: datetime, position: Position) -> Message:
    """SNAPSHOT of a stage without anything personal; `position` was read before the facts."""
    now = stage_now(stage, at)
    recent = Play.objects.public().filter(session__stage=stage).select_related("session").newest_first()
    return messages.snapshot(
        topic=f"stage.{stage.code}",
        epoch=position.epoch,
        seq=position.seq,
        stage=stage_of(stage) | {"timeZone": stage.event.time_zone},
        event={"eventId": stage.event.slug, "name": stage.event.name},
        state=now.state,
        session=session_of(now.session) if now.session else None,
        play=play_of(now.play) if now.play else None,
        recent=[play_of(play) for play in recent[:RECENT]],
        nextSlot=slot_of(now.next_slot),
        announcements=_showing(Announcement.objects.on_stage(stage), at),
        poll=_running_poll(Poll.objects.filter(session__stage=stage), at) if now.state != CLOSED else None,
    )


def session_snapshot(session: Session, position: Position) -> Message:
    """The same for one session by itself (Quick Start)."""
    recent = list(session.plays.public().select_related("session").newest_first()[:RECENT])
    return messages.snapshot(
        topic=f"session.{session.code}",
        epoch=position.epoch,
        seq=position.seq,
        stage=None,
        event=None,
        state=session_state(session, timezone.now()) if session.is_live else "closed",
        session=session_of(session),
        play=play_of(recent[0]) if recent else None,
        recent=[play_of(play) for play in recent],
        nextSlot=None,
        announcements=_showing(Announcement.objects.in_session(session), timezone.now()),
        poll=_running_poll(session.polls.all(), timezone.now()),
    )


def handover_of(stage: Stage, to: Session) -> Message:
    """What a DJ who opens a stage should know: its last 10 plays with the floor's wishes, and a note."""
    tempo = {name: Count("tempos", filter=Q(tempos__preference=name)) for name in ("faster", "perfect", "slower")}
    told = Play.objects.filter(session__stage=stage, is_hidden=False).newest_first()
    last_ten = list(told.values_list("pk", flat=True)[:10])  # first, or the database groups the whole weekend
    plays = Play.objects.filter(pk__in=last_ten).select_related("session").newest_first().annotate(**tempo)
    before = stage.sessions.exclude(pk=to.pk).order_by("-started_at").first()
    return {
        "djName": before.dj_name if before else None,
        "note": before.note if before else "",
        "plays": [play_of(play) | {"tempo": {n: getattr(play, n) for n in tempo}} for play in plays],
    }


def public_sessions() -> list[Message]:
    """Live sessions anybody may join, the one with the latest track first, with what they play; at most 50."""
    newest = Play.objects.public().filter(session=OuterRef("pk")).newest_first().values("pk")[:1]
    live = Session.objects.live().filter(Q(stage=None) | Q(stage__in=Stage.objects.public()))
    live = live.latest_track_first().annotate(newest=Subquery(newest))[:50]
    plays = Play.objects.in_bulk([session.newest for session in live if session.newest])
    return [
        session_of(session) | ({"currentTrack": track_of(plays[session.newest])} if session.newest else {})
        for session in live
    ]


def page_of_session(session: Session, base: str) -> str:
    """The address dancers open for this session."""
    path = f"/s/{session.stage.code}" if session.stage else f"/l/{session.code}"
    return f"{settings.PUBLIC_URL or base}{path}"


def session_answer(session: Session, base: str) -> dict[str, Any]:
    """What a program gets to know about its session."""
    return {
        "sessionId": session.code,
        "djName": session.dj_name,
        "isLive": session.is_live,
        "startedAt": iso(session.started_at),
        "delaySeconds": session.delay_seconds,
        "isPaused": session.is_paused,
        "note": session.note,
        "stage": stage_of(session.stage) if session.stage else None,
        "url": page_of_session(session, base),
    }

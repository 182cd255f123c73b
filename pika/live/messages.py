"""Every message the server says, one function each; what they mean is in docs/live.md.

Times are datetimes and leave as ISO 8601 UTC. Optional fields that are None are left out.
"""

import json
from datetime import UTC, datetime
from typing import Any

Message = dict[str, Any]


def iso(at: datetime) -> str:
    """ISO 8601 in UTC with milliseconds: 2026-03-14T21:10:00.000Z"""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encode(message: Message) -> str:
    """The text of a frame."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def _message(kind: str, **fields: Any) -> Message:
    return {"type": kind} | {name: value for name, value in fields.items() if value is not None}


# --- Replies ---------------------------------------------------------------------------------------
def ack(message_id: str, at: datetime, **extra: Any) -> Message:
    return _message("ACK", messageId=message_id, status="ok", timestamp=iso(at), **extra)


def nack(
    message_id: str | None,
    error: str,
    at: datetime,
    code: str,
    retry_after: float | None = None,
    field: str | None = None,
) -> Message:
    """`error` is in the user's words, `field` what it is about, `code` for programs; `retry_after` in seconds."""
    fields = {"messageId": message_id, "error": error, "code": code, "field": field, "retryAfter": retry_after}
    return _message("NACK", **fields, timestamp=iso(at))


def pong(at: datetime) -> Message:
    return _message("PONG", timestamp=iso(at))


# --- To the DJ ---------------------------------------------------------------------------------------
def session_registered(session_id: str, dj_name: str, stage: Message | None, handover: Message | None) -> Message:
    return _message(
        "SESSION_REGISTERED",
        sessionId=session_id,
        djName=dj_name,
        authenticated=True,
        stage=stage,
        handover=handover,
    )


def like_received(session_id: str, play_id: str, track: Message, count: int) -> Message:
    """`count` is the play's likes altogether."""
    return _message("LIKE_RECEIVED", sessionId=session_id, playId=play_id, payload={"track": track}, count=count)


def tempo_feedback(session_id: str, play_id: str, faster: int, slower: int, perfect: int) -> Message:
    return _message(
        "TEMPO_FEEDBACK",
        sessionId=session_id,
        playId=play_id,
        faster=faster,
        slower=slower,
        perfect=perfect,
        total=faster + slower + perfect,
    )


def reaction_received(session_id: str, reaction: str) -> Message:
    return _message("REACTION_RECEIVED", sessionId=session_id, reaction=reaction)


def repeat_warning(
    session_id: str, play_id: str, track: Message, played_at: datetime, stage_name: str, dj_name: str, words: str
) -> Message:
    """`play_id` is the repetition, the rest tells of the first time; `words` says it in the event's own time."""
    return _message(
        "REPEAT_WARNING",
        sessionId=session_id,
        playId=play_id,
        track=track,
        playedAt=iso(played_at),
        stageName=stage_name,
        djName=dj_name,
        words=words,
    )


# --- To the floor --------------------------------------------------------------------------------------
def now_playing(
    session_id: str,
    dj_name: str,
    track: Message,
    play_id: str,
    played_at: datetime,
    stage_id: str | None,
) -> Message:
    return _message(
        "NOW_PLAYING",
        sessionId=session_id,
        djName=dj_name,
        track=track,
        playId=play_id,
        playedAt=iso(played_at),
        stageId=stage_id,
    )


def metadata_updated(session_id: str, play_id: str, track: Message) -> Message:
    return _message("METADATA_UPDATED", sessionId=session_id, playId=play_id, track=track)


def track_stopped(session_id: str) -> Message:
    return _message("TRACK_STOPPED", sessionId=session_id)


def track_hidden(session_id: str, play_id: str, hidden: bool) -> Message:
    """The play disappears (or comes back) everywhere the public looks."""
    return _message("TRACK_HIDDEN", sessionId=session_id, playId=play_id, hidden=hidden)


def tempo_reset(session_id: str) -> Message:
    return _message("TEMPO_RESET", sessionId=session_id)


def session_started(session_id: str, dj_name: str, stage_id: str | None) -> Message:
    return _message("SESSION_STARTED", sessionId=session_id, djName=dj_name, stageId=stage_id)


def dj_live(session_id: str, dj_name: str, stage_id: str) -> Message:
    return _message("DJ_LIVE", sessionId=session_id, djName=dj_name, stageId=stage_id)


def session_ended(session_id: str) -> Message:
    return _message("SESSION_ENDED", sessionId=session_id)


def stage_state(
    stage_id: str | None, state: str, dj_name: str | None, next_slot: Message | None, session_id: str | None = None
) -> Message:
    """`next_slot` is null, not absent, when nothing follows: whole values, so a late one can be dropped."""
    told = _message("STAGE_STATE", stageId=stage_id, sessionId=session_id, state=state, djName=dj_name)
    return told | {"nextSlot": next_slot}


def poll_started(
    poll_id: str, session_id: str, question: str, options: list[str], ends_at: datetime, duration_seconds: int
) -> Message:
    return _message(
        "POLL_STARTED",
        pollId=poll_id,
        sessionId=session_id,
        question=question,
        options=options,
        endsAt=iso(ends_at),
        durationSeconds=duration_seconds,
    )


def poll_update(poll_id: str, votes: list[int]) -> Message:
    """`votes` of each option, in the order of the options."""
    return _message("POLL_UPDATE", pollId=poll_id, votes=votes, total=sum(votes))


def poll_ended(poll_id: str, votes: list[int], cancelled: bool | None = None) -> Message:
    """`winner` is the option with the most votes; left out when none or several have them, or it was cancelled."""
    best = [option for option, n in enumerate(votes) if n and n == max(votes)]
    winner = best[0] if len(best) == 1 and not cancelled else None
    return _message(
        "POLL_ENDED", pollId=poll_id, votes=votes, total=sum(votes), winner=winner, cancelled=cancelled or None
    )


def announcement_received(
    announcement_id: str,
    message: str,
    priority: str,
    at: datetime,
    ends_at: datetime,
    dj_name: str | None = None,
    session_id: str | None = None,
    event: Message | None = None,
) -> Message:
    """Of a DJ (`dj_name`, `session_id`) or of the organizer (`event`)."""
    return _message(
        "ANNOUNCEMENT_RECEIVED",
        announcementId=announcement_id,
        message=message,
        priority=priority,
        timestamp=iso(at),
        endsAt=iso(ends_at),
        djName=dj_name,
        sessionId=session_id,
        event=event,
    )


def announcement_cancelled(announcement_id: str, at: datetime) -> Message:
    return _message("ANNOUNCEMENT_CANCELLED", announcementId=announcement_id, timestamp=iso(at))


def schedule_changed(event_id: str, changes: list[Message], count: int) -> Message:
    """The timetable was published anew; `changes` are the first of `count`."""
    return _message("SCHEDULE_CHANGED", eventId=event_id, changes=changes, count=count)


def listener_count(count: int, session_id: str | None, stage_id: str | None) -> Message:
    return _message("LISTENER_COUNT", count=count, sessionId=session_id, stageId=stage_id)


# --- To who asked ----------------------------------------------------------------------------------------
def snapshot(**fields: Any) -> Message:
    """Everything a phone needs to be right: stage, event, state, session, play, recent, nextSlot, likes."""
    return {"type": "SNAPSHOT"} | fields


def vote_confirmed(poll_id: str, option_index: int) -> Message:
    return _message("VOTE_CONFIRMED", pollId=poll_id, optionIndex=option_index)


def vote_rejected(poll_id: str, reason: str, option_index: int | None = None) -> Message:
    """`reason` is in the user's words; `option_index` the vote that counts instead, if there is one."""
    return _message("VOTE_REJECTED", pollId=poll_id, reason=reason, optionIndex=option_index)


def sessions_list(sessions: list[Message]) -> Message:
    return _message("SESSIONS_LIST", sessions=sessions)


def session_valid(session_id: str) -> Message:
    return _message("SESSION_VALID", sessionId=session_id)


def session_expired(session_id: str) -> Message:
    return _message("SESSION_EXPIRED", sessionId=session_id)

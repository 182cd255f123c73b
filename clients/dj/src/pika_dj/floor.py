"""What the dance floor says to the DJ, in one plain line each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pika_dj.tracks import clean_text


def line_of(frame: dict[str, Any]) -> str:
    """The line for a frame of the server, or nothing when it does not concern the DJ. Never raises."""
    kind = frame.get("type")
    payload = frame.get("payload")
    if kind == "LIKE_RECEIVED":
        track = payload.get("track") if isinstance(payload, dict) else frame.get("track")
        return f"Like: {_track(track)} ({_count(frame, 'count')})"
    if kind == "REPEAT_WARNING":
        return f"Careful, played before: {_before(frame.get('track'), frame)}"
    if kind == "TEMPO_FEEDBACK":
        counts = (_count(frame, name) for name in ("faster", "perfect", "slower"))
        return "Tempo: {} faster, {} perfect, {} slower".format(*counts)
    if kind == "REACTION_RECEIVED":
        return "A dancer says thank you."
    return ""


def line_ahead(track: object, repeat: object) -> str:
    """The line for a track that may come next; nothing when it was not played before. Never raises."""
    return f"On your deck, and played before: {_before(track, repeat)}" if isinstance(repeat, dict) else ""


def _before(track: object, repeat: dict[str, Any]) -> str:
    where, who = _text(repeat.get("stageName")), _text(repeat.get("djName"))
    words = f"{_track(track)}, {_when(repeat.get('playedAt'))}"
    return words + (f", {where}" if where else "") + (f", by {who}" if who else "")


def _track(track: object) -> str:
    if not isinstance(track, dict):
        return _text(track) or "a track"
    artist, title = _text(track.get("artist")), _text(track.get("title"))
    return f"{artist} - {title}" if artist else title or "a track"


def _count(frame: dict[str, Any], name: str) -> int:
    value = frame.get(name)
    return value if isinstance(value, int) else 0


def _when(moment: object) -> str:
    try:
        return datetime.fromisoformat(_text(moment)).astimezone().strftime("%H:%M")
    except (ValueError, OverflowError, OSError):
        return "earlier"


def _text(value: object) -> str:
    return clean_text(value, 200) if isinstance(value, str) else ""

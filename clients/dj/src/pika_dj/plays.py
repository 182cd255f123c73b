"""A play as it leaves this computer: its id, and its two ways to the server."""

from __future__ import annotations

import json
import uuid
from typing import Any

from pika_dj.tracks import HeardTrack, to_iso, utc_now

SPACE = uuid.UUID("6f0f2c1e-4f0b-5d0a-9b57-0f3d1a5c7e21")  # any constant will do; this one is ours


def play_id(session_id: str, track: HeardTrack, ordinal: int = 1) -> str:
    """The id of a play: the same play read again has the same id, in the same session.

    `ordinal` counts plays that are alike in everything (one track twice in one second).
    """
    moment = to_iso(track.played_at) if track.played_at else ""
    mark = json.dumps([track.origin, moment, track.path or track.words, ordinal])
    return str(uuid.uuid5(uuid.uuid5(SPACE, session_id), mark.encode("utf-8", "replace").decode()))


def record_of(track: HeardTrack, play: str, *, is_hidden: bool = False, is_replay: bool = False) -> dict[str, Any]:
    """The play as the REST batch carries it."""
    record: dict[str, Any] = {
        "playId": play,
        "playedAt": to_iso(track.played_at or utc_now()),
        "track": track.to_wire(),
    }
    if is_hidden:
        record["isHidden"] = True
    if is_replay:
        record["replay"] = True
    return record


def broadcast_of(record: dict[str, Any], session_id: str) -> dict[str, Any]:
    """The same play as the socket announces it; messageId and sentAt are added when it is sent."""
    frame = {"type": "BROADCAST_TRACK", "sessionId": session_id}
    return frame | {name: value for name, value in record.items() if name != "isHidden"}

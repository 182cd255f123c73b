"""One track as a DJ program tells of it, and the same track as the server takes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

HIDE_MARK = "PIKAHIDE"
ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class HeardTrack:
    """What is known of one play. Only the title is always there; times are aware and in UTC.

    `origin` names the file (or the kind of source) the play was read from; with the time and the path it
    says which play this is, also when the same history is read again.
    `quality` says where artist and title came from, see names.py.
    """

    title: str
    artist: str = ""
    remix: str = ""
    quality: str = "tags"
    path: str = ""
    stream_id: str = ""
    origin: str = ""
    played_at: datetime | None = None
    duration_ms: int | None = None
    filesize: int | None = None
    bpm: float | None = None
    key: str = ""
    album: str = ""
    isrc: str = ""
    file_hash: str = ""
    audio_hash: str = ""
    comment: str = ""

    @property
    def is_hidden(self) -> bool:
        """True when the DJ wrote PIKAHIDE into the comment or the title of the file."""
        return HIDE_MARK in self.comment.upper() or HIDE_MARK in self.title.upper()

    @property
    def words(self) -> str:
        """The track in one line, for a screen."""
        return f"{self.artist} - {self.title}" if self.artist else self.title

    def to_wire(self) -> dict[str, object]:
        """The `track` object of the protocol. What is too long is cut and what is impossible is left out:
        a play with a short title beats no play."""
        wire: dict[str, object] = {
            "title": clean_text(self.title, 500) or clean_text(self.path, 500) or "Untitled",
            "artist": clean_text(self.artist, 500),
        }
        optional = {
            "album": clean_text(self.album, 200),
            "remix": clean_text(self.remix, 200),
            "streamId": clean_text(self.stream_id, 200),
            "key": self.key if len(self.key) <= 10 else "",
            "isrc": clean_isrc(self.isrc),
            "fileHash": self.file_hash,
            "audioHash": self.audio_hash,
            "bpm": round(self.bpm, 2) if self.bpm is not None and 40 <= self.bpm <= 300 else None,
            "durationMs": self.duration_ms if 0 < (self.duration_ms or 0) < DAY_MS else None,
        }
        return wire | {name: value for name, value in optional.items() if value}


def clean_text(text: str, limit: int) -> str:
    """`text` fit for JSON and a database: no control characters, no half emoji, at most `limit` long."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(" " if ord(c) < 32 or ord(c) == 127 else c for c in text).strip()[:limit].rstrip()


def clean_isrc(text: str) -> str:
    """The ISRC without dashes and blanks, or nothing when it is none."""
    isrc = re.sub(r"[\s-]", "", text).upper()
    return isrc if ISRC.fullmatch(isrc) else ""


def from_unix(stamp: float) -> datetime | None:
    """Unix seconds, or milliseconds (seen in the wild: anything above 1e10), as a UTC time.

    None for zero, for nonsense, and for years no calendar here can hold.
    """
    if stamp > 1e10:
        stamp /= 1000
    if not 0 < stamp < 1e11:
        return None
    try:
        return datetime.fromtimestamp(stamp, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def to_iso(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, as the protocol writes times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def utc_now() -> datetime:
    """Now, aware and in UTC."""
    return datetime.now(UTC)

"""VirtualDJ's tracklist.txt: `HH:MM : Artist - Title` under a heading per day. The fallback without m3u."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pika_dj.names import name_track
from pika_dj.sources.virtualdj import decode
from pika_dj.tracks import HeardTrack

HEADING = re.compile(r"VirtualDJ History ([0-9]{4})/([0-9]{2})/([0-9]{2})")
LINE = re.compile(r"([0-9]{2}):([0-9]{2}) : (.*)")


def read_tracklist(path: str | os.PathLike[str]) -> list[HeardTrack]:
    """All plays of a tracklist.txt. Raises OSError when it cannot be read."""
    return parse_tracklist(Path(path).read_bytes(), origin=Path(path).name)


def parse_tracklist(data: bytes, *, origin: str = "tracklist.txt") -> list[HeardTrack]:
    """The plays in the bytes of a tracklist.txt, in the order they stand there. Never raises.

    Times there are this computer's wall clock. A time well before the one above it is after midnight.
    """
    plays: list[HeardTrack] = []
    day: datetime | None = None
    last = datetime.min
    for line in decode(data).split("\n"):
        if heading := HEADING.match(line.strip()):
            day = _day(*heading.groups())
            last = day or last
        elif day and (entry := LINE.match(line.rstrip("\r"))):
            hours, minutes, words = entry.groups()
            moment = day + timedelta(hours=int(hours), minutes=int(minutes))
            if moment < last - timedelta(hours=6):
                moment += timedelta(days=1)
            last = moment
            plays.append(_play(words, moment, origin))
    return plays


def _play(words: str, moment: datetime, origin: str) -> HeardTrack:
    half = len(words) // 2
    if words[: half - 1] + " - " == words[: half + 2] and words[half + 2 :] == words[: half - 1]:
        words = words[half + 2 :]  # "X - X": both tags held the whole line
    artist, dash, title = words.partition(" - ")
    name = name_track(artist, title, "", "") if dash else name_track("", words, "", "")
    return HeardTrack(
        title=name.title or words.strip() or "Untitled",
        artist=name.artist,
        quality=name.quality,
        origin=origin,
        played_at=_to_utc(moment),
    )


def _day(year: str, month: str, day: str) -> datetime | None:
    try:
        return datetime(int(year), int(month), int(day)) if 1990 < int(year) < 9000 else None
    except ValueError:
        return None


def _to_utc(moment: datetime) -> datetime | None:
    try:
        return moment.astimezone(UTC)
    except (OverflowError, OSError, ValueError):
        return None

"""Serato up to 3: `_Serato_/History/Sessions/N.session`, chunks of a four-letter name, a length and a body.

Each play is an `oent` chunk holding an `adat` chunk of numbered fields, big-endian, text in UTF-16BE. Serato
appends a row again when it changes: the last one with an id is true. A row not played was only loaded.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from pika_dj.names import name_track
from pika_dj.sources import SourceTrouble
from pika_dj.tracks import HeardTrack, from_unix

ROW, PATH, TITLE, ARTIST, ALBUM, BPM, COMMENT, REMIX = 1, 2, 6, 7, 8, 15, 17, 20
START, DECK, PLAYED_SECONDS, IS_PLAYED, KEY = 28, 31, 45, 50, 51


def read_session(path: str | os.PathLike[str]) -> list[HeardTrack]:
    """All plays of one session file, oldest first. Raises OSError when it cannot be read."""
    return parse_session(Path(path).read_bytes(), origin=Path(path).name)


def parse_session(data: bytes, *, origin: str = "") -> list[HeardTrack]:
    """The plays in the bytes of a session file, oldest first. Never raises."""
    rows: dict[int, dict[int, bytes]] = {}
    for name, body in _chunks(data):
        if name == b"oent":
            for inner, fields in _chunks(body):
                if inner == b"adat":
                    row = dict(_fields(fields))
                    rows[_int(row.get(ROW, b""))] = row
    plays = [_play(row, origin) for row in rows.values() if any(row.get(IS_PLAYED, b""))]
    return sorted(plays, key=lambda play: play.played_at.timestamp() if play.played_at else 0)


def usual_sessions() -> Path:
    """Where Serato keeps its sessions, on Windows as on macOS."""
    return Path.home() / "Music" / "_Serato_" / "History" / "Sessions"


def sessions_of(folder: Path) -> Path:
    """The folder of sessions, whether it, `_Serato_` or the folder above was given."""
    inside = (folder, folder / "History" / "Sessions", folder / "_Serato_" / "History" / "Sessions")
    return next((place for place in reversed(inside) if place.is_dir()), folder)


class SeratoSessions:
    """The plays since a moment, from the session files of a Serato that is running."""

    def __init__(self, sessions: Path, since: datetime) -> None:
        self.sessions = sessions
        self.since = since
        self._files: dict[str, tuple[int, int]] = {}
        self._seen: set[tuple[str, datetime, str]] = set()

    def poll(self) -> list[HeardTrack]:
        """Every play not told before, oldest first; see Source."""
        fresh: list[HeardTrack] = []
        try:
            for entry in os.scandir(self.sessions):
                stat = os.stat(entry.path)  # entry.stat() is stale on Windows while Serato writes
                state = (stat.st_mtime_ns, stat.st_size)
                is_old = stat.st_mtime < self.since.timestamp() or self._files.get(entry.name) == state
                if is_old or not entry.name.endswith(".session"):
                    continue
                fresh += self._fresh(Path(entry.path))
                self._files[entry.name] = state
        except OSError as error:
            raise SourceTrouble(f"Serato's sessions cannot be read: {self.sessions}") from error
        return sorted(fresh, key=lambda play: play.played_at or self.since)

    def close(self) -> None:
        """Nothing is held open between two looks."""

    def _fresh(self, path: Path) -> Iterator[HeardTrack]:
        for play in read_session(path):
            if play.played_at is None or play.played_at < self.since:
                continue
            mark = (play.origin, play.played_at, play.path or play.words)
            if mark not in self._seen:
                self._seen.add(mark)
                yield play


def _play(row: dict[int, bytes], origin: str) -> HeardTrack:
    path = _text(row.get(PATH, b""))
    name = name_track(_text(row.get(ARTIST, b"")), _text(row.get(TITLE, b"")), _text(row.get(REMIX, b"")), path)
    tidal = path.removeprefix("_").removesuffix(".tdl") if path.endswith(".tdl") else ""
    return HeardTrack(
        title=name.title,
        artist=name.artist,
        remix=name.remix,
        quality=name.quality,
        path=path,
        stream_id=f"tidal:{tidal}" if tidal else "",
        origin=origin,
        played_at=from_unix(_int(row.get(START, b""))),
        bpm=float(_int(row.get(BPM, b""))) or None,
        key=_text(row.get(KEY, b"")),
        album=_text(row.get(ALBUM, b"")),
        comment=_text(row.get(COMMENT, b"")),
    )


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        name, (length,) = data[at : at + 4], struct.unpack_from(">I", data, at + 4)
        if at + 8 + length > len(data):
            return  # being written
        yield name, data[at + 8 : at + 8 + length]
        at += 8 + length


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    for name, body in _chunks(data):
        yield int.from_bytes(name, "big"), body


def _text(body: bytes) -> str:
    return body.decode("utf-16-be", "replace").rstrip("\x00").strip()


def _int(body: bytes) -> int:
    return int.from_bytes(body[:8], "big")

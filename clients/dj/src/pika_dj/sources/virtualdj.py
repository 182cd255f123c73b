"""VirtualDJ's history: one m3u per evening, two lines per play. Standard library only.

Facts (measured on 41 real files): `#EXTVDJ:` is followed by tags that look like XML and are not, `&` is
mostly bare; no BOM and LF, but both others are taken; an evening stays in one file past midnight; VirtualDJ
writes a play about 45 s after it started (`historyDelay`) and later moves the file to History/YYYY/MM/.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from pika_dj.names import name_track
from pika_dj.sources import SourceTrouble
from pika_dj.tracks import HeardTrack, from_unix

MARK = "#EXTVDJ:"
STREAM = "netsearch://"
TAG = re.compile(r"<([a-z]+)>(.*?)</\1>", re.IGNORECASE)
ENTITY = re.compile(r"&(amp|lt|gt|quot|apos|#[0-9]{1,6}|#x[0-9a-fA-F]{1,5});")
ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
WHOLE_PATH = re.compile(r".\.[A-Za-z0-9]{2,5}$")
# A year of archive folders on a network drive is slow to walk, so the archive is looked at less often.
ARCHIVE_EVERY_S = 30.0


def read_history(path: str | os.PathLike[str], *, is_growing: bool = False) -> list[HeardTrack]:
    """All plays of one history file, in the order they stand there. Raises OSError when it cannot be read."""
    return parse_history(Path(path).read_bytes(), origin=Path(path).name, is_growing=is_growing)


def parse_history(data: bytes, *, origin: str = "", is_growing: bool = False) -> list[HeardTrack]:
    """The plays in the bytes of a history file. Never raises.

    `is_growing` says VirtualDJ may be writing at this moment: then a last pair without line end is not there
    yet. In a finished file it counts if its path has a name with an ending.
    """
    lines = decode(data).split("\n")  # not splitlines(): titles contain the other line separators
    unfinished = lines.pop()
    if unfinished and not is_growing and is_whole_path(unfinished):
        lines.append(unfinished)
    plays = []
    for tags, path in _pairs(line.rstrip("\r") for line in lines):
        plays.append(_play(tags, path, origin))
    return plays


def decode(data: bytes) -> str:
    """UTF-8 with or without BOM; a line that is not UTF-8 is read as Windows wrote it before."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "\n".join(_decode_line(line) for line in data.split(b"\n"))


def is_whole_path(line: str) -> bool:
    """True when a path line cannot be the first half of one being written."""
    line = line.rstrip("\r")
    return not line.startswith("#") and (line.startswith(STREAM) or WHOLE_PATH.search(line) is not None)


def unescape(text: str) -> str:
    """`&amp;` and the like as characters; a bare `&`, which is the rule here, stays."""
    return ENTITY.sub(_entity, text)


class VirtualDJHistory:
    """The plays since a moment, from the history folder of a VirtualDJ that is running."""

    def __init__(self, history: Path, since: datetime, bpms: Mapping[str, float] | None = None) -> None:
        """`bpms` gives beats per minute by casefolded path, see virtualdj_home."""
        self.history = history
        self.since = since
        self._bpms = bpms or {}
        self._files: dict[Path, tuple[int, int]] = {}
        self._seen: set[tuple[str, datetime, str, int]] = set()
        self._archive_at = 0.0

    def poll(self) -> list[HeardTrack]:
        """Every play not told before, oldest first; see Source."""
        try:
            changed = [path for path in self._candidates() if self._has_changed(path)]
        except OSError as error:
            raise SourceTrouble(f"The history folder cannot be read: {self.history}") from error
        plays = [play for path in changed for play in self._fresh(path)]
        return sorted(plays, key=lambda play: play.played_at or self.since)

    def close(self) -> None:
        """Nothing is held open between two looks."""

    def _candidates(self) -> list[Path]:
        found = [Path(entry.path) for entry in os.scandir(self.history) if entry.name.lower().endswith(".m3u")]
        if time.monotonic() >= self._archive_at:
            self._archive_at = time.monotonic() + ARCHIVE_EVERY_S
            found += self.history.glob("*/*/*.m3u")
        return found

    def _has_changed(self, path: Path) -> bool:
        """True once per change; a file that was last written before the session began never counts."""
        try:
            stat = path.stat()
        except OSError:  # moved to the archive between the listing and now
            return False
        state = (stat.st_mtime_ns, stat.st_size)
        if stat.st_mtime < self.since.timestamp() or self._files.get(path) == state:
            return False
        self._files[path] = state
        return True

    def _fresh(self, path: Path) -> Iterator[HeardTrack]:
        """A file moved to the archive keeps its name, so its plays are recognised there."""
        try:
            plays = read_history(path, is_growing=True)
        except OSError:  # locked by its writer: look again next time
            self._files.pop(path, None)
            return
        twins: Counter[tuple[datetime, str]] = Counter()
        for play in plays:
            if play.played_at is None or play.played_at < self.since:
                continue
            twins[play.played_at, play.path] += 1
            mark = (play.origin, play.played_at, play.path, twins[play.played_at, play.path])
            if mark not in self._seen:
                self._seen.add(mark)
                yield replace(play, bpm=self._bpms.get(play.path.casefold()))


def _pairs(lines: Iterator[str]) -> Iterator[tuple[dict[str, str], str]]:
    """Tags and path of each play. A list without tags (another program's m3u) is its paths alone."""
    tags: dict[str, str] | None = None
    for line in lines:
        if line.startswith(MARK):
            if tags and tags.get("title"):  # its path line is lost, the play is not
                yield tags, ""
            tags = {name.lower(): unescape(value).strip() for name, value in TAG.findall(line)}
        elif line.strip() and not line.startswith("#"):
            yield tags or {}, line.strip()
            tags = None


def _play(tags: dict[str, str], path: str, origin: str) -> HeardTrack:
    stream_id = path.removeprefix(STREAM) if path.startswith(STREAM) else ""
    name = name_track(tags.get("artist", ""), tags.get("title", ""), tags.get("remix", ""), path)
    seconds = _number(tags.get("songlength", ""))
    return HeardTrack(
        title=name.title,
        artist=name.artist,
        remix=name.remix,
        quality=name.quality,
        path=path,
        stream_id=stream_id,
        origin=origin,
        played_at=from_unix(_number(tags.get("lastplaytime", ""))),
        duration_ms=int(seconds * 1000) or None,
        filesize=int(_number(tags.get("filesize", ""))) or None,
        comment=tags.get("comment", ""),
    )


def _number(text: str) -> float:
    """A number written plainly, or 0."""
    return float(text) if re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,9})?", text.strip()) else 0.0


def _decode_line(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")


def _entity(match: re.Match[str]) -> str:
    body = match.group(1)
    if not body.startswith("#"):
        return ENTITIES[body]
    code = int(body[2:], 16) if body[1] == "x" else int(body[1:])
    return chr(code) if 32 <= code < 0x110000 and not 0xD800 <= code < 0xE000 else match.group()

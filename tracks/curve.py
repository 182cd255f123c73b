"""The tempo of a set as a line one can draw: pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor, isfinite

WIDTH, HEIGHT = 1000, 100
DOUBLE = 140  # beats a minute; a file that says more counts each beat twice
A_SONG, AT_MOST = timedelta(minutes=4), timedelta(minutes=10)  # where nobody says how long it is
A_BREAK = timedelta(minutes=2)  # silence between two songs that is no pause yet


@dataclass(frozen=True)
class Beat:
    """A song: when it began, how fast it is (None: nobody knows), how long."""

    at: datetime
    bpm: float | None
    duration_ms: int | None = None


@dataclass(frozen=True)
class Curve:
    """`path` in a field of WIDTH × HEIGHT; each song as long as it was heard, nothing where nothing is known."""

    path: str
    low: int
    high: int
    slowest: float
    slowest_at: datetime
    fastest: float
    fastest_at: datetime
    begin_at: datetime
    end_at: datetime
    known: int
    unknown: int

    @property
    def middle(self) -> int:
        return round((self.low + self.high) / 2)


def felt(bpm: float | None) -> float | None:
    """The tempo that one dances to: double time halved; None for no tempo."""
    if not bpm or not isfinite(bpm) or bpm < 20:
        return None
    while bpm > DOUBLE:
        bpm /= 2
    return bpm


def curve_of(beats: Iterable[Beat]) -> Curve | None:
    """The line of these songs, in order; None where no tempo is known."""
    songs = list(beats)
    spans = [_span(song, songs[number + 1] if number + 1 < len(songs) else None) for number, song in enumerate(songs)]
    tempos = [felt(song.bpm) for song in songs]
    known = [(tempo, song.at) for tempo, song in zip(tempos, songs, strict=True) if tempo is not None]
    if not known:
        return None
    low, high = floor(min(known)[0] / 10) * 10, ceil(max(known)[0] / 10) * 10
    if high - low < 20:
        low, high = low - 10, low + 20
    begin, end = songs[0].at, max(spans)
    whole = max((end - begin).total_seconds(), 1.0)

    def x(at: datetime) -> str:
        return f"{(at - begin).total_seconds() / whole * WIDTH:.1f}".removesuffix(".0")

    def y(tempo: float) -> str:
        return f"{HEIGHT - (tempo - low) / (high - low) * HEIGHT:.1f}".removesuffix(".0")

    parts, until = [], None
    for song, tempo, its_end in zip(songs, tempos, spans, strict=True):
        if tempo is None:
            until = None
            continue
        is_next = until is not None and song.at - until <= A_BREAK
        parts.append(f"{'L' if is_next else 'M'}{x(song.at)} {y(tempo)}H{x(its_end)}")
        until = its_end
    slowest, fastest = min(known, key=lambda one: one[0]), max(known, key=lambda one: one[0])
    about = (begin, end, len(known), len(songs) - len(known))
    return Curve("".join(parts), low, high, slowest[0], slowest[1], fastest[0], fastest[1], *about)


def _span(song: Beat, after: Beat | None) -> datetime:
    """When it ended: with the next one, else as long as it is."""
    length = timedelta(milliseconds=song.duration_ms) if song.duration_ms else A_SONG
    end = song.at + min(length, AT_MOST)
    return min(end, after.at) if after else end

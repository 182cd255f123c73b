"""Tracks the DJ types by hand: `Artist - Title`, one a line. For vinyl, and when nothing else works."""

from __future__ import annotations

from dataclasses import replace

from pika_dj.names import name_track
from pika_dj.tracks import HeardTrack, utc_now


class TypedTracks:
    """What was typed since the last look. It counts at once: nobody types a track they are only trying."""

    def __init__(self) -> None:
        self._typed: list[HeardTrack] = []

    def take(self, line: str) -> None:
        """A line the DJ typed."""
        name = name_track("", line, "", "")
        if name.title:
            track = HeardTrack(title=name.title, artist=name.artist, quality=name.quality, origin="typed")
            self._typed.append(replace(track, played_at=utc_now()))

    def poll(self) -> list[HeardTrack]:
        """The tracks typed since the last call; see Source."""
        typed, self._typed = self._typed, []
        return typed

    def close(self) -> None:
        """Nothing to let go of."""

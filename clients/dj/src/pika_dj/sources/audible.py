"""Lets a track through once it was heard long enough: trying a track for a moment is not playing it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from pika_dj.tracks import HeardTrack

# A track that falls silent for longer than this and sounds again is played again.
SILENCE = timedelta(seconds=60)


class Audible:
    """Watches what sounds on every deck; a track counts after `after_s` seconds without a break."""

    def __init__(self, after_s: float) -> None:
        self.after = timedelta(seconds=after_s)
        self._since: dict[Hashable, datetime] = {}
        self._heard: dict[Hashable, datetime] = {}
        self._told: set[Hashable] = set()

    def hear(self, sounding: Mapping[Hashable, HeardTrack], now: datetime) -> list[HeardTrack]:
        """Take what sounds now; returns what became a play, `played_at` being when it began to sound."""
        self._forget(sounding, now)
        due = []
        for key, track in sounding.items():
            began = self._since.setdefault(key, now)
            self._heard[key] = now
            if key not in self._told and now - began >= self.after:
                self._told.add(key)
                due.append(replace(track, played_at=began))
        return sorted(due, key=lambda track: track.played_at or now)

    def _forget(self, sounding: Mapping[Hashable, HeardTrack], now: datetime) -> None:
        for key in [key for key in self._since if key not in sounding]:
            if key not in self._told or now - self._heard[key] > SILENCE:
                self._told.discard(key)
                del self._since[key], self._heard[key]

"""Where plays come from. One shape for all: whoever runs the evening asks once a second what is new."""

from __future__ import annotations

from typing import Protocol

from pika_dj.tracks import HeardTrack


class SourceTrouble(Exception):
    """A source cannot be read right now; the words say what the DJ can do. Asking again later is right."""


class Source(Protocol):
    """A place plays are read from. Some know what is `ready` to come next, too: an attribute of theirs."""

    def poll(self) -> list[HeardTrack]:
        """The tracks that became plays since the last call, oldest first, each with its `played_at`.

        Raises SourceTrouble while the source cannot be read; nothing is lost by that.
        """

    def close(self) -> None:
        """Let go of files, sockets and threads."""

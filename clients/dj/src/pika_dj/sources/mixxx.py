"""Mixxx: its database holds one hidden playlist per evening. It is only ever opened read-only."""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pika_dj.names import name_track
from pika_dj.sources import SourceTrouble
from pika_dj.tracks import HeardTrack

HISTORY = 2  # Playlists.hidden: 0 ordinary, 1 auto DJ, 2 what was played
PLAYS = """
    SELECT played.id, played.pl_datetime_added, track.artist, track.title, track.album, track.comment,
           track.duration, track.bpm, track.key, file.location, file.filesize
    FROM PlaylistTracks AS played
    JOIN Playlists AS list ON list.id = played.playlist_id
    JOIN library AS track ON track.id = played.track_id
    LEFT JOIN track_locations AS file ON file.id = track.location
    WHERE list.hidden = ? AND played.id > ? AND played.pl_datetime_added >= ?
    ORDER BY played.pl_datetime_added, played.position, played.id
"""


def usual_database() -> Path | None:
    """Mixxx's database on this computer, or None."""
    user = Path.home()
    if sys.platform == "win32":
        places = [Path(os.environ.get("LOCALAPPDATA") or user / "AppData" / "Local") / "Mixxx"]
    else:
        support = Path("Library") / "Application Support" / "Mixxx"
        places = [
            user / "Library" / "Containers" / "org.mixxx.mixxx" / "Data" / support,
            user / support,
            user / ".mixxx",
        ]
    return next((p / "mixxxdb.sqlite" for p in places if (p / "mixxxdb.sqlite").is_file()), None)


class MixxxHistory:
    """The plays since a moment, from the database of a Mixxx that is running."""

    def __init__(self, database: Path, since: datetime) -> None:
        self.database = database / "mixxxdb.sqlite" if database.is_dir() else database
        self.since = since
        self._last_id = 0

    def poll(self) -> list[HeardTrack]:
        """Every play not told before, oldest first; see Source."""
        # Mixxx keeps whole seconds, so a play of this very second must not look older than the session.
        since = (self.since.astimezone(UTC) - timedelta(seconds=1)).strftime("%Y-%m-%d %H:%M:%S")
        try:
            with closing(sqlite3.connect(f"{self.database.resolve().as_uri()}?mode=ro", uri=True)) as mixxx:
                rows = mixxx.execute(PLAYS, (HISTORY, self._last_id, since)).fetchall()
        except sqlite3.Error as error:
            raise SourceTrouble(f"Mixxx's database cannot be read: {self.database}") from error
        self._last_id = max((row[0] for row in rows), default=self._last_id)
        return [_play(row) for row in rows]

    def close(self) -> None:
        """The database is opened for each look alone."""


def _play(row: tuple[object, ...]) -> HeardTrack:
    entry, added, artist, title, album, comment, duration, bpm, key, location, filesize = row
    path = str(location or "")
    name = name_track(str(artist or ""), str(title or ""), "", path)
    return HeardTrack(
        title=name.title,
        artist=name.artist,
        quality=name.quality,
        path=path,
        origin=f"mixxx {entry}",
        played_at=_utc(str(added)),
        duration_ms=int(duration * 1000) if isinstance(duration, int | float) else None,
        filesize=filesize if isinstance(filesize, int) else None,
        bpm=float(bpm) if isinstance(bpm, int | float) and bpm else None,
        key=str(key or ""),
        album=str(album or ""),
        comment=str(comment or ""),
    )


def _utc(added: str) -> datetime | None:
    """`pl_datetime_added` is SQLite's CURRENT_TIMESTAMP: UTC, to the second."""
    try:
        return datetime.fromisoformat(added).replace(tzinfo=UTC)
    except ValueError:
        return None

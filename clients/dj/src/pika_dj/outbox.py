"""What must reach the server and has not yet: plays, small errands, and the sessions they belong to. SQLite.

Whatever is put here survives the power going out. Several processes may use it at once (`live` in one
terminal, `hide` in another), and several threads may share one Outbox.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEPT = 10_000
SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
    session_id TEXT PRIMARY KEY, server TEXT NOT NULL, kind TEXT NOT NULL, request TEXT NOT NULL,
    started_at TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'new', play_id TEXT NOT NULL DEFAULT '',
    words TEXT NOT NULL DEFAULT '', is_hidden INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS plays (
    id INTEGER PRIMARY KEY AUTOINCREMENT, server TEXT NOT NULL, session_id TEXT NOT NULL,
    play_id TEXT NOT NULL UNIQUE, body TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'waiting',
    reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS plays_waiting ON plays (server, state, id);
CREATE TABLE IF NOT EXISTS errands (
    id INTEGER PRIMARY KEY AUTOINCREMENT, server TEXT NOT NULL, session_id TEXT NOT NULL,
    about TEXT NOT NULL UNIQUE, request TEXT NOT NULL
);
"""


@dataclass(frozen=True)
class Session:
    """A session as this computer remembers it.

    `state`: new (the server may not know it yet), open, again (was open; ask whether it still is), over (late
    plays are still taken), refused.
    """

    session_id: str
    server: str
    kind: str
    request: dict[str, Any]
    started_at: str
    state: str
    play_id: str
    words: str
    is_hidden: bool


@dataclass(frozen=True)
class Errand:
    """A small request to make once the plays before it are sent; `about` is what a newer one replaces."""

    id: int
    session_id: str
    about: str
    request: tuple[str, str, dict[str, Any]]


class Outbox:
    """The file of everything unsent. Raises sqlite3.Error when the disk does."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, timeout=30, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")  # a play is on the disk before it is announced
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file; everything in it is already safe."""
        with self._lock:
            self._db.close()

    # Sessions

    def remember_session(
        self, session_id: str, server: str, kind: str, request: dict[str, Any], started_at: str
    ) -> None:
        """Note a session before the server hears of it, so that a crash in between does not make two."""
        with self._writing() as db:
            db.execute(
                "INSERT OR IGNORE INTO sessions (session_id, server, kind, request, started_at) VALUES (?, ?, ?, ?, ?)",
                (session_id, server, kind, json.dumps(request), started_at),
            )

    def sessions(self, server: str, kind: str) -> list[Session]:
        """The remembered sessions of one kind, the newest first."""
        rows = self._rows(
            "SELECT * FROM sessions WHERE server = ? AND kind = ? ORDER BY started_at DESC, rowid DESC",
            server,
            kind,
        )
        return [_session(row) for row in rows]

    def session(self, session_id: str) -> Session | None:
        """One remembered session."""
        rows = self._rows("SELECT * FROM sessions WHERE session_id = ?", session_id)
        return _session(rows[0]) if rows else None

    def set_state(self, session_id: str, state: str) -> None:
        """Note what became of a session."""
        with self._writing() as db:
            db.execute("UPDATE sessions SET state = ? WHERE session_id = ?", (state, session_id))

    def set_playing(self, session_id: str, play_id: str, words: str, is_hidden: bool) -> None:
        """Note what is playing now, for `pika-dj hide` in another terminal."""
        with self._writing() as db:
            db.execute(
                "UPDATE sessions SET play_id = ?, words = ?, is_hidden = ? WHERE session_id = ?",
                (play_id, words, is_hidden, session_id),
            )

    def forget_session(self, session_id: str) -> None:
        """A finished session needs no memory; its plays stay."""
        with self._writing() as db:
            db.execute("DELETE FROM sessions WHERE session_id = ?", (session_id,))

    # Plays

    def put(self, server: str, session_id: str, plays: Sequence[dict[str, Any]]) -> int:
        """Keep plays until they are sent, in this order; returns how many are new by their playId."""
        with self._writing() as db:
            before = db.total_changes
            db.executemany(
                "INSERT OR IGNORE INTO plays (server, session_id, play_id, body) VALUES (?, ?, ?, ?)",
                [(server, session_id, play["playId"], json.dumps(play, ensure_ascii=False)) for play in plays],
            )
            added = db.total_changes - before
            db.execute(
                "DELETE FROM plays WHERE id <= (SELECT id FROM plays ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (KEPT,),
            )
        return added

    def known_ids(self, session_id: str) -> set[str]:
        """The playIds of a session that were put, sent or not."""
        return {row["play_id"] for row in self._rows("SELECT play_id FROM plays WHERE session_id = ?", session_id)}

    def next_batch(self, server: str, size: int) -> tuple[str, list[dict[str, Any]]] | None:
        """The oldest waiting plays of the session whose turn it is, oldest first; None when nothing waits."""
        rows = self._rows(
            "SELECT session_id, body FROM plays WHERE server = ? AND state = 'waiting' AND session_id ="
            " (SELECT session_id FROM plays WHERE server = ? AND state = 'waiting' ORDER BY id LIMIT 1)"
            " ORDER BY id LIMIT ?",
            server,
            server,
            size,
        )
        return (rows[0]["session_id"], [json.loads(row["body"]) for row in rows]) if rows else None

    def mark_sent(self, play_ids: Sequence[str]) -> None:
        """These plays are at the server."""
        with self._writing() as db:
            db.executemany("UPDATE plays SET state = 'sent' WHERE play_id = ?", [(i,) for i in play_ids])

    def mark_rejected(self, play_id: str, reason: str) -> None:
        """The server will never take this play; keep it with the reason."""
        with self._writing() as db:
            db.execute("UPDATE plays SET state = 'rejected', reason = ? WHERE play_id = ?", (reason, play_id))

    def reject_session(self, session_id: str, reason: str) -> int:
        """The server will never take this session; returns how many plays that concerns."""
        with self._writing() as db:
            return db.execute(
                "UPDATE plays SET state = 'rejected', reason = ? WHERE session_id = ? AND state = 'waiting'",
                (reason, session_id),
            ).rowcount

    def count(self, server: str, state: str, session_id: str = "") -> int:
        """How many plays are waiting, sent or rejected."""
        if session_id:
            rows = self._rows("SELECT count(*) FROM plays WHERE state = ? AND session_id = ?", state, session_id)
        else:
            rows = self._rows("SELECT count(*) FROM plays WHERE state = ? AND server = ?", state, server)
        return int(rows[0][0])

    def rejections(self, session_id: str) -> list[tuple[str, str]]:
        """Title and reason of each play of a session that was rejected."""
        rows = self._rows(
            "SELECT body, reason FROM plays WHERE session_id = ? AND state = 'rejected' ORDER BY id",
            session_id,
        )
        return [(json.loads(row["body"])["track"]["title"], row["reason"]) for row in rows]

    def hide(self, session_id: str, play_id: str, is_hidden: bool) -> None:
        """Note that a play is hidden now: on the play itself while it waits here, and as the current one."""
        with self._writing() as db:
            rows = db.execute("SELECT body FROM plays WHERE play_id = ?", (play_id,)).fetchall()
            for row in rows:
                body = json.dumps(json.loads(row["body"]) | {"isHidden": is_hidden}, ensure_ascii=False)
                db.execute("UPDATE plays SET body = ? WHERE play_id = ?", (body, play_id))
            db.execute(
                "UPDATE sessions SET is_hidden = ? WHERE session_id = ? AND play_id = ?",
                (is_hidden, session_id, play_id),
            )

    # Errands

    def put_errand(self, server: str, session_id: str, about: str, request: tuple[str, str, dict[str, Any]]) -> None:
        """Keep a small request until it is made; a newer one about the same thing takes its place."""
        with self._writing() as db:
            db.execute(
                "INSERT OR REPLACE INTO errands (server, session_id, about, request) VALUES (?, ?, ?, ?)",
                (server, session_id, about, json.dumps(request)),
            )

    def next_errand(self, server: str) -> Errand | None:
        """The oldest errand."""
        rows = self._rows("SELECT * FROM errands WHERE server = ? ORDER BY id LIMIT 1", server)
        if not rows:
            return None
        method, path, body = json.loads(rows[0]["request"])
        return Errand(rows[0]["id"], rows[0]["session_id"], rows[0]["about"], (method, path, body))

    def count_errands(self, session_id: str) -> int:
        """How many errands of a session are still to do."""
        return int(self._rows("SELECT count(*) FROM errands WHERE session_id = ?", session_id)[0][0])

    def drop_errand(self, errand_id: int) -> None:
        """An errand is done, or nobody will ever do it."""
        with self._writing() as db:
            db.execute("DELETE FROM errands WHERE id = ?", (errand_id,))

    def _rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            cursor = self._db.execute(query, values)
            cursor.row_factory = sqlite3.Row
            return cursor.fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.row_factory = sqlite3.Row
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def _session(row: sqlite3.Row) -> Session:
    values = dict(row)
    return Session(**values | {"request": json.loads(row["request"]), "is_hidden": bool(row["is_hidden"])})

"""Whether there is a connection, said once when it goes and once when it is back, whoever notices."""

from __future__ import annotations

import threading

from pika_dj.screen import CONNECTED_AGAIN, NO_CONNECTION, log, say


class Connection:
    """Shared by the sender and the socket, so that the DJ reads one line and not two."""

    def __init__(self) -> None:
        self._without: set[str] = set()
        self._lock = threading.Lock()

    def lost(self, who: str, why: str) -> None:
        """`who` cannot reach the server; the reason is for the log file."""
        log.info("%s: no connection: %s", who, why)
        with self._lock:
            is_first = not self._without
            self._without.add(who)
        if is_first:
            say(NO_CONNECTION)

    def back(self, who: str) -> None:
        """`who` reached the server."""
        with self._lock:
            was_last = self._without == {who}
            self._without.discard(who)
        if was_last:
            say(CONNECTED_AGAIN)

"""The sender and the socket of one session, running; `live` and `replay` both stand in it."""

from __future__ import annotations

import threading
import uuid
from typing import Any

from pika_dj.connection import Connection
from pika_dj.livesocket import LiveSocket
from pika_dj.outbox import Outbox, Session
from pika_dj.plays import broadcast_of
from pika_dj.rest import Api, TokenRefused
from pika_dj.screen import Trouble, say
from pika_dj.sender import Sender
from pika_dj.settings import Settings
from pika_dj.tracks import to_iso, utc_now

PATIENCE_S = 16.0  # a request under way ends by itself within this


class Booth:
    """One session on its way to the server."""

    def __init__(self, settings: Settings, outbox: Outbox, session: Session) -> None:
        self.settings = settings
        self.outbox = outbox
        self.session_id = session.session_id
        self.connection = Connection()
        self.sender = Sender(Api(settings.server, settings.token), outbox, self.connection, self.session_id)
        # Without the stage: the session is on it already, and a stage closed meanwhile would be refused.
        registration = {"sessionId": self.session_id}
        if "djName" in session.request:
            registration["djName"] = session.request["djName"]
        self.socket = LiveSocket(settings.server, settings.token, registration, self.connection)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start_sender(self) -> None:
        """Send from now on."""
        self._start(self.sender.run, "sender")

    def start_socket(self) -> None:
        """Announce from now on; once is enough."""
        if all(thread.name != "socket" for thread in self._threads):
            self._start(self.socket.run, "socket")

    def is_open(self) -> bool:
        """True when the server knows the session and takes announcements."""
        return self.state() == "open"

    def state(self) -> str:
        """What became of the session so far. Raises Trouble when the token is refused."""
        if refusal := self.sender.token_refusal or self.socket.token_refusal:
            raise Trouble(refusal)
        session = self.outbox.session(self.session_id)
        return session.state if session else "over"

    def play(self, record: dict[str, Any]) -> None:
        """Keep a play for good, and announce it unless it is hidden."""
        self.outbox.put(self.settings.server, self.session_id, [record])
        self.announce(record)
        self.sender.wake.set()

    def announce(self, record: dict[str, Any]) -> None:
        """This is playing now; a hidden play silences the one before it."""
        self.socket.play(None if record.get("isHidden") else broadcast_of(record, self.session_id))

    def ask_later(self, about: str, request: tuple[str, str, dict[str, Any]]) -> None:
        """Make a small request as soon as there is a connection."""
        self.outbox.put_errand(self.settings.server, self.session_id, about, request)
        self.sender.wake.set()

    def unsent(self) -> int:
        """How many plays and errands of this session the server does not have yet."""
        waiting = self.outbox.count(self.settings.server, "waiting", self.session_id)
        return waiting + self.outbox.count_errands(self.session_id)

    def wait(self, seconds: float) -> None:
        """Let time pass; Ctrl-C gets through on every system."""
        self._stop.wait(seconds)

    def stop(self) -> None:
        """Stop both threads. What is under way is finished first."""
        self._stop.set()
        self.sender.wake.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def flush(self) -> None:
        """Send what is left, as long as it goes without waiting. Only after stop."""
        try:
            while self.sender.step() == 0.0:
                pass
        except TokenRefused as error:
            say(str(error))

    def _start(self, run: Any, name: str) -> None:
        thread = threading.Thread(target=run, args=(self._stop,), daemon=True, name=name)
        self._threads.append(thread)
        thread.start()


def new_session(outbox: Outbox, server: str, kind: str, request: dict[str, Any]) -> Session:
    """A session with an id of our own making, remembered before the server hears of it."""
    session_id = str(uuid.uuid4())
    started_at = utc_now().replace(microsecond=0)  # history files know whole seconds
    outbox.remember_session(session_id, server, kind, request, to_iso(started_at))
    session = outbox.session(session_id)
    assert session is not None
    return session


def page_of(opened: dict[str, Any], server: str) -> str:
    """The address of the session's page."""
    url = str(opened.get("url") or "")
    return f"{server}{url}" if url.startswith("/") else url


def where(opened: dict[str, Any]) -> str:
    """The stage in words, or nothing for a Quick Start."""
    stage = opened.get("stage")
    if not isinstance(stage, dict):
        return ""
    event = stage.get("eventName")
    return f" on {stage.get('name')}" + (f" ({event})" if event else "")

"""The live socket: says what plays now, the latest only, and prints what the floor answers."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import deque
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from pika_dj import VERSION
from pika_dj.backoff import Backoff
from pika_dj.connection import Connection
from pika_dj.floor import line_ahead, line_of
from pika_dj.screen import log, say
from pika_dj.tracks import to_iso, utc_now

MOST_AHEAD = 4  # tracks that may come next: one a deck
LARGEST_FRAME = 10_000  # bytes the server takes
PING_EVERY_S = 25.0
ANSWER_WITHIN_S = 15.0
LOOK_EVERY_S = 0.2
SESSION_OVER = "session_over"
TOKEN_CODES = ("bad_token", "unauthenticated", "no_scope")


class SocketRefused(Exception):
    """The server answered the registration with NACK."""

    def __init__(self, nack: dict[str, Any]) -> None:
        super().__init__(str(nack.get("error") or "refused"))
        self.code = str(nack.get("code") or "").lower()
        wait = nack.get("retryAfter")
        self.retry_after_s = float(wait) if isinstance(wait, int | float) and 0 < wait < 600 else 0.0


class LiveSocket:
    """One session's socket. It reconnects by itself and then says again what plays now."""

    def __init__(self, server: str, token: str, registration: dict[str, Any], connection: Connection) -> None:
        self.url = socket_url(server)
        self.session_id: str = registration["sessionId"]
        self.is_over = False
        self.token_refusal = ""
        self._token = token
        self._registration = registration
        self._connection = connection
        self._backoff = Backoff()
        self._lock = threading.Lock()
        self._latest: dict[str, Any] | None = None
        self._is_said = True
        self._again_at = 0.0
        self._refusal = ""
        self._ahead: deque[dict[str, object]] = deque(maxlen=MOST_AHEAD)  # tracks that may come next
        self._asked: dict[str, dict[str, object]] = {}  # message id → about which of them

    def ask_ahead(self, track: dict[str, object]) -> None:
        """Was this, which may come next, played at the event before? The answer is printed, if it was."""
        with self._lock:
            self._ahead.append(track)

    def play(self, frame: dict[str, Any] | None) -> None:
        """This plays now; None when what plays is nobody's business. Only the latest is ever sent."""
        with self._lock:
            self._latest = frame
            self._is_said = frame is None
            self._again_at = 0.0

    def run(self, stop: threading.Event) -> None:
        """Stay connected until told to stop, until the session is over, or until the token is refused."""
        while not (stop.is_set() or self._is_done()):
            wait = 0.0
            try:
                with connect(self.url, open_timeout=ANSWER_WITHIN_S, close_timeout=1) as socket:
                    self._register(socket)
                    self._connection.back("socket")
                    self._talk(socket, stop)
            except SocketRefused as no:
                wait = self._refused(no)
            except (OSError, WebSocketException, ValueError) as error:
                self._connection.lost("socket", str(error) or type(error).__name__)
            except Exception:  # whatever it is, the floor must hear the next track
                log.exception("the socket stumbled")
            if not (stop.is_set() or self._is_done()):
                stop.wait(wait or self._backoff.failed())

    def _is_done(self) -> bool:
        return self.is_over or bool(self.token_refusal)

    def _register(self, socket: ClientConnection) -> None:
        message_id = str(uuid.uuid4())
        hello = {"type": "REGISTER_SESSION", "messageId": message_id, "token": self._token}
        socket.send(json.dumps(hello | self._registration | {"version": f"pika-dj/{VERSION}"}))
        until = time.monotonic() + ANSWER_WITHIN_S
        while True:
            frame = _frame(socket.recv(timeout=max(0.0, until - time.monotonic())))
            if frame.get("messageId") != message_id:
                self._hear(frame)  # the floor does not wait for us to be ready
            elif frame.get("type") == "NACK":
                raise SocketRefused(frame)
            elif frame.get("type") == "ACK":
                break
        self._backoff.worked()
        self._refusal = ""
        with self._lock:
            self._is_said = self._latest is None

    def _talk(self, socket: ClientConnection, stop: threading.Event) -> None:
        ping_at = time.monotonic() + PING_EVERY_S
        while not stop.is_set() and not self.is_over:
            if frame := self._to_say():
                socket.send(frame)
            if time.monotonic() >= ping_at:
                socket.send('{"type":"PING"}')
                ping_at = time.monotonic() + PING_EVERY_S
            try:
                self._hear(_frame(socket.recv(timeout=LOOK_EVERY_S)))
            except TimeoutError:
                continue

    def _to_say(self) -> str | None:
        with self._lock:
            if self._again_at and time.monotonic() >= self._again_at:
                self._is_said, self._again_at = self._latest is None, 0.0
            if (self._is_said or not self._latest) and self._ahead:
                track, message_id = self._ahead.popleft(), str(uuid.uuid4())
                self._asked = {message_id: track} | dict(list(self._asked.items())[:MOST_AHEAD])
                ahead = {"type": "NEXT_TRACK", "sessionId": self.session_id, "messageId": message_id, "track": track}
                return fit(ahead)
            if self._is_said or not self._latest:
                return None
            self._is_said = True
            frame = self._latest | {"messageId": str(uuid.uuid4()), "sentAt": to_iso(utc_now())}
        return fit(frame)

    def _hear(self, frame: dict[str, Any]) -> None:
        kind = frame.get("type")
        if track := self._asked.pop(str(frame.get("messageId") or ""), None):
            if line := line_ahead(track, frame.get("repeat")):
                say(line)
        elif kind == "NACK":
            wait = SocketRefused(frame).retry_after_s
            log.info("NACK %s %s", frame.get("code"), frame.get("error"))
            if frame.get("code") == SESSION_OVER:
                self.is_over = True
            elif wait:
                with self._lock:
                    self._again_at = time.monotonic() + wait
            else:
                say(f"The server did not announce this track: {frame.get('error')}")
        elif kind in ("SESSION_ENDED", "SESSION_EXPIRED") and frame.get("sessionId") == self.session_id:
            self.is_over = True
        elif line := line_of(frame):
            say(line)

    def _refused(self, no: SocketRefused) -> float:
        """Seconds to wait before registering again; sets the flags when there is no sense in that."""
        if no.code in TOKEN_CODES:
            self.token_refusal = f"{no} Then: pika-dj login"
        self.is_over = no.code == SESSION_OVER
        if str(no) != self._refusal:
            self._refusal = str(no)
            say(f"The server does not take the live connection: {no}")
        return no.retry_after_s


def socket_url(server: str) -> str:
    """The socket of a server: http becomes ws, https wss."""
    parts = urlsplit(server)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return urlunsplit((scheme, parts.netloc, f"{parts.path.rstrip('/')}/ws", "", ""))


def fit(frame: dict[str, Any]) -> str:
    """The frame as text of at most 10 KB: a larger one keeps only what names the track."""
    text = json.dumps(frame, ensure_ascii=False)
    if len(text.encode()) <= LARGEST_FRAME:
        return text
    track = {name: frame["track"][name] for name in ("title", "artist")}
    return json.dumps(frame | {"track": track}, ensure_ascii=False)


def _frame(message: str | bytes) -> dict[str, Any]:
    try:
        frame = json.loads(message)
    except (ValueError, RecursionError):
        return {}
    return frame if isinstance(frame, dict) else {}

"""A listener for What's Now Playing, which knows the DJ programs we do not (Traktor, rekordbox, Serato 4).

It posts each track to `http://host:port/v1/remoteinput`, plain HTTP and without trying again, so this listens
on this computer only. Web pages cannot use it: a request with an Origin or for another host is refused.
"""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Hashable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pika_dj.names import name_track
from pika_dj.screen import Trouble, log, say
from pika_dj.sources.audible import Audible
from pika_dj.tracks import HeardTrack, utc_now

PORT = 8898  # 8899 is What's Now Playing's own
LARGEST = 2_000_000
HOSTS = ("127.0.0.1", "localhost")


class NowPlayingListener:
    """The plays that What's Now Playing tells of. Raises Trouble when the port is taken."""

    def __init__(self, after_s: float, port: int | None = None, secret: str = "") -> None:
        self._audible = Audible(after_s)
        self._secret = secret
        self._lock = threading.Lock()
        self._sounding: dict[Hashable, HeardTrack] = {}
        self._due: list[HeardTrack] = []
        handler = type("Handler", (_Handler,), {"listener": self})
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", PORT if port is None else port), handler)
        except OSError as error:
            raise Trouble(f"Port {port or PORT} is in use. Choose another with --port.") from error
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        say(f"What's Now Playing can send its tracks (remote output) to 127.0.0.1, port {self.port}.")
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True, name="listener").start()

    def poll(self) -> list[HeardTrack]:
        """What became a play since the last call; see Source. A track sounds until the next is told of."""
        with self._lock:
            due = self._due + self._audible.hear(self._sounding, utc_now())
            self._due = []
        return due

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def take(self, told: dict[str, Any]) -> None:
        """A track What's Now Playing tells of."""
        track = track_of(told)
        with self._lock:
            self._sounding = {(track.artist, track.title, track.path): track} if track.title else {}
            self._due += self._audible.hear(self._sounding, utc_now())  # its time begins now

    def is_allowed(self, offered: str) -> bool:
        """True without a secret of ours, or with the right one."""
        return not self._secret or hmac.compare_digest(offered.encode(), self._secret.encode())


def track_of(told: dict[str, Any]) -> HeardTrack:
    """What's Now Playing's metadata as a track. Never raises."""
    path = _text(told.get("filename"))
    name = name_track(_text(told.get("artist")), _text(told.get("title")), "", path)
    return HeardTrack(
        title=name.title,
        artist=name.artist,
        quality=name.quality,
        path=path,
        origin="whatsnowplaying",
        duration_ms=int(_number(told.get("duration")) * 1000) or None,
        bpm=_number(told.get("bpm")) or None,
        key=_text(told.get("key")),
        album=_text(told.get("album")),
        isrc=_text(told.get("isrc")),
        comment=_text(told.get("comments")),
    )


class _Handler(BaseHTTPRequestHandler):
    listener: NowPlayingListener
    timeout = 10

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        size = int(length) if length.isascii() and length.isdigit() else -1
        if not 0 < size <= LARGEST:
            return self._answer(413 if size > LARGEST else 400, {"error": "Send a JSON object"})
        body = self.rfile.read(size)
        host = self.headers.get("Host", "").rsplit(":", 1)[0]
        if self.path.split("?")[0] != "/v1/remoteinput":
            return self._answer(404, {"error": "Not found"})
        if self.headers.get("Origin") or host not in HOSTS:
            return self._answer(403, {"error": "Not for web pages"})
        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            return self._answer(400, {"error": "Send a JSON object"})
        if not self.listener.is_allowed(self.headers.get("X-WNP-Client-Auth") or _text(told.get("secret"))):
            return self._answer(403, {"error": "Wrong or missing secret"})
        self.listener.take(told)
        return self._answer(200, {"dbid": 1, "processed_metadata": {}})

    def _answer(self, status: int, body: dict[str, object]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        log.debug(format, *args)


def _text(value: object) -> str:
    """Text, or the first of a list of texts (ISRCs come as a list)."""
    if isinstance(value, list):
        value = value[0] if value else ""
    return str(value) if isinstance(value, str | int | float) else ""


def _number(value: object) -> float:
    try:
        number = float(_text(value))
    except ValueError:
        return 0.0
    return number if 0 < number < 1e9 else 0.0

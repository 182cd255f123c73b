"""A Pika! that fits in a test: the REST calls and the socket of a DJ, strict about everything it is sent.

It keeps what it was told when it is stopped and started again on the same port, as a database would, and
fails on demand before or after a request has had its effect.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from websockets.exceptions import ProtocolError
from websockets.frames import Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

TOKEN = "pika_" + "t" * 32
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
TRACK = {
    "title": lambda v: isinstance(v, str) and 1 <= len(v) <= 500,
    "artist": lambda v: isinstance(v, str) and len(v) <= 500,
    "bpm": lambda v: isinstance(v, int | float) and 40 <= v <= 300,
    "key": lambda v: isinstance(v, str) and 1 <= len(v) <= 10,
    "album": lambda v: isinstance(v, str) and v,
    "isrc": lambda v: re.fullmatch(r"[A-Z]{2}[A-Z0-9]{3}\d{7}", v),
    "durationMs": lambda v: isinstance(v, int) and v > 0,
    "fileHash": lambda v: re.fullmatch(r"[0-9a-f]{64}", v),
    "audioHash": lambda v: re.fullmatch(r"[0-9a-f]{64}", v),
    "streamId": lambda v: isinstance(v, str) and v,
    "remix": lambda v: isinstance(v, str) and v,
}


class Breach(Exception):
    """The client sent what the protocol does not allow."""


class FakePika:
    """The server. `plays[session]` is the record in order, `frames` what came over sockets."""

    def __init__(self) -> None:
        self.sessions: dict[str, dict[str, Any]] = {}
        self.plays: dict[str, list[dict[str, Any]]] = {}
        self.hidden: dict[str, bool] = {}
        self.frames: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str]] = []
        self.breaches: list[str] = []
        self.stages = {"FLOOR2": {"stageId": "FLOOR2", "name": "Main Floor", "eventName": "Swing Weekend"}}
        self.closed_stages: set[str] = set()
        self.token = TOKEN
        self.bad_titles: set[str] = set()
        self.ahead_s = 0.0
        self.faults: list[tuple[str, Any]] = []
        self.questions: list[dict[str, Any]] = []  # of any session, in order
        self.heard_before: dict[str, Any] | None = {}  # title → what is told of the earlier play
        self.found: dict[str, tuple[int, dict[str, Any]]] = {}  # play id → what its search answers
        self.verdicts: dict[str, dict[str, Any]] = {}  # the last one on each play
        self.changed = threading.Condition()
        self.sockets: list[_Handler] = []
        self.nacks: list[dict[str, Any]] = []
        self.port = 0
        self._http: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        handler = type("Handler", (_Handler,), {"pika": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self._http.daemon_threads = True
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Gone from one moment to the next, sockets included."""
        if self._http:
            self._http.shutdown()
            self._http.server_close()
            self._http = None
        for handler in list(self.sockets):
            handler.cut()

    def fail(self, *faults: tuple[str, Any]) -> None:
        """Let the next requests fail: ("before"|"after", path part) cuts the line before or after the effect,
        (status, path part) answers with that status in our shape, ("html", path part) as a hotel would."""
        self.faults += faults

    def wait_for(self, is_so: Callable[[], bool], seconds: float = 10.0) -> None:
        with self.changed:
            assert self.changed.wait_for(is_so, seconds), "the server waited in vain"

    def tell(self, frame: dict[str, Any]) -> None:
        """Send a frame to every connected DJ."""
        for handler in list(self.sockets):
            handler.send_frame(frame)

    def the_session(self) -> dict[str, Any]:
        """The one session there is."""
        (session,) = self.sessions.values()
        return session

    def the_plays(self) -> list[dict[str, Any]]:
        """The plays of the one session there is."""
        return self.plays[self.the_session()["sessionId"]]

    # What the server does

    def answer(self, method: str, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        if (method, path) == ("GET", "/api/v1/me"):
            now = datetime.fromtimestamp(datetime.now(UTC).timestamp() - self.ahead_s, UTC)
            return 200, {
                "name": "Marcus",
                "email": "m@example.org",
                "scopes": ["dj"],
                "serverTime": now.isoformat(),
            }
        if (method, path) == ("POST", "/api/v1/sessions"):
            return self._open(body)
        if (method, path) == ("POST", "/api/v1/tracks/verify"):
            return 200, {"results": [self._judge(verdict) for verdict in body["verdicts"]]}
        if asked := re.fullmatch(r"/api/v1/sessions/([^/]+)/unverified-tracks\?limit=(\d+)&offset=(\d+)", path):
            if asked[1] not in self.sessions:
                return 404, problem("session_not_found", "Session not found")
            open_ones = [its for its in self.questions if its["playId"] not in self._settled()]
            page = open_ones[int(asked[3]) :][: int(asked[2])]
            return 200, {"count": len(open_ones), "total": len(self.questions), "results": page}
        if asked := re.fullmatch(r"/api/v1/plays/([^/]+)/search", path):
            return self.found.get(asked[1]) or (409, problem("no_search", "Link your Spotify account first."))
        match = re.fullmatch(r"/api/v1/sessions/([^/]+)(/plays|/end|/plays/([^/]+)/hide)?", path)
        if not match:
            raise Breach(f"no such path {method} {path}")
        session = self.sessions.get(match[1])
        if session is None:
            return 404, problem("not_found", "Session not found")
        if method == "POST" and match[2] == "/plays":
            return self._record(session["sessionId"], body)
        if method == "POST" and match[2] == "/end":
            need(body == {}, "end takes an empty object")
            if session["ended"]:
                return 409, problem("session_over", "This session is over")
            session["ended"] = True
            return 200, {}
        if method == "POST" and match[3]:
            need(set(body) == {"hidden"} and isinstance(body["hidden"], bool), "hide")
            if match[3] not in {play["playId"] for play in self.plays[session["sessionId"]]}:
                return 404, problem("not_found", "Play not found")
            self.hidden[match[3]] = body["hidden"]
            return 200, {}
        if method == "PATCH" and not match[2]:
            need(body and set(body) <= {"delaySeconds", "isPaused", "note"}, "patch")
            session |= body
            return 200, {}
        raise Breach(f"no such call {method} {path}")

    def _open(self, body: Any) -> tuple[int, dict[str, Any]]:
        need(isinstance(body, dict), "a session is an object")
        need(set(body) <= {"sessionId", "djName", "stageId", "delaySeconds"}, f"session fields {set(body)}")
        stage = None
        if "stageId" in body:
            if body["stageId"] not in self.stages:
                return 404, problem("not_found", "Stage not found")
            stage = self.stages[body["stageId"]]
            if body["stageId"] in self.closed_stages:
                return 409, problem("stage_closed", "This stage is closed")
        session_id = body.get("sessionId") or str(uuid.uuid4())
        uuid.UUID(session_id)
        known = self.sessions.get(session_id)
        if known and known["ended"]:
            return 409, problem("session_over", "This session is over")
        if not known:
            self.sessions[session_id] = {
                "sessionId": session_id,
                "djName": body.get("djName", "Marcus"),
                "stage": stage,
                "url": f"/s/{session_id[:6]}",
                "ended": False,
                "delaySeconds": body.get("delaySeconds"),
            }
            self.plays[session_id] = []
        shown = {k: self.sessions[session_id][k] for k in ("sessionId", "djName", "stage", "url")}
        return 200 if known else 201, shown

    def _record(self, session_id: str, body: Any) -> tuple[int, dict[str, Any]]:
        need(set(body) == {"sentAt", "plays"} and ISO.fullmatch(body["sentAt"]), "a batch has sentAt and plays")
        need(1 <= len(body["plays"]) <= 100, "at most 100 plays")
        for play in body["plays"]:
            need({"playId", "playedAt", "track"} <= set(play), "a play's fields")
            need(set(play) <= {"playId", "playedAt", "track", "isHidden", "replay"}, f"fields {set(play)}")
            need(all(isinstance(play.get(flag, True), bool) for flag in ("isHidden", "replay")), "flags")
            check_play(play)
        if any(play["track"]["title"].startswith("POISON") for play in body["plays"]):
            return 400, problem("bad_request", "Not valid", fields={"track.title": ["Poisonous."]})
        results = []
        for play in body["plays"]:
            if play["track"]["title"] in self.bad_titles:
                results.append({"playId": play["playId"], "status": "rejected", "error": "No such title"})
            elif play["playId"] in {known["playId"] for known in self.plays[session_id]}:
                results.append({"playId": play["playId"], "status": "duplicate"})
            else:
                self.plays[session_id].append(play)
                results.append({"playId": play["playId"], "status": "created"})
        return 200, {"results": results}

    def _settled(self) -> set[str]:
        return {play for play, its in self.verdicts.items() if its["verdict"] in ("confirm", "skip")}

    def _judge(self, verdict: dict[str, Any]) -> dict[str, Any]:
        need(set(verdict) <= {"playId", "verdict", "trackId", "link"}, f"verdict {set(verdict)}")
        if "/album/" in verdict.get("link", ""):
            error = "This is a link to a whole album. Open it, and copy the link of the one song."
            return {"playId": verdict["playId"], "status": "rejected", "error": error, "code": "bad_link"}
        self.verdicts[verdict["playId"]] = verdict
        return {"playId": verdict["playId"], "status": "ok", "words": "Etta James – At Last"}

    def socket_answers(self, frame: dict[str, Any]) -> list[dict[str, Any]]:
        kind = frame.get("type")
        if kind == "PING":
            return [{"type": "PONG"}]
        need(bool(frame.get("messageId")), "messageId")
        ack = {"type": "ACK", "messageId": frame["messageId"], "status": "ok"}
        if self.nacks:
            return [{"type": "NACK", "messageId": frame["messageId"]} | self.nacks.pop(0)]
        if kind == "REGISTER_SESSION":
            allowed = {"type", "messageId", "sessionId", "token", "djName", "version"}
            need(set(frame) <= allowed and frame["version"] == "pika-dj/0.4", f"register {set(frame)}")
            if frame["token"] != self.token:
                return [{**ack, "type": "NACK", "error": "Unknown token", "code": "bad_token"}]
            need(frame["sessionId"] in self.sessions, "register before the session was opened")
            return [{"type": "SESSION_REGISTERED", "sessionId": frame["sessionId"]}, ack]
        if kind == "BROADCAST_TRACK":
            allowed = {"type", "messageId", "sessionId", "playId", "playedAt", "sentAt", "replay", "track"}
            need(set(frame) <= allowed and ISO.fullmatch(frame["sentAt"]), f"broadcast {set(frame)}")
            check_play(frame)
            return [ack]
        if kind == "NEXT_TRACK" and self.heard_before is not None:
            need(set(frame) == {"type", "messageId", "sessionId", "track"}, "next track")
            return [{**ack, "repeat": self.heard_before.get(frame["track"]["title"])}]
        if kind == "NEXT_TRACK":  # as an older server
            return [{**ack, "type": "NACK", "error": "Unknown message type", "code": "unknown_type"}]
        raise Breach(f"no such frame {kind}")


class _Handler(BaseHTTPRequestHandler):
    pika: FakePika
    timeout = 30

    def do_GET(self) -> None:
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self._socket()
        else:
            self._rest()

    do_POST = do_PATCH = do_DELETE = do_GET

    def _rest(self) -> None:
        pika = self.pika
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with pika.changed:
            pika.requests.append((self.command, self.path))
            fault = next((f for f in pika.faults if f[1] in self.path), None)
            if fault:
                pika.faults.remove(fault)
            if fault and fault[0] == "before":
                return self.cut()
            if fault and fault[0] == "html":
                return self._answer(200, b"<html>Welcome to Hotel Ritz</html>", "text/html")
            if fault and isinstance(fault[0], int):
                error = problem("asked_for", "As the test asked.")
                if len(fault) > 2:
                    error["error"]["retryAfter"] = fault[2]
                return self._answer(fault[0], json.dumps(error).encode())
            if self.headers.get("Authorization") != f"Bearer {pika.token}":
                return self._answer(401, json.dumps(problem("bad_token", "Unknown token")).encode())
            try:
                need(not data or self.headers.get("Content-Type") == "application/json", "content type")
                status, answer = pika.answer(self.command, self.path, json.loads(data) if data else None)
            except (Breach, ValueError, KeyError, TypeError) as breach:
                pika.breaches.append(f"{self.command} {self.path}: {breach!r}")
                status, answer = 400, problem("breach", str(breach))
            pika.changed.notify_all()
            if fault and fault[0] == "after":
                return self.cut()
        self._answer(status, json.dumps(answer).encode())

    def _answer(self, status: int, data: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _socket(self) -> None:
        self.protocol = ServerProtocol()
        head = self.raw_requestline + b"".join(f"{k}: {v}\r\n".encode() for k, v in self.headers.items()) + b"\r\n"
        self.protocol.receive_data(head)
        (request,) = self.protocol.events_received()
        assert isinstance(request, Request)
        assert self.path == "/ws"
        self.protocol.send_response(self.protocol.accept(request))
        self._flush()
        self.pika.sockets.append(self)
        try:
            while data := self.connection.recv(65536):
                self.protocol.receive_data(data)
                for event in self.protocol.events_received():
                    if getattr(event, "opcode", None) is Opcode.TEXT:
                        self._hear(event.data)
                self._flush()
                if self.protocol.close_expected():
                    break
        except (OSError, ProtocolError):
            pass
        finally:
            self.pika.sockets.remove(self)
            self.close_connection = True

    def _hear(self, data: bytes) -> None:
        with self.pika.changed:
            try:
                need(len(data) <= 10_000, "a frame over 10 KB")
                frame = json.loads(data)
                answers = self.pika.socket_answers(frame)
                self.pika.frames.append(frame)
            except (Breach, ValueError, KeyError, TypeError) as breach:
                self.pika.breaches.append(f"{data[:200]!r}: {breach!r}")
                answers = []
            self.pika.changed.notify_all()
        for answer in answers:
            self.send_frame(answer)

    def send_frame(self, frame: dict[str, Any]) -> None:
        self.protocol.send_text(json.dumps(frame).encode())
        self._flush()

    def _flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data:
                self.connection.sendall(data)

    def cut(self) -> None:
        """No answer at all, as when the line breaks."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(2)

    def log_message(self, format: str, *args: object) -> None:
        pass


def check_play(play: dict[str, Any]) -> None:
    uuid.UUID(play["playId"])
    need(ISO.fullmatch(play["playedAt"]), "playedAt")
    for name, value in play["track"].items():
        need(TRACK[name](value), f"track.{name} = {value!r}")
    need({"title", "artist"} <= set(play["track"]), "a track has a title and an artist")


def need(is_so: object, words: str) -> None:
    if not is_so:
        raise Breach(words)


def problem(code: str, message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, **more}}

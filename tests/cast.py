"""The people of the tests, and the sockets they speak through."""

import json
import re
import uuid
from collections import deque
from typing import Any

from django.utils import timezone
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from pika.live.broker import broker
from pika.live.messages import iso

APP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # of Kryspin's app with codes
PATIENCE = 10  # seconds a test waits for something that must come


class Socket:
    """A foreign client on the real socket: asks, is answered, hears."""

    def __init__(self, address: str, **options: Any) -> None:
        self.socket: ClientConnection = connect(address, open_timeout=PATIENCE, **options)
        self.heard: deque[dict[str, Any]] = deque()

    def send(self, message: dict[str, Any] | str | bytes) -> None:
        self.socket.send(json.dumps(message) if isinstance(message, dict) else message)

    def read(self, timeout: float = PATIENCE) -> dict[str, Any]:
        return dict(json.loads(self.socket.recv(timeout=timeout)))

    def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Send and return the ACK or NACK; what comes meanwhile is kept to be heard."""
        message_id = fields.pop("messageId", str(uuid.uuid4()))
        self.send({"type": kind, "messageId": message_id, **fields})
        while True:
            message = self.read()
            if message["type"] in {"ACK", "NACK"} and message.get("messageId") in {message_id, None}:
                return message
            self.heard.append(message)

    def hear(self, kind: str, timeout: float = PATIENCE) -> dict[str, Any]:
        """The next message of that type; others before it are dropped."""
        while self.heard:
            message = self.heard.popleft()
            if message["type"] == kind:
                return message
        while True:
            message = self.read(timeout)
            if message["type"] == kind:
                return message

    def all_heard(self) -> list[dict[str, Any]]:
        """Everything said until now: the server answers a PING after what came before it."""
        broker().settle()
        self.send({"type": "PING"})
        while (message := self.read())["type"] != "PONG":
            self.heard.append(message)
        everything = list(self.heard)
        self.heard.clear()
        return everything

    def close_code(self) -> int:
        """Wait until the server hangs up; its code."""
        try:
            while True:
                self.socket.recv(timeout=PATIENCE)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006

    def close(self) -> None:
        self.socket.close()


class Dj(Socket):
    """A DJ's program: registered, and playing what it is told to."""

    session_id = ""

    def go_live(self, token: str, **fields: Any) -> dict[str, Any]:
        answer = self.ask("REGISTER_SESSION", token=token, **fields)
        self.session_id = answer.get("sessionId", "")
        return answer

    def play(self, title: str, artist: str = "Somebody", **more: Any) -> dict[str, Any]:
        track = {"title": title, "artist": artist, **more.pop("track", {})}
        return self.ask(
            "BROADCAST_TRACK",
            sessionId=self.session_id,
            track=track,
            **{"playId": str(uuid.uuid4()), "playedAt": iso(timezone.now()), **more},
        )

    def end(self) -> dict[str, Any]:
        return self.ask("END_SESSION", sessionId=self.session_id)


class Dancer(Socket):
    """A phone on a stage or a session."""

    def follow(self, stage: str | None = None, session: str | None = None, **fields: Any) -> dict[str, Any]:
        broker().settle()  # an ACK comes before its news is out: nobody should come in between
        where = {"stageId": stage} if stage else {"sessionId": session}
        return self.ask("SUBSCRIBE", **where, **fields)


def code_for(email: str) -> str:
    """The code in the newest letter to that address, whether it was sent already or still lies there."""
    from django.core import mail

    from accounts.models import Letter

    letter = Letter.objects.filter(to=email).order_by("-pk").first()
    said = letter.subject if letter else [it.subject for it in mail.outbox if it.to == [email]][-1]
    return re.search(r"\d{6}", said)[0]  # type: ignore[index]


def app_code(secret: str = APP_SECRET, ahead: int = 0) -> str:
    """What an app with this secret shows now, or `ahead` steps of 30 seconds later (each code works once)."""
    import time

    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + ahead)))

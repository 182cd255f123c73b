"""A phone and a DJ's program as they behave when the line breaks: the same patience, back-off and order as ours.

`Phone` does what pika/static/pika/live.js and stage.js do with tracks, `Booth` what pika-dj does with its outbox.
Songs are called "Song 1", "Song 2" …, so that everybody can tell which one is later.
"""

import asyncio
import contextlib
import json
import random
import time
import uuid
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

PING_EVERY, PATIENCE = 25.0, 10.0
BACK_OFF_LEAST, BACK_OFF_MOST, BACK_OFF_RESTART = 1.0, 30.0, 10.0
SERVICE_RESTART = 1012


class Lost(Exception):
    """Nobody knows whether it arrived."""


class Refused(Exception):
    """A NACK."""

    def __init__(self, nack: dict[str, Any]) -> None:
        super().__init__(f"{nack.get('code')}: {nack.get('error')}")
        self.retry_after = nack.get("retryAfter")


class Line:
    """One socket that comes back. `urls`: its own process first; the others, if any, when that one refuses."""

    def __init__(self, *urls: str) -> None:
        self.urls = urls
        self.is_open = False  # hello was answered
        self.tries = 0
        self.lost_at: list[float] = []
        self.waits: list[tuple[float, float]] = []  # (since when, how long) of each back-off
        self.refused: list[tuple[float, str]] = []
        self._socket: ClientConnection | None = None
        self._asked: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._greeting: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        tasks = [task for task in (self._running, self._greeting) if task]
        while [task for task in tasks if not task.done()]:  # again: one that is just done with something may miss it
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=1)

    async def hello(self, socket: ClientConnection, is_anew: bool) -> None:
        """What is said on every (re)connect."""
        raise NotImplementedError

    def hear(self, message: dict[str, Any]) -> None:
        """Anything but an answer."""

    async def ask(self, kind: str, message_id: str = "", **fields: Any) -> dict[str, Any]:
        """The ACK. Raises Refused or Lost."""
        if self._socket is None:
            raise Lost
        message_id = message_id or uuid.uuid4().hex
        answer = self._asked[message_id] = asyncio.get_running_loop().create_future()
        try:
            await self._socket.send(json.dumps({"type": kind, "messageId": message_id, **fields}))
            async with asyncio.timeout(PATIENCE):
                return await answer
        except (TimeoutError, ConnectionClosed) as error:
            raise Lost from error
        finally:
            self._asked.pop(message_id, None)

    async def _run(self) -> None:
        while True:
            code = await self._live_once()
            now = time.monotonic()
            self.lost_at.append(now)
            most = BACK_OFF_RESTART if code == SERVICE_RESTART else min(BACK_OFF_MOST, 2.0 ** (1 + self.tries))
            if code != SERVICE_RESTART:
                self.tries = min(self.tries + 1, 10)  # BACK_OFF_MOST is reached long before
            wait = random.uniform(BACK_OFF_LEAST, most)
            self.waits.append((now, wait))
            await asyncio.sleep(wait)

    async def _live_once(self) -> int:
        """From connecting to the end of the line; its close code."""
        for url in self.urls:
            try:
                socket = await connect(url, open_timeout=PATIENCE, ping_interval=None, compression=None, max_size=None)
                break
            except (OSError, TimeoutError, WebSocketException):
                continue
        else:
            return 0
        self._socket = socket
        self.greet()
        try:
            await self._listen(socket)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
        except TimeoutError:
            return 1006
        finally:
            self._socket, self.is_open = None, False
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_exception(Lost())
            if self._greeting:
                self._greeting.cancel()
            with contextlib.suppress(Exception):  # a dead line must not hold us up
                async with asyncio.timeout(0.1):
                    await socket.close()

    async def _listen(self, socket: ClientConnection) -> None:
        """Until the line ends or is silent for too long (TimeoutError)."""
        patience = PATIENCE
        while True:
            try:
                async with asyncio.timeout(patience):
                    text = await socket.recv()
            except TimeoutError:
                if patience == PATIENCE:
                    raise
                self.tries = 0  # it held for a while
                await socket.send('{"type":"PING"}')
                patience = PATIENCE
                continue
            patience = PING_EVERY
            message = json.loads(text)
            if message["type"] in {"ACK", "NACK", "PONG"}:
                self._answer(message)
            else:
                self.hear(message)

    def _answer(self, message: dict[str, Any]) -> None:
        if message["type"] == "NACK":
            self.refused.append((time.monotonic(), str(Refused(message))))
        answer = self._asked.get(message.get("messageId") or "")
        if answer and not answer.done():
            if message["type"] == "NACK":
                answer.set_exception(Refused(message))
            else:
                answer.set_result(message)

    def greet(self, is_anew: bool = False) -> None:
        """Say hello, unless that is under way."""
        if self._socket and (self._greeting is None or self._greeting.done()):
            self._greeting = asyncio.create_task(self._greet(self._socket, is_anew))

    async def _greet(self, socket: ClientConnection, is_anew: bool) -> None:
        try:
            await self.hello(socket, is_anew)
            self.is_open = True
        except Lost:
            await socket.close()
        except Refused as refused:
            self.greet_later(float(refused.retry_after or BACK_OFF_MOST))

    def greet_later(self, seconds: float, is_anew: bool = True) -> None:
        asyncio.get_running_loop().call_later(seconds, self.greet, is_anew)


class Phone(Line):
    """A dancer's page on a stage. `shown`: the number of the song on its screen."""

    def __init__(self, stage: str, *urls: str) -> None:
        super().__init__(*urls)
        self.stage = stage
        self.shown = 0
        self.play_id = ""
        self.changes: list[tuple[float, int]] = []  # (when, the song shown from then on)
        self.backwards = 0  # how often an older song replaced a newer one
        self.bad_at = 0.0  # for whoever looks: when it was last seen wrong
        self._topic, self._epoch, self._seq = "", "", 0
        self._early: dict[int, dict[str, Any]] = {}

    async def hello(self, socket: ClientConnection, is_anew: bool) -> None:
        since = {} if is_anew or not self._epoch else {"since": f"{self._epoch}:{self._seq}"}
        await self.ask("SUBSCRIBE", stageId=self.stage, **since)
        if self._early:
            self.greet_later(2.0)  # still a hole

    def hear(self, message: dict[str, Any]) -> None:
        if message["type"] == "SNAPSHOT":
            self._snapshot(message)
        elif message.get("seq") and message["topic"] == self._topic:
            self._in_order(message)

    def _snapshot(self, message: dict[str, Any]) -> None:
        before = (self._epoch, self._seq)
        self._topic, self._epoch, self._seq = message["topic"], message["epoch"], message["seq"]
        if message["play"]:
            self._show(message["play"])
        self._drain()
        if before[0] == self._epoch and before[1] > message["seq"]:
            self.greet_later(0.0, is_anew=False)  # older than what we knew

    def _in_order(self, message: dict[str, Any]) -> None:
        if message["epoch"] == self._epoch and message["seq"] <= self._seq:
            return
        self._early[message["seq"]] = message
        if message["epoch"] != self._epoch:
            self.greet(is_anew=True)
            return
        self._drain()
        if self._early:
            self.greet()  # a gap: what did we miss?

    def _drain(self) -> None:
        for seq in [s for s, m in self._early.items() if s <= self._seq or m["epoch"] != self._epoch]:
            del self._early[seq]
        while message := self._early.pop(self._seq + 1, None):
            self._seq += 1
            if message["type"] == "NOW_PLAYING":
                self._show(message)

    def _show(self, play: dict[str, Any]) -> None:
        number = int(play["track"]["title"].split()[-1])
        self.backwards += number < self.shown
        if number != self.shown:
            self.changes.append((time.monotonic(), number))
        self.shown, self.play_id = number, play["playId"]

    def showed(self, number: int) -> float | None:
        """When it first showed that song or a later one."""
        return next((at for at, shown in self.changes if shown >= number), None)


class Booth(Line):
    """A DJ's program: plays go into an outbox and stay there until they are ACKed."""

    def __init__(self, stage: str, token: str, *urls: str) -> None:
        super().__init__(*urls)
        self.stage, self.token, self.session = stage, token, f"chaos-{uuid.uuid4().hex[:8]}"
        self.sent_at: list[float] = [0.0]  # by the number of the song; there is no Song 0
        self.acked_at: dict[int, float] = {}
        self._outbox: deque[tuple[int, dict[str, Any]]] = deque()
        self._sending: asyncio.Task[None] | None = None

    async def hello(self, socket: ClientConnection, is_anew: bool) -> None:
        await self.ask("REGISTER_SESSION", sessionId=self.session, token=self.token, stageId=self.stage)
        self.tries = 0
        self._send_soon()

    def play(self) -> int:
        """The next song starts now; its number."""
        number = len(self.sent_at)
        self.sent_at.append(time.monotonic())
        now = datetime.now(UTC).isoformat()
        track = {"title": f"Song {number}", "artist": "Somebody"}
        play = {"message_id": uuid.uuid4().hex, "playId": str(uuid.uuid4()), "playedAt": now, "track": track}
        self._outbox.append((number, play))
        if self.is_open:
            self._send_soon()
        return number

    def _send_soon(self) -> None:
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send_all())

    async def _send_all(self) -> None:
        """The oldest first, each until it is ACKed; after Lost all over again with the next hello."""
        while self._outbox:
            number, play = self._outbox[0]
            now = datetime.now(UTC).isoformat()
            try:
                await self.ask("BROADCAST_TRACK", sessionId=self.session, sentAt=now, **play)
            except Lost:
                if self._socket:
                    await self._socket.close()
                return
            except Refused as refused:
                if refused.retry_after:
                    await asyncio.sleep(refused.retry_after)
                    continue
            else:
                self.acked_at[number] = time.monotonic()
            self._outbox.popleft()

    def acked(self, before: float) -> int:
        """The newest song whose ACK had come before that time."""
        return max((number for number, at in self.acked_at.items() if at <= before), default=0)


async def all_open(lines: Sequence[Line], patience: float = 30.0) -> None:
    """Wait until every line is there. TimeoutError when one is not."""
    async with asyncio.timeout(patience):
        while not all(line.is_open for line in lines):
            await asyncio.sleep(0.02)

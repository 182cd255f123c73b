"""The one websocket, `/ws`: parses frames, limits them, finds the handler, answers once.

What a message means is the business of each app's `consumers.py`; see docs/live.md for the words.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.http.cookie import parse_cookie
from django.utils import timezone

from pika.errors import Problem
from pika.limits import Bucket
from pika.live import messages
from pika.live.chores import Chore, run_chore
from pika.live.hub import hub
from pika.live.messages import Message, encode
from pika.live.origin import header, is_foreign, is_ours
from pika.live.protocol import BACKLOG_BYTES, EXTENSION
from pika.live.wire import Batch

log = logging.getLogger(__name__)

Handler = Callable[["LiveConsumer", Message], Awaitable[Message | None]]
# Sockets that are open, with what is left to do when they close; for `/metrics` and for tests that wait.
open_sockets: set["LiveConsumer"] = set()
PATIENCE = 200  # refused frames before we hang up; one a second is forgiven


class HangUp(Problem):
    """Refused, and the socket is closed with `close_code`."""

    def __init__(self, message: str, code: str, close_code: int, retry_after: float | None = None) -> None:
        super().__init__(message, code, retry_after=retry_after)
        self.close_code = close_code


class LiveConsumer(AsyncWebsocketConsumer):
    """One phone, booth, display or program."""

    channel_layer_alias = "none"  # the hub joins groups once per process, a socket never does

    def __init__(self, handlers: Mapping[str, Handler], chores: Iterable[Chore] = ()) -> None:
        super().__init__()
        self.handlers, self.chores = handlers, chores
        self.listener = ""
        self.memory: dict[str, Any] = {}
        self.at_close: list[Callable[[], Awaitable[None]]] = []
        self.topics: set[str] = set()
        self._bucket = Bucket(settings.LIVE_FRAMES_PER_SECOND, settings.LIVE_FRAMES_BURST)
        self._patience = Bucket(1, PATIENCE)
        self._waiting: deque[str] = deque()
        self._waiting_bytes = 0
        self._writer: asyncio.Task[None] | None = None
        self._is_open = True

    # --- Life of a socket --------------------------------------------------------------------------
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        # The fast way out, where the server has one; everything takes it, so the order stays.
        wire = scope.get("extensions", {}).get(EXTENSION)
        if wire is not None:
            self.write, self.write_batch = wire.write_text, wire.write_batch  # type: ignore[method-assign]
        open_sockets.add(self)
        try:
            await super().__call__(scope, receive, send)
        finally:  # also when it went away in the middle of the handshake
            await self._clear_up()

    async def dispatch(self, message: Message) -> None:
        # Channels closes old database connections here, one thread hop per frame; `in_thread` does it.
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def connect(self) -> None:
        if is_foreign(self.scope):
            await self.close(code=4403)
            return
        await hub.start([partial(run_chore, chore) for chore in self.chores])
        await self.accept()

    async def _clear_up(self) -> None:
        self._is_open = False
        try:
            for topic in list(self.topics):
                await self.leave(topic)
            for step in self.at_close:
                await step()
        finally:
            open_sockets.discard(self)

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies, believed only when a page of ours speaks."""
        if not is_ours(self.scope):
            return {}
        return parse_cookie(header(self.scope, b"cookie"))

    async def join(self, topic: str) -> None:
        self.topics.add(topic)
        await hub.join(topic, self)
        if not self._is_open:  # it closed while we waited, and has been cleared up
            await self.leave(topic)

    async def leave(self, topic: str) -> None:
        self.topics.discard(topic)
        await hub.leave(topic, self)

    # --- Out -----------------------------------------------------------------------------------------
    def say(self, message: Message) -> None:
        """Tell this socket alone."""
        self.write(encode(message))

    def write(self, text: str) -> None:
        """Queue a ready frame; a phone that does not read is dropped rather than waited for."""
        if not self._is_open:
            return
        self._waiting.append(text)
        self._waiting_bytes += len(text)
        if self._waiting_bytes > BACKLOG_BYTES:
            self._is_open = False
            self._waiting.clear()
            asyncio.get_running_loop().create_task(self._close_quietly(1013, "Too slow, please reconnect"))
        elif self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write_waiting())

    def write_batch(self, batch: Batch) -> None:
        """Queue ready frames of a topic."""
        for text in batch.texts:
            self.write(text)

    async def _write_waiting(self) -> None:
        try:
            while self._waiting:
                text = self._waiting.popleft()
                await self.send(text)
                self._waiting_bytes -= len(text)
        except Exception:  # the phone went away in mid-write: its disconnect is on the way
            self._is_open = False

    async def _close_quietly(self, code: int, reason: str) -> None:
        try:
            await self.close(code, reason)
        except Exception:
            log.debug("the socket was gone already")

    # --- In ------------------------------------------------------------------------------------------
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        message_id = None
        try:
            try:
                message, wrong = self._parse(text_data, bytes_data), None
                message_id = message["messageId"]
            except HangUp:
                raise
            except Problem as problem:
                message, wrong = {}, problem
            self._check_rate()  # of what cannot be read, too
            if wrong:
                raise wrong
            answer = await self._handle(message)
        except HangUp as refused:
            self._nack(message_id, refused)
            await self._hang_up(refused)
        except Problem as refused:
            self._nack(message_id, refused)
        else:
            if message_id is not None and answer is not None:
                self.say(answer)

    async def _handle(self, message: Message) -> Message | None:
        handler = self.handlers.get(message["type"])
        if handler is None:
            raise Problem(f"Unknown message type “{message['type'][:40]}”", "unknown_type")
        try:
            extra = await handler(self, message)
        except Problem:
            raise
        except Exception:
            log.exception("%s failed", message["type"])
            raise Problem("Something went wrong on our side. Please try again.", "internal", retry_after=5) from None
        return messages.ack(message["messageId"] or "", timezone.now(), **(extra or {}))

    def _parse(self, text: str | None, binary: bytes | None) -> Message:
        if len(binary or b"") > settings.LIVE_FRAME_BYTES or len(text or "") > settings.LIVE_FRAME_BYTES:
            raise HangUp("This message is too long (10 KB at most)", "too_long", 1009)
        if text is None:
            raise Problem("Messages are JSON text", "not_json")
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            raise Problem("This is not JSON", "not_json") from None
        if "\\ud" in text.lower():  # half an emoji is JSON, but no text that could be stored or sent on
            try:
                json.dumps(message, ensure_ascii=False).encode()
            except UnicodeEncodeError:
                raise Problem("This text has half a character in it", "not_json") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise Problem("A message is a JSON object with a “type”", "no_type")
        message_id = message.get("messageId")
        if message_id is not None and not (isinstance(message_id, str) and len(message_id) <= 100):
            message["messageId"] = None
            raise Problem("“messageId” is a text of at most 100 characters", "bad_message_id")
        message["messageId"] = message_id
        return message

    def _check_rate(self) -> None:
        if wait := self._bucket.take():
            if self._patience.take():
                raise HangUp("Too many messages", "too_many", 1008)
            raise Problem("Too many messages, slow down", "too_many", retry_after=round(wait, 2))

    def _nack(self, message_id: str | None, refused: Problem) -> None:
        told = (refused.message, timezone.now(), refused.code, refused.retry_after, refused.field or None)
        self.say(messages.nack(message_id, *told))

    async def hang_up(self, code: int, reason: str) -> None:
        """Close from our side; never raises."""
        await self._close_quietly(code, reason[:120])

    async def _hang_up(self, refused: HangUp) -> None:
        if self._writer:
            await asyncio.wait([self._writer], timeout=2)
        self._is_open = False
        await self._close_quietly(refused.close_code, refused.message)

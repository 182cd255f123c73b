"""The one websocket, `/ws`: parses frames, limits them, finds the handler, answers once.

What a message means is the business of each app's `consumers.py`; see docs/live.md for the words.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cached_property, partial
from types import SimpleNamespace
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.http.cookie import parse_cookie
from django.utils import timezone
from django.utils.translation import get_language_from_request, gettext, override

from pika.errors import Problem
from pika.limits import Bucket
from pika.live import messages
from pika.live.chores import Chore, run_chore
from pika.live.hub import hub
from pika.live.messages import Message, encode
from pika.live.ordinary import OrdinaryWire
from pika.live.origin import header, is_foreign, is_ours
from pika.live.phone import EXTENSION, Phone
from pika.live.seats import Seat

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

    def __init__(self, handlers: Mapping[str, Handler], chores: Iterable[Chore] = ()) -> None:
        super().__init__()
        self.handlers, self.chores = handlers, chores
        self.listener = ""
        self.memory: dict[str, Any] = {}
        self.at_close: list[Callable[[], Awaitable[None]]] = []
        self.seat = Seat()
        self.topics: set[str] = set()
        self._bucket = Bucket(settings.LIVE_FRAMES_PER_SECOND, settings.LIVE_FRAMES_BURST)
        self._patience = Bucket(1, PATIENCE)
        self._is_open = True

    # --- Life of a socket --------------------------------------------------------------------------
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Channels' own would wait for a channel layer, too, in a task per socket: the hub does that, once."""
        self.scope, self.base_send = scope, send
        phone: Phone | None = scope.get("extensions", {}).get(EXTENSION)
        self.wire = phone or OrdinaryWire(self.send, self.close)
        self.write_batch = self.wire.write
        open_sockets.add(self)
        is_in = False
        try:
            is_in = await self._let_in()
            if phone is None and is_in:
                await self._listen(receive)
        finally:  # also when it went away in the middle of the handshake
            if phone is None or not is_in:
                await self.clear_up()
        if phone is not None and is_in:
            phone.attach(self)

    async def _let_in(self) -> bool:
        if is_foreign(self.scope):
            await self.close(code=4403)
            return False
        await hub.start([partial(run_chore, chore) for chore in self.chores])
        await self.accept()
        address = (self.scope.get("client") or ("unknown",))[0]
        try:
            self.seat.take(f"address {address}", settings.LIVE_STRANGERS_PER_ADDRESS)
        except Problem as refused:  # said on the open socket: a page cannot read why a handshake was refused
            self.hang_up(1013, refused.message)
        return True

    async def _listen(self, receive: Any) -> None:
        """The ordinary way in: one message after the other, until it is gone."""
        assert isinstance(self.wire, OrdinaryWire)
        while True:
            hearing = asyncio.ensure_future(receive())
            await asyncio.wait([hearing, self.wire.ended], return_when=asyncio.FIRST_COMPLETED)
            if not hearing.done() or hearing.result()["type"] == "websocket.disconnect":
                hearing.cancel()
                return
            message = hearing.result()
            if message["type"] == "websocket.receive":
                await self.receive(message.get("text"), message.get("bytes"))

    async def clear_up(self) -> None:
        """The socket is gone: so is all that it had here."""
        self._is_open = False
        try:
            for topic in list(self.topics):
                await self.leave(topic)
            for step in self.at_close:
                await step()
        finally:
            self.seat.free()
            open_sockets.discard(self)

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies, believed only when a page of ours speaks."""
        if not is_ours(self.scope):
            return {}
        return parse_cookie(header(self.scope, b"cookie"))

    @cached_property
    def language(self) -> str:
        """What refusals are said in: the language of this device's pages; a program's is English."""
        asked: Any = SimpleNamespace(
            COOKIES=self.cookies, META={"HTTP_ACCEPT_LANGUAGE": header(self.scope, b"accept-language")}
        )
        return get_language_from_request(asked)

    def belongs_to(self, who: str) -> None:
        """It has shown whose it is; HangUp when they have too many."""
        try:
            self.seat.take(who, settings.LIVE_SOCKETS_PER_GUEST)
        except Problem as refused:
            raise HangUp(refused.message, refused.code, 1013) from None

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
        self.wire.write_text(encode(message))

    def write(self, text: str) -> None:
        """A ready text for this socket alone."""
        self.wire.write_text(text)

    def hang_up(self, code: int, reason: str) -> None:
        """Close from our side, behind what was said; never raises. What the phone still says is not heard."""
        self._is_open = False
        self.wire.close(code, reason)

    # --- In ------------------------------------------------------------------------------------------
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await asyncio.sleep(0)  # what the hub is about to say was said before: the answer comes behind it
        if self._is_open:
            with override(self.language):
                await self._hear(text_data, bytes_data)

    async def _hear(self, text_data: str | None, bytes_data: bytes | None) -> None:
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
            self.hang_up(refused.close_code, refused.message)
        except Problem as refused:
            self._nack(message_id, refused)
        else:
            if message_id is not None and answer is not None:
                self.say(answer)

    async def _handle(self, message: Message) -> Message | None:
        handler = self.handlers.get(message["type"])
        if handler is None:
            raise Problem(gettext("Unknown message type “%(type)s”") % {"type": message["type"][:40]}, "unknown_type")
        try:
            extra = await handler(self, message)
        except Problem:
            raise
        except Exception:
            log.exception("%s failed", message["type"])
            raise Problem(
                gettext("Something went wrong on our side. Please try again."), "internal", retry_after=5
            ) from None
        return messages.ack(message["messageId"] or "", timezone.now(), **(extra or {}))

    def _parse(self, text: str | None, binary: bytes | None) -> Message:
        if len(binary or b"") > settings.LIVE_FRAME_BYTES or len(text or "") > settings.LIVE_FRAME_BYTES:
            raise HangUp(gettext("This message is too long (10 KB at most)"), "too_long", 1009)
        if text is None:
            raise Problem(gettext("Messages are JSON text"), "not_json")
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            raise Problem(gettext("This is not JSON"), "not_json") from None
        if "\\ud" in text.lower():  # half an emoji is JSON, but no text that could be stored or sent on
            try:
                json.dumps(message, ensure_ascii=False).encode()
            except UnicodeEncodeError:
                raise Problem(gettext("This text has half a character in it"), "not_json") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise Problem(gettext("A message is a JSON object with a “type”"), "no_type")
        message_id = message.get("messageId")
        if message_id is not None and not (isinstance(message_id, str) and len(message_id) <= 100):
            message["messageId"] = None
            raise Problem(gettext("“messageId” is a text of at most 100 characters"), "bad_message_id")
        message["messageId"] = message_id
        return message

    def _check_rate(self) -> None:
        if wait := self._bucket.take():
            if self._patience.take():
                raise HangUp(gettext("Too many messages"), "too_many", 1008)
            raise Problem(gettext("Too many messages, slow down"), "too_many", retry_after=round(wait, 2))

    def _nack(self, message_id: str | None, refused: Problem) -> None:
        told = (refused.message, timezone.now(), refused.code, refused.retry_after, refused.field or None)
        self.say(messages.nack(message_id, *told))

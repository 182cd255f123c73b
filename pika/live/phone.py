"""One open websocket of the fast way: what comes in, what goes out, and how it ends. No task, unless it speaks.

Frames that come in are read by the `websockets` library; frames that go out are ready when they come here and go
straight to the kernel. The consumer finds this object in `scope["extensions"]["pika.live"]` and takes it over with
`attach`; where it is missing (another server) `pika.live.ordinary` does the same, only slower.
"""

import asyncio
import logging
import random
from asyncio import AbstractEventLoop, Transport
from collections import deque
from collections.abc import Coroutine
from os import write as write_now
from typing import Any, Protocol

from django.conf import settings
from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol as Parser
from websockets.protocol import Side, State

from pika.live.counters import counters
from pika.live.wire import BACKLOG_BYTES, TOO_SLOW, close_reason, text_frame

log = logging.getLogger(__name__)

EXTENSION = "pika.live"
CLOSING_SECONDS = 5.0
# Within uvicorn's grace for its shutdown (8 s).
SPREAD_SECONDS, PHONES_A_SECOND = 6.0, 1000
INBOX = 32  # messages that wait for their turn before we stop reading
FRAMES_AT_ONCE = 1000  # in one read from the kernel; nobody who means well has so many
_REFUSED = b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_PING = b"\x89\x00"
_SILENT = (1011, "No sign of life")
_RESTART = (1012, "We restart, please reconnect")
_NOT_UTF8 = 1007
_FLOOD = (1008, "A flood of frames")
_FAILED = (1011, "Something went wrong on our side, please reconnect")

_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)

phones: "set[Phone]" = set()


class Consumer(Protocol):
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """One message, as Channels hands it over."""

    async def clear_up(self) -> None:
        """The socket is gone."""


class Phone(asyncio.Protocol):
    """One socket. `write` and `write_text` never block, never raise, and cut off a phone that does not read (1013)."""

    __slots__ = (
        "_accepted", "_app", "_consumer", "_fd", "_inbox", "_is_asked", "_is_gone", "_is_text", "_loop", "_open_fd",
        "_parser", "_part", "_rest", "_saying", "_server_state", "_transport", "heard_at",
    )  # fmt: skip

    def __init__(self, config: Config, server_state: ServerState, loop: AbstractEventLoop) -> None:
        self._app, self._server_state, self._loop = config.loaded_app, server_state, loop
        self._parser = Parser(Side.SERVER, max_size=settings.LIVE_FRAME_BYTES)
        self._consumer: Consumer | None = None
        # The short way to the kernel. -1 while it is shut: before the handshake, while something waits, and after.
        self._open_fd = self._fd = -1
        self._saying: list[bytes] | None = None
        self._inbox: deque[str | bytes | None] | None = None
        self._part: bytearray | None = None
        self._is_gone = self._is_asked = self._is_text = False

    # --- The handshake -------------------------------------------------------------------------------
    def begin(self, transport: Transport, scope: dict[str, Any], accepted: bytes, rest: bytes) -> None:
        """Ask the application whether this phone may come in; `rest` came along with its request."""
        self._transport, self._accepted, self._rest = transport, accepted, rest
        self.heard_at = self._loop.time()
        self._server_state.connections.add(self)  # type: ignore[arg-type]
        phones.add(self)
        scope["extensions"][EXTENSION] = self
        self._do(self._admit(scope))

    async def _admit(self, scope: dict[str, Any]) -> None:
        try:
            await self._app(scope, self._receive, self._send)  # type: ignore[arg-type]
        except Exception:
            log.exception("a socket could not be opened")
            self._refuse(_BROKEN)
        if self._consumer is None:
            self._refuse(_REFUSED)

    async def _receive(self) -> Any:
        return {"type": "websocket.connect"}

    async def _send(self, message: Any) -> None:
        """The two things that an application says of a handshake; what comes later does not come this way."""
        if message["type"] == "websocket.close":
            self.close(message.get("code", 1000), message.get("reason") or "")
        elif not self._is_gone:
            self._transport.write(self._accepted)
            self._accepted = b""

    def attach(self, consumer: Consumer) -> None:
        """From now on `consumer` hears what the phone says, one message after the other, and when it is gone."""
        self._consumer = consumer
        if self._is_gone:
            self._put(None)
            return
        self._open_fd = self._transport.get_extra_info("socket").fileno()
        rest, self._rest = self._rest, b""
        if rest:
            self.data_received(rest)

    def _refuse(self, answer: bytes) -> None:
        if not self._is_gone:
            self._transport.write(answer if self._accepted else b"")
            self._transport.close()
            self._leave()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        """A task that uvicorn waits for when it ends."""
        task = self._loop.create_task(work)
        self._server_state.tasks.add(task)
        task.add_done_callback(self._server_state.tasks.discard)

    # --- In --------------------------------------------------------------------------------------------
    def data_received(self, data: bytes) -> None:
        self.heard_at = self._loop.time()
        self._is_asked = False
        if self._consumer is None:
            self._rest += data
            if len(self._rest) > BACKLOG_BYTES:
                self._transport.abort()
            return
        parser = self._parser
        parser.receive_data(data)
        frames = parser.events_received()
        for frame in frames:
            if isinstance(frame, Frame) and frame.opcode in _DATA and not self._is_gone:
                self._take(frame)
        answer = b"".join(parser.data_to_send())  # a pong; or the close that answers a close or a wrong frame
        if self._is_gone:  # we have said goodbye; only its own is still of interest
            if parser.close_rcvd is not None:
                self._transport.close()
        elif parser.state is not State.OPEN:
            self._transport.write(answer)
            self._part_ways()
        elif len(frames) > FRAMES_AT_ONCE:
            self.close(*_FLOOD)
        elif answer:
            self.write(answer)

    def _take(self, frame: Frame) -> None:
        """A frame with data: a message, or a part of one."""
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        if self._part is None and frame.fin:
            data = bytes(frame.data)
        else:
            self._part = self._part or bytearray()
            self._part += frame.data
            if not frame.fin:
                return
            data, self._part = bytes(self._part), None
        try:
            self._put(data.decode() if self._is_text else data)
        except UnicodeDecodeError:
            self._parser.fail(_NOT_UTF8, "This is not UTF-8")

    def _put(self, message: str | bytes | None) -> None:
        """Into the inbox; None when there is nothing more to come."""
        if self._inbox is None:
            self._inbox = deque((message,))
            self._do(self._talk(self._inbox))
            return
        self._inbox.append(message)
        if len(self._inbox) > INBOX and not self._is_gone:
            self._transport.pause_reading()

    async def _talk(self, inbox: deque[str | bytes | None]) -> None:
        """Give the consumer what is in the inbox, one after the other. It exists only while there is something."""
        consumer = self._consumer
        assert consumer
        while inbox:
            message = inbox.popleft()
            if message is None:
                await consumer.clear_up()
                continue
            try:
                if isinstance(message, str):
                    await consumer.receive(text_data=message)
                else:
                    await consumer.receive(bytes_data=message)
            except Exception:
                log.exception("a message broke its handler")
                self.close(*_FAILED)
            if not inbox and not self._is_gone and not self._transport.is_reading():
                self._transport.resume_reading()
        self._inbox = None

    # --- Out -------------------------------------------------------------------------------------------
    def write(self, frames: bytes) -> None:
        """Ready frames, in the order of the calls. Nearly always the kernel takes everything at once."""
        if self._fd >= 0:
            try:
                sent = write_now(self._fd, frames)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError:
                self._transport.abort()
                self._leave()
                return
            if sent == len(frames):
                return
            frames = frames[sent:]
        self._queue(frames)

    def write_text(self, text: str) -> None:
        """One text for this phone alone. What is said to it in one go leaves in one write."""
        if self._saying is None:
            if self._is_gone:
                return
            self._saying, self._fd = [], -1
            self._loop.call_soon(self._say)
        self._saying.append(text_frame(text))

    def _say(self) -> None:
        said, self._saying = self._saying, None
        if said:
            self._queue(b"".join(said))

    def _queue(self, frames: bytes) -> None:
        """The long way: behind what waits already."""
        if self._is_gone:
            return
        if self._saying is not None:
            self._saying.append(frames)
            return
        waiting = self._transport.get_write_buffer_size()
        if waiting == 0 and self._fd < 0 <= self._open_fd:
            self._fd = self._open_fd
            self.write(frames)
        elif waiting + len(frames) > BACKLOG_BYTES:
            counters["dropped"] += 1
            self.close(*TOO_SLOW)
        else:
            self._fd = -1
            self._transport.write(frames)

    # --- The end ---------------------------------------------------------------------------------------
    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye, and do not wait long for an answer. At the handshake: refuse."""
        if self._accepted:
            self._refuse(_REFUSED)
        if self._is_gone:
            return
        self._say()
        if self._is_gone:  # it did not read, either
            return
        self._parser.send_close(code, close_reason(reason))
        self._transport.write(b"".join(self._parser.data_to_send()))
        self._transport.resume_reading()
        self._loop.call_later(CLOSING_SECONDS, self._transport.abort)
        if self._inbox:
            self._inbox.clear()
        self._leave()

    def shutdown(self) -> None:
        """Uvicorn ends: the phones are told in slices, so that they do not all come back in the same moment."""
        spread = min(SPREAD_SECONDS, len(phones) / PHONES_A_SECOND)
        self._loop.call_later(random.uniform(0, spread), self.close, *_RESTART)

    def look_after(self, now: float, patience: float) -> None:
        """Ask a phone that was silent for `patience` seconds for a sign of life; give it up after twice as long."""
        silent = now - self.heard_at
        if silent > 2 * patience:
            self.close(*_SILENT)
        elif silent > patience and not self._is_asked and self._consumer:
            self._is_asked = True
            self.write(_PING)

    def _part_ways(self) -> None:
        """It said goodbye, or broke the protocol."""
        if self._parser.close_rcvd is not None:
            self._transport.close()
        else:
            # It broke the protocol and may still be talking: to close now could keep it from reading why.
            self._transport.resume_reading()
            self._transport.write_eof()
            self._loop.call_later(CLOSING_SECONDS, self._transport.abort)
        self._leave()

    def connection_lost(self, error: Exception | None) -> None:
        self._server_state.connections.discard(self)  # type: ignore[arg-type]
        self._leave()

    def _leave(self) -> None:
        """Nothing more is written, and the consumer is told; once."""
        if self._is_gone:
            return
        self._is_gone = True
        self._fd = self._open_fd = -1
        phones.discard(self)
        if self._consumer:
            self._put(None)


async def look_after_phones() -> None:
    """A chore: nobody who has gone without a word keeps a seat."""
    now = asyncio.get_running_loop().time()
    for phone in tuple(phones):
        phone.look_after(now, settings.LIVE_PING)

"""The ordinary way out, over ASGI's `send`, where there is no fast one: another server, another protocol class."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from pika.live.counters import counters
from pika.live.wire import BACKLOG_BYTES, TOO_SLOW, Batch, close_reason

log = logging.getLogger(__name__)
_PATIENCE = 2  # seconds for what waits, and for the goodbye


class UvicornSocket(WebSocketsSansIOProtocol):
    """Uvicorn's own, which would wait for ever to send the rest to who does not read and never answers."""

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.loop.call_later(_PATIENCE, self.transport.abort)

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self.loop.call_later(self.close_timeout, self.transport.abort)


class OrdinaryWire:
    """Same face as `Phone`: never blocks, never raises, cuts off a phone that does not read. `ended`: after `close`."""

    def __init__(self, send: Callable[[str], Awaitable[None]], close: Callable[[int, str], Awaitable[None]]) -> None:
        self._send, self._close = send, close
        self._waiting: deque[str] = deque()
        self._waiting_bytes = 0
        self._writer: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def write_text(self, text: str) -> None:
        if self._closing:
            return
        self._waiting.append(text)
        self._waiting_bytes += len(text)
        if self._waiting_bytes > BACKLOG_BYTES:
            counters["dropped"] += 1
            self._waiting.clear()
            self.close(*TOO_SLOW)
        elif self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write_waiting())

    def write(self, batch: Batch) -> None:
        for text in batch.texts:
            self.write_text(text)

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye behind what waits."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._finish(code, close_reason(reason)))

    async def _write_waiting(self) -> None:
        try:
            while self._waiting:
                text = self._waiting.popleft()
                await self._send(text)
                self._waiting_bytes -= len(text)
        except Exception as error:  # the phone went away in mid-write: its disconnect is on the way
            log.debug("not sent: %s", error)

    async def _finish(self, code: int, reason: str) -> None:
        if self._writer:
            await asyncio.wait([self._writer], timeout=_PATIENCE)
        try:
            await asyncio.wait_for(self._close(code, reason), _PATIENCE)
        except Exception as error:  # gone already, or it does not read, and the server waits for it: we do not
            log.debug("not closed in order: %s", error)
        self.ended.set_result(None)

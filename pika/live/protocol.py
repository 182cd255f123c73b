"""The narrow door to the socket: uvicorn's own websocket protocol, with a way to write ready frames.

Handshake, inbound frames, pings and closing stay with the library. The consumer finds this object in
`scope["extensions"]["pika.live"]`; where it is missing (another server) the ordinary `send` does the same,
only slower.
"""

import os
import random
from asyncio.transports import BaseTransport

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import State

from pika.live.counters import counters
from pika.live.wire import Batch, text_frame

EXTENSION = "pika.live"
BACKLOG_BYTES = 64 * 1024
CLOSING_SECONDS = 5.0
# Within uvicorn's grace for its shutdown (8 s).
SPREAD_SECONDS, PHONES_A_SECOND = 6.0, 1000


class LiveProtocol(WebSocketsSansIOProtocol):
    """One phone. `write_*` never block, never raise, and cut off a phone that does not read (1013)."""

    _fd = -1

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        if transport.get_extra_info("sslcontext") is None:
            self._fd = transport.get_extra_info("socket").fileno()

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"][EXTENSION] = self  # type: ignore[assignment, typeddict-item, index]

    def write_text(self, text: str) -> None:
        """One text frame to this phone alone."""
        self._write(text_frame(text))

    def write_batch(self, batch: Batch) -> None:
        """Frames that were built once for the whole topic."""
        self._write(batch.data)

    def shutdown(self) -> None:
        """A planned restart: the phones are told (1012) in slices, so that they do not all come back at once."""
        spread = min(SPREAD_SECONDS, len(self.connections) / PHONES_A_SECOND)
        self.loop.call_later(random.uniform(0, spread), super().shutdown)

    def _write(self, data: bytes) -> None:
        transport = self.transport
        if self.conn.state is not State.OPEN or transport.is_closing():
            return
        waiting = transport.get_write_buffer_size()
        if waiting == 0 and self._fd >= 0:
            # Straight to the kernel: nearly always it takes everything, and the transport's way costs more.
            try:
                sent = os.write(self._fd, data)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError:
                transport.abort()
                return
            if sent == len(data):
                return
            data = data[sent:]
        elif waiting + len(data) > BACKLOG_BYTES:
            self.drop(1013, "Too slow, please reconnect")
            return
        transport.write(data)

    def drop(self, code: int, reason: str) -> None:
        """Close without waiting for a phone that does not read; it comes back by snapshot."""
        if self.close_sent:
            return
        counters["dropped"] += 1
        self.close_sent = True
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.loop.call_later(CLOSING_SECONDS, self.transport.abort)

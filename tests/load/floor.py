"""The physical floor, as near as Python comes to it: `python -m tests.load.floor PORT` upgrades by hand and calls
`os.write` of one ready frame for each socket. No queue, no limit, no order: nothing a product could leave out.
"""

import asyncio
import os
import sys
from typing import cast

import uvloop

from tests.load.measure import more_files

SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
SNAPSHOT = b'{"type":"SNAPSHOT","pad":"' + b"x" * 700 + b'"}'
phones: set[int] = set()


def ready(payload: bytes) -> bytes:
    """A server's text frame."""
    size = len(payload)
    return (bytes((0x81, size)) if size < 126 else b"\x81\x7e" + size.to_bytes(2, "big")) + payload


HELLO = ready(SNAPSHOT) + ready(b'{"type":"ACK","messageId":"s"}')


class Socket(asyncio.Protocol):
    __slots__ = ("data", "fd", "is_open", "transport")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.data, self.is_open = cast(asyncio.Transport, transport), b"", False
        self.fd = transport.get_extra_info("socket").fileno()

    def connection_lost(self, exc: Exception | None) -> None:
        phones.discard(self.fd)

    def data_received(self, data: bytes) -> None:
        self.data += data
        if not self.is_open:
            head, end, rest = self.data.partition(b"\r\n\r\n")
            if end:
                self.data, self.is_open = rest, b"pgrade" in head
                self.transport.write(SWITCH if self.is_open else b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            return
        found, self.data = _unmasked(self.data)
        for payload in found:
            if b"SUBSCRIBE" in payload:
                phones.add(self.fd)
                self.transport.write(HELLO)
            else:
                say(ready(payload))


def _unmasked(data: bytes) -> tuple[list[bytes], bytes]:
    """Payloads of the client's frames (their mask is zero), and the rest."""
    found, at = [], 0
    while len(data) - at >= 6:
        size, start = data[at + 1] & 127, at + 6
        if size == 126:
            size, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 8
        if len(data) < start + size:
            break
        found.append(data[start : start + size])
        at = start + size
    return found, data[at:]


def say(frame: bytes) -> None:
    write = os.write
    for fd in phones:
        try:
            write(fd, frame)
        except OSError:
            continue  # the bench will count it as lost


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Socket, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    more_files()
    uvloop.run(main(int(sys.argv[1])))

"""A peer on a bare TCP socket: sends any bytes at all, and reads the answers with the strict parser of `websockets`.

What it hears is a list of pairs: `("says", "PONG")` a JSON message by its type, `("nack", code)`, `("ack", messageId)`,
`("pong", payload)`, `("ping", payload)`, `("close", code)` and, when the server has hung up, `("eof", None)`.
"""

import base64
import contextlib
import hashlib
import json
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

from websockets.frames import Close, Frame, Opcode
from websockets.streams import StreamReader

PATIENCE = 15  # seconds; a test that waits longer has failed

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = base64.b64encode(hashlib.sha1(f"{KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
MASK = b"\x37\xfa\x21\x3d"
Heard = tuple[str, Any]


def frame(opcode: int, payload: bytes = b"", fin: bool = True, rsv: int = 0, mask: bytes | None = MASK) -> bytes:
    """A client's frame, right or wrong as it is asked for. `mask` None: unmasked."""
    return head(opcode, len(payload), fin, rsv, mask is not None) + masked(payload, mask)


def head(opcode: int, size: int, fin: bool = True, rsv: int = 0, is_masked: bool = True, form: int = 0) -> bytes:
    """The head of a frame without its mask; `form` 126 or 127 writes the length longer than it need be."""
    first, flag = fin << 7 | rsv << 4 | opcode, is_masked << 7
    form = form or (size if size < 126 else 126 if size < 1 << 16 else 127)
    packed = b"" if form < 126 else struct.pack("!H" if form == 126 else "!Q", size)
    return bytes((first, flag | form)) + packed


def masked(payload: bytes, mask: bytes | None = MASK) -> bytes:
    """The mask, and the payload under it."""
    if mask is None:
        return payload
    key = int.from_bytes((mask * (len(payload) // 4 + 1))[: len(payload)], "big")
    return mask + (int.from_bytes(payload, "big") ^ key).to_bytes(len(payload), "big")


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


def message(kind: str, **fields: Any) -> bytes:
    """A JSON message in one text frame."""
    return frame(TEXT, json.dumps({"type": kind, **fields}).encode())


def request(port: int, path: str = "/ws", first: str = "GET {path} HTTP/1.1", **changed: str | None) -> bytes:
    """The handshake. A header named in `changed` (`Sec_WebSocket_Key="x"`) is replaced, left out (None) or added."""
    headers: dict[str, str | None] = {
        "Host": f"127.0.0.1:{port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    lines = [first.format(path=path), *(f"{name}: {value}" for name, value in headers.items() if value is not None)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


class Peer:
    """One TCP connection to the server. `ear`: the size of its receive buffer, for one that hardly reads."""

    def __init__(self, port: int, ear: int = 0) -> None:
        self.port = port
        self.socket = socket.socket()
        if ear:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ear)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = StreamReader()
        self._parts: list[bytes] = []
        self._is_closing = False
        self.reason = ""  # of the server's close

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    # --- Handshake -----------------------------------------------------------------------------------
    def open(self, path: str = "/ws", **changed: str | None) -> "Peer":
        """Shake hands; raises when the server will not."""
        self.send(request(self.port, path, **changed))
        status, headers = self.read_head()
        assert (status, headers.get("sec-websocket-accept")) == (101, ACCEPT), (status, headers)
        return self

    def read_head(self) -> tuple[int, dict[str, str]]:
        """Status and headers (lower case) of an HTTP answer; status 0: the server hung up without one."""
        while (end := self.stream.buffer.find(b"\r\n\r\n")) < 0:
            if not self._more(PATIENCE):
                return 0, {}
        first, *lines = bytes(self.stream.buffer[:end]).decode("latin-1").split("\r\n")
        del self.stream.buffer[: end + 4]
        assert first.startswith("HTTP/1."), first
        return int(first.split()[1]), {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
        }

    # --- Out -------------------------------------------------------------------------------------------
    def send(self, data: bytes, octets: int = 0) -> None:
        """All of `data`, `octets` at a time; what the server does not want any more is dropped."""
        with contextlib.suppress(OSError):
            for at in range(0, len(data), octets or max(1, len(data))):
                self.socket.sendall(data[at : at + octets] if octets else data)

    # --- In --------------------------------------------------------------------------------------------
    def hear(self, until: Heard | None = None, timeout: float = PATIENCE) -> list[Heard]:
        """Everything up to `until`, or up to the end. A close of the server is answered, and it must then hang up."""
        heard = []
        for one in self.listen(timeout):
            if one == until:
                return heard
            heard.append(one)
        return heard

    def listen(self, timeout: float = PATIENCE) -> Iterator[Heard]:
        """What comes, one by one; ends when the server hangs up. TimeoutError when nothing comes for too long."""
        while True:
            parser = Frame.parse(self.stream.read_exact, mask=False)
            try:
                its = self._next(parser, timeout)
            except EOFError:
                return
            told = self._understood(its)
            if told is None:
                continue
            if told[0] == "close" and not self._is_closing:
                self._is_closing = True
                self.send(close(told[1]) if told[1] != 1005 else close())
            yield told

    def _next(self, parser: Any, timeout: float) -> Frame:
        deadline = time.monotonic() + timeout
        while True:
            try:
                next(parser)
            except StopIteration as done:
                return done.value
            if not self._more(max(0.001, deadline - time.monotonic())):
                self.stream.feed_eof()

    def _more(self, timeout: float) -> bool:
        self.socket.settimeout(timeout)
        try:
            data = self.socket.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            data = b""
        if data:
            self.stream.feed_data(data)
        return bool(data)

    def _understood(self, its: Frame) -> Heard | None:
        data = bytes(its.data)
        if its.opcode is Opcode.CLOSE:
            its_close = Close.parse(data)  # raises when it is none that may be sent
            self.reason = its_close.reason
            return "close", its_close.code
        if its.opcode in {Opcode.PING, Opcode.PONG}:
            return its.opcode.name.lower(), data
        assert its.opcode is not Opcode.BINARY, "the server says text only"
        assert (its.opcode is Opcode.CONT) == bool(self._parts), "the server fragments wrongly"
        self._parts.append(data)
        if not its.fin:
            return None
        said = json.loads(b"".join(self._parts).decode())
        self._parts.clear()
        return spoken(said)


def spoken(said: dict[str, Any]) -> Heard:
    """A JSON message as it is compared."""
    kind = said["type"]
    if kind == "NACK":
        assert said["error"] and said["code"] != "internal", said
        return "nack", said["code"]
    return ("ack", said["messageId"]) if kind == "ACK" else ("says", kind)

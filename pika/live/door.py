"""The front door: a phone that asks for a websocket is let in here, anything else is uvicorn's business.

Uvicorn makes one `Door` per TCP connection (its `http` setting). The first bytes tell who comes: a phone gets a
`Phone`, whoever wants a page gets uvicorn's own protocol with the very same bytes. A handshake that is odd in any way
is refused: it comes from no browser. With PIKA_WS=ordinary also the plain ones are uvicorn's.
Source: RFC 6455, section 4.2.
"""

import asyncio
import re
from asyncio import AbstractEventLoop, BaseTransport, Transport
from base64 import b64encode
from hashlib import sha1
from typing import Any, NamedTuple, cast

from django.conf import settings
from uvicorn.config import Config
from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.server import ServerState

from pika.live.phone import Phone

_START = b"GET /ws"
_LINE = re.compile(rb"GET (/ws[!-~]*) HTTP/1\.1", re.ASCII)
# A name, and a value without control characters; spaces around it are not part of it. RFC 9110, section 5.5.
_HEADER = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?[ \t]*"
)
_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_HEAD_BYTES = 16 * 1024
_LAST_SECONDS = 2
# Said once, or it is not plain; and a body is none of ours.
_ONCE = {b"host", b"upgrade", b"sec-websocket-key", b"sec-websocket-version", b"origin"}
_NOT_OURS = {b"content-length", b"transfer-encoding", b"expect"}
_WANTS_A_SOCKET = re.compile(rb"\r\nupgrade[ \t]*:[^\r\n]*websocket", re.IGNORECASE)
_ODD = b"This is no websocket handshake as RFC 6455 has it."
_REFUSED = (
    b"HTTP/1.1 400 Bad Request\r\nSec-WebSocket-Version: 13\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_ODD), _ODD)
)
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Upgrade(NamedTuple):
    """A plain request for a websocket: `target` as it stands in the request line, names of `headers` in lower case."""

    target: bytes
    headers: list[tuple[bytes, bytes]]
    key: bytes

    @property
    def accepted(self) -> bytes:
        """What turns the connection into a websocket."""
        proof = b64encode(sha1(self.key + _GUID, usedforsecurity=False).digest())
        return (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + proof + b"\r\n\r\n"
        )


def plain_upgrade(head: bytes) -> Upgrade | None:
    """`head` (without its empty line) as an upgrade; None when it is something else, or in any way unusual."""
    first, *lines = head.split(b"\r\n")
    line = _LINE.fullmatch(first)
    if line is None:
        return None
    headers, once, connection = [], dict[bytes, bytes](), b""
    for one in lines:
        match = _HEADER.fullmatch(one)
        if match is None:
            return None
        name, value = match[1].lower(), match[2] or b""
        headers.append((name, value))
        if name == b"connection":
            connection += b"," + value.lower()
        elif name in _NOT_OURS or (name in _ONCE and once.setdefault(name, value) is not value):
            return None
    is_plain = (
        b"host" in once
        and once.get(b"upgrade", b"").lower() == b"websocket"
        and b"upgrade" in [word.strip() for word in connection.split(b",")]
        and once.get(b"sec-websocket-version") == b"13"
    )
    key = once.get(b"sec-websocket-key", b"")
    return Upgrade(line[1], headers, key) if is_plain and _KEY.fullmatch(key) else None


class Door(asyncio.Protocol):
    """A connection of which we do not know yet what it wants."""

    __slots__ = ("_app_state", "_config", "_head", "_loop", "_patience", "_server_state", "_transport")

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        self._config, self._server_state, self._app_state = config, server_state, app_state
        self._loop = _loop or asyncio.get_running_loop()
        self._head = b""

    def connection_made(self, transport: BaseTransport) -> None:
        self._transport = cast(Transport, transport)
        self._server_state.connections.add(self)  # type: ignore[arg-type]
        # Browsers open connections in advance: one that is closed in order they open again, one that is reset may fail.
        self._patience = self._loop.call_later(settings.LIVE_HANDSHAKE_SECONDS, self._transport.close)

    def connection_lost(self, error: Exception | None) -> None:
        self._let_go()

    def shutdown(self) -> None:
        """Uvicorn ends."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        head = self._head = self._head + data if self._head else data
        if head.startswith(_START) or (len(head) < len(_START) and _START.startswith(head)):
            end = head.find(b"\r\n\r\n")
            if (end if end >= 0 else len(head)) > _HEAD_BYTES:
                self._refuse(_TOO_LONG)
            elif end >= 0:
                self._open(head[:end], head[end + 4 :])
        else:
            self._hand_over()

    def _open(self, head: bytes, rest: bytes) -> None:
        upgrade = plain_upgrade(head)
        is_fast = settings.PIKA_WS == "fast" and self._transport.get_extra_info("sslcontext") is None
        if upgrade and is_fast:
            self._let_go()
            phone = Phone(self._config, self._server_state, self._loop)
            self._transport.set_protocol(phone)
            phone.begin(self._transport, self._scope(upgrade), upgrade.accepted, rest)
        elif upgrade or not _WANTS_A_SOCKET.search(head):
            self._hand_over()
        else:
            self._refuse(_REFUSED)

    def _hand_over(self) -> None:
        self._let_go()
        other = cast(Any, AutoHTTPProtocol)(
            config=self._config, server_state=self._server_state, app_state=self._app_state, _loop=self._loop
        )
        self._transport.set_protocol(other)
        other.connection_made(self._transport)
        other.data_received(self._head)

    def _refuse(self, answer: bytes) -> None:
        """Say why, and close when that was read: what it may still be sending would keep it from reading."""
        self._let_go()
        self._transport.set_protocol(asyncio.Protocol())  # whatever it says, nobody listens
        self._transport.write(answer)
        self._transport.write_eof()
        self._loop.call_later(_LAST_SECONDS, self._transport.abort)

    def _let_go(self) -> None:
        self._patience.cancel()
        self._server_state.connections.discard(self)  # type: ignore[arg-type]

    def _scope(self, upgrade: Upgrade) -> dict[str, Any]:
        """As ASGI's HTTP & WebSocket specification, version 2.4, wants it."""
        path, _, query = upgrade.target.partition(b"?")
        peer, here = (self._transport.get_extra_info(name) for name in ("peername", "sockname"))
        return {
            "type": "websocket",
            "asgi": {"version": self._config.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "ws",
            "server": here[:2] if isinstance(here, tuple) else None,
            "client": peer[:2] if isinstance(peer, tuple) else None,
            "root_path": self._config.root_path,
            "path": self._config.root_path + path.decode("ascii"),
            "raw_path": self._config.root_path.encode() + path,
            "query_string": query,
            "headers": upgrade.headers,
            "subprotocols": [],
            "state": self._app_state.copy(),
            "extensions": {},
        }

"""The front door of the fast way: a plain websocket upgrade is answered here, anything else is uvicorn's business.

Uvicorn makes one `Door` per TCP connection (its `http` setting). The first bytes tell who comes: a phone gets a
`Phone`, everybody else uvicorn's own protocol with the very same bytes. What is odd in any way is not a plain upgrade.
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
# Said once, or it is not plain; and a body is none of ours.
_ONCE = {b"host", b"upgrade", b"connection", b"sec-websocket-key", b"sec-websocket-version", b"origin"}
_NOT_OURS = {b"content-length", b"transfer-encoding", b"expect", b"sec-websocket-protocol"}


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
    headers = []
    once: dict[bytes, bytes] = {}
    for one in lines:
        match = _HEADER.fullmatch(one)
        if match is None:
            return None
        name, value = match[1].lower(), match[2] or b""
        headers.append((name, value))
        if name in _NOT_OURS or (name in _ONCE and once.setdefault(name, value) is not value):
            return None
    is_plain = (
        b"host" in once
        and once.get(b"upgrade", b"").lower() == b"websocket"
        and b"upgrade" in [word.strip() for word in once.get(b"connection", b"").lower().split(b",")]
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
        self._patience = self._loop.call_later(settings.LIVE_HANDSHAKE_SECONDS, self._transport.abort)

    def connection_lost(self, error: Exception | None) -> None:
        self._let_go()

    def shutdown(self) -> None:
        """Uvicorn ends."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        head = self._head = self._head + data if self._head else data
        is_ours = head.startswith(_START) or (len(head) < len(_START) and _START.startswith(head))
        upgrade, rest = None, b""
        if is_ours and self._transport.get_extra_info("sslcontext") is None:
            end = head.find(b"\r\n\r\n")
            if end < 0 and len(head) < _HEAD_BYTES:
                return
            upgrade, rest = plain_upgrade(head[:end]), head[end + 4 :]
        self._let_go()
        if upgrade:
            phone = Phone(self._config, self._server_state, self._loop)
            self._transport.set_protocol(phone)
            phone.begin(self._transport, self._scope(upgrade), upgrade.accepted, rest)
        else:
            other = cast(Any, AutoHTTPProtocol)(
                config=self._config, server_state=self._server_state, app_state=self._app_state, _loop=self._loop
            )
            self._transport.set_protocol(other)
            other.connection_made(self._transport)
            other.data_received(head)

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

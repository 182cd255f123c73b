"""Many small POSTs over HTTPS: one thread and event loop a process, whose connections outlive the messages."""

import asyncio
import atexit
import logging
import os
import socket
import ssl
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

try:
    from uvloop import new_event_loop
except ImportError:  # Windows
    from asyncio import new_event_loop  # type: ignore[assignment]

log = logging.getLogger(__name__)

MOST_LINES = 100  # connections to one origin
_AT_ONCE = 4  # that are opened while there are few: who answers quickly needs no more
_REST = 15.0  # seconds without work after which a connection is closed; services close theirs later
_LOOK_UP = 10.0  # how long an address is believed
_DIAL, _DIAL_LAST = 3.0, 9.0  # how long one is tried while there are others; and the last one
_TICK = 0.2
_MOST_BYTES, _SAID = 16384, 500  # of an answer, heads and all; of its body that anybody wants to read

Check = Callable[[str, int], None]
Trust = Callable[[], ssl.SSLContext]


class Parcel(ABC):
    """One request and what becomes of it. `pack` and `answered` are called in the carrier's thread."""

    __slots__ = ("ends_at", "origin", "request")

    def __init__(self, origin: str) -> None:
        self.origin, self.ends_at, self.request = origin, 0.0, b""

    @abstractmethod
    def pack(self) -> bytes:
        """The whole request; nothing: there is none, and no answer will come."""

    @abstractmethod
    def answered(self, status: int, retry_after: str, said: str) -> None:
        """Once. Status 0: no answer, in time, that one could read; `said` is why. Else the beginning of the body."""


class Carrier:
    """`check` refuses an address and port with OSError before it is dialled; `trust` says whom we believe.

    Strict and small: no redirects, no cookies, no compression, and no second try, since the first may have arrived.
    """

    def __init__(self, check: Check, trust: Trust) -> None:
        self.check, self.trust = check, trust
        self.loop = new_event_loop()
        self._routes: dict[str, _Route] = {}
        self._is_ticking = False
        self._thread = threading.Thread(target=self.loop.run_forever, name="carrier", daemon=True)
        self._thread.start()
        atexit.register(self._stop, os.getpid())

    def _stop(self, pid: int) -> None:
        if pid == os.getpid() and self._thread.is_alive():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(2)

    def send(self, parcels: Iterable[Parcel], seconds: float) -> None:
        """Each is answered within `seconds`, and nothing is sent twice. From any thread."""
        self.loop.call_soon_threadsafe(self._take, parcels, seconds)

    def _take(self, parcels: Iterable[Parcel], seconds: float) -> None:
        ends_at = self.loop.time() + seconds
        for parcel in parcels:
            parcel.ends_at, parcel.request = ends_at, parcel.pack()
            if not parcel.request:
                continue
            route = self._routes.get(parcel.origin)
            if route is None:
                route = self._routes[parcel.origin] = _Route(self, parcel.origin)
            route.waiting.append(parcel)
            route.move()
        if not self._is_ticking:
            self._is_ticking = True
            self.loop.call_later(_TICK, self._tick)

    def _tick(self) -> None:
        now = self.loop.time()
        self._routes = {origin: route for origin, route in self._routes.items() if route.tidy(now)}
        self._is_ticking = bool(self._routes)
        if self._routes:
            self.loop.call_later(_TICK, self._tick)


class _Route:
    """The connections to one origin, and the parcels that wait for one."""

    def __init__(self, carrier: Carrier, origin: str) -> None:
        self.carrier, self.loop = carrier, carrier.loop
        self.host, _, port = origin.removeprefix("https://").partition(":")
        self.port = int(port or 443)
        self.waiting: deque[Parcel] = deque()
        self.lines: set[_Line] = set()
        self.free: list[_Line] = []
        self.opening: set[asyncio.Task[None]] = set()
        self._found: asyncio.Future[list[Any]] | None = None
        self._found_at = 0.0

    def move(self) -> None:
        """Send what waits, as far as there are connections, and open more if there are too few."""
        while self.waiting and self.free:
            self.free.pop().carry(self.waiting.popleft())
        wanted = min(len(self.waiting), MOST_LINES - len(self.lines), max(_AT_ONCE, len(self.lines)))
        for _ in range(wanted - len(self.opening)):
            task = self.loop.create_task(self._open())
            self.opening.add(task)

    async def _open(self) -> None:
        try:
            await self._connect()
        except Exception as error:  # not only OSError: a name may be none, a certificate somebody else's
            if not isinstance(error, OSError | ValueError):
                log.exception("no connection to %s", self.host)
            if self.waiting:
                self.waiting.popleft().answered(0, "", f"no connection: {error!r}")
        finally:
            task = asyncio.current_task()
            assert task
            self.opening.discard(task)
            self.move()

    async def _connect(self) -> None:
        """To the first address that takes us. By its number, and never with a socket of our own: uvloop closes that one
        twice when it is reset at once, and the second time it is somebody else's (MagicStack/uvloop#738)."""
        addresses, error = await self._look_up(), OSError("it has no address")
        for tried, (*_, (host, port, *_)) in enumerate(addresses, 1):
            try:
                self.carrier.check(host, port)
                seconds = _DIAL if tried < len(addresses) else _DIAL_LAST
                its = {"ssl": self.carrier.trust(), "server_hostname": self.host, "ssl_handshake_timeout": seconds}
                async with asyncio.timeout(seconds):
                    await self.loop.create_connection(lambda: _Line(self), host, port, **its)  # type: ignore[call-overload]
                return
            except OSError as its_error:
                error = its_error
        raise error

    async def _look_up(self) -> list[Any]:
        """The addresses of the host: asked for once, however many connections are opened."""
        now = self.loop.time()
        if self._found is None or now > self._found_at + _LOOK_UP or (self._found.done() and self._found.exception()):
            self._found_at = now
            self._found = asyncio.ensure_future(
                self.loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM), loop=self.loop
            )
        return await asyncio.shield(self._found)

    def tidy(self, now: float) -> bool:
        """Give up what is late, close what rests. False: nothing is left of this route."""
        while self.waiting and self.waiting[0].ends_at <= now:
            self.waiting.popleft().answered(0, "", "no connection in time")
        for line in list(self.lines):
            if line.parcel is None and line.rests_since + _REST < now:
                line.drop("")
            elif line.parcel is not None and line.parcel.ends_at <= now:
                line.drop("no answer in time")
        return bool(self.waiting or self.lines or self.opening)


class _Line(asyncio.Protocol):
    """One connection: one request after the other, each after the whole answer to the one before."""

    def __init__(self, route: _Route) -> None:
        self.route = route
        self.parcel: Parcel | None = None
        self.rests_since = 0.0
        self._parser = HttpResponseParser(self)
        self._forget()

    def _forget(self) -> None:
        self._size = self._status = 0
        self._is_complete = self._is_bounded = self._is_final = self._is_more = self._is_last = False
        self._retry_after, self._said = b"", b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.route.lines.add(self)
        self._rest()
        self.route.move()

    def _rest(self) -> None:
        self.rests_since = self.route.loop.time()
        self.route.free.append(self)

    def carry(self, parcel: Parcel) -> None:
        self.parcel = parcel
        self._transport.write(parcel.request)

    def data_received(self, data: bytes) -> None:
        if self.parcel is None:
            self.drop("")  # nobody asked
            return
        self._size += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self.drop(f"no HTTP: {error!r}")
            return
        if self._is_complete:
            self._deliver()
        elif self._is_final and not self._is_bounded:
            self.drop("")  # its body ends with the connection, and the status is all we need
        elif self._size > _MOST_BYTES:
            self.drop("too long an answer")

    def _deliver(self) -> None:
        if self._is_more or self._is_last:
            self.drop("")
            return
        parcel = self._answer("")
        self._rest()
        if parcel:
            self.route.move()

    def _answer(self, why: str) -> Parcel | None:
        """Hand over what came. Once the head is there the answer is known, whatever becomes of its body."""
        parcel, self.parcel = self.parcel, None
        status, retry_after = self._status if self._is_final else 0, self._retry_after.decode("latin-1")
        said = self._said[:_SAID].decode("utf-8", "replace") if status else why
        self._forget()
        if parcel:
            parcel.answered(status, retry_after, said)
        return parcel

    def drop(self, why: str) -> None:
        """Close it, and say of what it carried what is known."""
        self.route.lines.discard(self)
        if self in self.route.free:
            self.route.free.remove(self)
        self._transport.abort()
        self._answer(why)
        self.route.move()

    def connection_lost(self, error: Exception | None) -> None:
        if self in self.route.lines:
            self.drop(f"connection closed: {error!r}")

    # --- What the parser finds ------------------------------------------------------------------------------------
    def on_message_begin(self) -> None:
        self._is_more = self._is_complete  # a second answer to one question

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_final:  # after a chunked body; or of what nobody asked for
            return
        name = name.lower()
        if name == b"retry-after":
            self._retry_after = value
        elif name == b"content-length" or (name == b"transfer-encoding" and value.lower() == b"chunked"):
            self._is_bounded = True

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._is_more or status < 200:  # 100, 103: the answer is still to come
            return
        self._status, self._is_final = status, True
        self._is_last = not self._parser.should_keep_alive()
        self._is_bounded = self._is_bounded or status in {204, 304}

    def on_body(self, body: bytes) -> None:
        if not self._is_more and len(self._said) < _SAID:
            self._said += body

    def on_message_complete(self) -> None:
        if self._is_final:
            self._is_complete = True
        else:
            self._retry_after, self._is_bounded = b"", False

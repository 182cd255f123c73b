"""Many phones in one lean process: raw sockets, one epoll, a hand-made handshake, the least parsing that can count.

`python -m tests.load.crowd` is that process; it reads one JSON command a line and answers each with one JSON line.
`Crowd` is the handle to it. A message counts when it begins as ours do (topic, epoch, seq, type); `at=SECONDS;` in it
is the monotonic time it was sent, `code=CODE;` the session it is meant for.
"""

import json
import os
import re
import select
import socket
import subprocess
import sys
import time
from collections import deque
from typing import Any

from tests.load.measure import more_files

ROOM = 65536  # bytes read at once
PORTS = 20000  # phones per source address
TICK = 0.002  # seconds between looks: no write pays for waking a reader, as none does over a real network
SAMPLES = 400  # sockets whose latency is kept
_HEAD = re.compile(
    rb'\{"topic":"([^"]+)","epoch":"[^"]*","seq":(\d+),"type":"(?:BENCH|NOW_PLAYING|METADATA_UPDATED)"', re.ASCII
)
_AT, _CODE = re.compile(rb"at=(\d+\.\d+);"), re.compile(rb"code=([\w-]+);")
ACK = b'"messageId":"s"'
UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def masked(payload: bytes, opcode: int = 1) -> bytes:
    """A client's frame. The mask is zero: legal, and free."""
    size = len(payload)
    head = bytes((0x80 | opcode, 0x80 | size)) if size < 126 else bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2, "big")
    return head + bytes(4) + payload


def frames(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The whole frames at the start of `data` as (opcode, payload), and the rest."""
    found, at, end = [], 0, len(data)
    while end - at >= 2:
        size, start = data[at + 1] & 127, at + 2
        if size == 126:
            size, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
        elif size == 127:
            size, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
        if end < start or end < start + size:
            break
        found.append((data[at] & 15, data[start : start + size]))
        at = start + size
    return found, data[at:]


class Phone:
    __slots__ = ("buffer", "heard", "is_sampled", "joined", "seq", "socket", "started", "topic", "wish")

    def __init__(self, its: socket.socket, wish: bytes, topic: bytes, is_sampled: bool) -> None:
        self.socket, self.wish, self.topic, self.is_sampled = its, wish, topic, is_sampled
        self.buffer, self.started, self.joined = b"", time.monotonic(), False
        self.heard = self.seq = 0


class Process:
    """The process itself."""

    def __init__(self) -> None:
        more_files()
        self.epoll = select.epoll()
        self.phones: dict[int, Phone] = {}
        self.waiting: deque[tuple[bytes, bytes, bool]] = deque()
        self.known: tuple[bytes, list[tuple[bytes, int, float, bytes]]] = (b"", [])
        self.in_flight = self.closed = self.joined = 0
        self.join_ms: list[float] = []
        self.forget()

    def forget(self) -> None:
        self.delivered = self.misrouted = self.doubled = 0
        self.latency: list[float] = []
        for phone in self.phones.values():
            phone.heard = 0

    # --- Commands ----------------------------------------------------------------------------------
    def run(self) -> None:
        """Until stdin ends."""
        commands = sys.stdin.fileno()
        self.epoll.register(commands, select.EPOLLIN)
        while True:
            time.sleep(TICK)
            for fd, _ in self.epoll.poll(0.05, 4096):
                if fd != commands:
                    self.read(self.phones[fd])
                    continue
                line = sys.stdin.readline()
                if not line:
                    return
                command = json.loads(line)
                answer = getattr(self, command.pop("do"))(**command)
                sys.stdout.write(json.dumps(answer) + "\n")
                sys.stdout.flush()

    def join(self, port: int, path: str, wishes: list[Any], window: int, patience: float) -> dict[str, Any]:
        """Bring phones in, `window` at once; each of `wishes` is [how many, what to say, topic]."""
        self.request = UPGRADE.format(path=path, port=port).encode()
        self.address = ("127.0.0.1", port)
        total = sum(count for count, _, _ in wishes)
        every = max(1, total // SAMPLES)
        for count, wish, topic in wishes:
            self.waiting.extend((masked(wish.encode()), topic.encode(), n % every == 0) for n in range(count))
        before, self.join_ms, started = self.joined, [], time.monotonic()
        while self.joined - before < total and time.monotonic() < started + patience:
            while self.waiting and self.in_flight < window:
                self.open(*self.waiting.popleft())
            for fd, _ in self.epoll.poll(0.05, 1024):
                if fd in self.phones:
                    self.read(self.phones[fd])
        self.waiting.clear()
        return {
            "joined": self.joined - before,
            "seconds": time.monotonic() - started,
            "each_ms": self.join_ms,
        }

    def report(self, expected: int) -> dict[str, Any]:
        """What was heard since the last report, `expected` messages being due on each phone."""
        told = {
            "delivered": self.delivered,
            "lost": sum(max(0, expected - phone.heard) for phone in self.phones.values()),
            "misrouted": self.misrouted + self.doubled,
            "closed": self.closed,
            "latency": sorted(self.latency),
            "cpu": time.process_time(),
        }
        self.forget()
        return told

    def leave(self) -> dict[str, Any]:
        for phone in list(self.phones.values()):
            self.drop(phone)
        self.in_flight = self.closed = self.joined = 0
        self.forget()
        return {}

    # --- Phones ------------------------------------------------------------------------------------
    def open(self, wish: bytes, topic: bytes, is_sampled: bool) -> None:
        its = socket.socket()
        if len(self.phones) >= PORTS:
            its.bind((f"127.0.0.{2 + len(self.phones) // PORTS}", 0))
        its.connect(self.address)  # loopback: at once, or the backlog is full
        its.setblocking(False)
        its.send(self.request)
        self.phones[its.fileno()] = Phone(its, wish, topic, is_sampled)
        self.epoll.register(its.fileno(), select.EPOLLIN)
        self.in_flight += 1

    def read(self, phone: Phone) -> None:
        try:
            data = phone.socket.recv(ROOM)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.closed += 1
            self.drop(phone)
        elif phone.joined and not phone.buffer:
            self.hear(phone, data)
        elif phone.joined:
            self.hear(phone, phone.buffer + data)
        else:
            self.greet(phone, phone.buffer + data)

    def greet(self, phone: Phone, data: bytes) -> None:
        """The handshake's answer, then whatever is told until the ACK."""
        phone.buffer = data
        if phone.wish:
            head, end, rest = data.partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                raise SystemExit(f"refused: {head[:200]!r}")
            phone.socket.send(phone.wish)
            phone.wish, phone.buffer = b"", rest
        found, phone.buffer = frames(phone.buffer)
        for opcode, payload in found:
            if opcode == 1 and ACK in payload:
                phone.joined = True
                self.joined += 1
                self.in_flight -= 1
                self.join_ms.append((time.monotonic() - phone.started) * 1000)

    def hear(self, phone: Phone, data: bytes) -> None:
        if data != self.known[0]:  # nearly every phone hears the same bytes
            found, rest = frames(data)
            messages = [told for opcode, payload in found if opcode == 1 and (told := _told(payload))]
            if rest or any(opcode != 1 for opcode, _ in found):
                phone.buffer = rest
                self.answer(phone, found)
                self.count(phone, messages)
                return
            self.known = (data, messages)
        phone.buffer = b""
        self.count(phone, self.known[1])

    def count(self, phone: Phone, messages: list[tuple[bytes, int, float, bytes]]) -> None:
        for topic, seq, at, code in messages:
            if topic != phone.topic or (code and not topic.endswith(code)):
                self.misrouted += 1
            elif seq <= phone.seq:
                self.doubled += 1
            else:
                phone.seq = seq
                phone.heard += 1
                self.delivered += 1
                if phone.is_sampled:
                    self.latency.append(time.monotonic() - at)

    def answer(self, phone: Phone, found: list[tuple[int, bytes]]) -> None:
        """Pings; a close ends the phone when the line does."""
        for opcode, payload in found:
            if opcode == 9:
                phone.socket.send(masked(payload, 10))

    def drop(self, phone: Phone) -> None:
        self.epoll.unregister(phone.socket.fileno())
        del self.phones[phone.socket.fileno()]
        phone.socket.close()


def _told(payload: bytes) -> tuple[bytes, int, float, bytes] | None:
    """(topic, seq, sent at, code) of a message that counts."""
    head, at = _HEAD.match(payload), _AT.search(payload)
    if not head or not at:
        return None
    code = _CODE.search(payload)
    return head[1], int(head[2]), float(at[1]), code[1] if code else b""


class Crowd:
    """Phones in a process of their own."""

    def __init__(self) -> None:
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "tests.load.crowd"],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def do(self, what: str, **fields: Any) -> dict[str, Any]:
        """Ask for something and wait until it is done."""
        assert self.popen.stdin and self.popen.stdout
        self.popen.stdin.write(json.dumps({"do": what, **fields}) + "\n")
        self.popen.stdin.flush()
        line = self.popen.stdout.readline()
        if not line:
            raise RuntimeError("the crowd went home; what it said is above")
        return dict(json.loads(line))

    def join(self, port: int, path: str, wishes: list[Any], window: int = 64, patience: float = 120) -> dict[str, Any]:
        """Let phones in and wait until each has its snapshot. Raises when some never got one."""
        told = self.do("join", port=port, path=path, wishes=wishes, window=window, patience=patience)
        due = sum(count for count, _, _ in wishes)
        if told["joined"] != due:
            raise RuntimeError(f"only {told['joined']} of {due} phones came in within {patience} s")
        return told

    def close(self) -> None:
        self.popen.kill()
        self.popen.wait()


if __name__ == "__main__":
    Process().run()

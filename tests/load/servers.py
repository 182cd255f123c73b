"""Whom we measure, all with the same face: join phones, publish, say what it cost.

`pika` is the product; the others are baselines that live here only: `floor` (a loop of write()), `stock_channels`,
`ws` (node) and `bun`, the last two only where node, npm and the packages can be had.
"""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.load.crowd import Crowd, frames, masked
from tests.load.ground import Ground
from tests.load.measure import cpu_seconds, rss_kb
from tests.processes import ROOT, free_port

BYTES = 300  # about what a frame weighs on the wire
RATE = 10  # messages a second
# Deliveries a second that stock Channels can do; what one of them costs stays comparable.
STOCK_MOST = 3000
BASELINES = ("floor", "stock_channels", "bun", "ws")
WISH = '{"type":"SUBSCRIBE","messageId":"s","stageId":"%s","mine":false}'
_HELLO = """
const SNAPSHOT = '{"type":"SNAPSHOT","pad":"' + 'x'.repeat(700) + '"}';
const ACK = '{"type":"ACK","messageId":"s"}';
"""
WS = (
    """
const { WebSocketServer, WebSocket } = require('ws');
"""
    + _HELLO
    + """
const phones = new Set();
const server = require('http').createServer((_, answer) => answer.end('ok'));
const wss = new WebSocketServer({ server, perMessageDeflate: false, clientTracking: false });
wss.on('connection', socket => {
  socket.on('close', () => phones.delete(socket));
  socket.on('error', () => {});
  socket.on('message', data => {
    const text = data.toString();
    if (text.includes('SUBSCRIBE')) { phones.add(socket); socket.send(SNAPSHOT); socket.send(ACK); return; }
    for (const phone of phones) if (phone.readyState === WebSocket.OPEN) phone.send(text);
  });
});
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 2048 });
"""
)
BUN = (
    _HELLO
    + """
const server = Bun.serve({
  port: Number(process.argv[2]), hostname: '127.0.0.1',
  fetch(request, server) { return server.upgrade(request) ? undefined : new Response('ok'); },
  websocket: {
    perMessageDeflate: false,
    message(socket, text) {
      if (text.includes('SUBSCRIBE')) { socket.subscribe('bench'); socket.send(SNAPSHOT); socket.send(ACK); return; }
      server.publish('bench', text);
    },
  },
});
"""
)


class Voice:
    """One socket that speaks: blocking, and as simple as it can be."""

    def __init__(self, port: int, path: str = "/", patience: float = 20) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), patience)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade"]
        lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.socket.recv(65536)
        self.buffer = self.buffer.partition(b"\r\n\r\n")[2]

    def send(self, text: str) -> None:
        self.socket.sendall(masked(text.encode()))

    def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Send and wait for the ACK; raises on a NACK."""
        message_id = str(uuid.uuid4())
        self.send(json.dumps({"type": kind, "messageId": message_id, **fields}))
        while True:
            found, self.buffer = frames(self.buffer)
            for opcode, payload in found:
                message = json.loads(payload) if opcode == 1 else {}
                if message.get("messageId") == message_id:
                    if message["type"] != "ACK":
                        raise RuntimeError(str(message))
                    return dict(message)
            data = self.socket.recv(65536)
            if not data:
                raise RuntimeError("the server hung up")
            self.buffer += data

    def close(self) -> None:
        self.socket.close()


class Server:
    """Something with processes, phones and a way to say one thing to all of them."""

    name, path = "", "/"
    rate = float(RATE)

    def __init__(
        self, ports: list[int], pids: list[int], phones: int, topic: str = "bench", stage: str = "bench"
    ) -> None:
        self.ports, self.pids, self.phones, self.topic, self.stage = ports, pids, phones, topic, stage
        self.crowds: list[Crowd] = []

    def cpu(self) -> float:
        """Seconds of all its processes so far."""
        return sum(map(cpu_seconds, self.pids))

    def rss(self) -> float:
        """KB of all its processes."""
        return sum(map(rss_kb, self.pids))

    def join(self, count: int, window: int = 64) -> list[dict[str, Any]]:
        """Let `count` phones in, spread over the ports, one crowd for each."""
        if not self.crowds:
            self.crowds = [Crowd() for _ in self.ports]
        told = []
        for number, (crowd, port) in enumerate(zip(self.crowds, self.ports, strict=True)):
            share = count // len(self.ports) + (number < count % len(self.ports))
            told.append(crowd.join(port, self.path, [[share, WISH % self.stage, self.topic]], window))
        return told

    def leave(self) -> None:
        for crowd in self.crowds:
            crowd.do("leave")

    def start_round(self) -> None:
        """Before the clock starts."""

    def publish(self, number: int) -> None:
        """Say one message of about BYTES; `number` rises from 1 and never starts again."""
        raise NotImplementedError

    def close(self) -> None:
        for crowd in self.crowds:
            crowd.close()


class Baseline(Server):
    """A server of tests/load: what any socket says that is no SUBSCRIBE goes to all phones."""

    def __init__(self, name: str, port: int, pid: int, phones: int) -> None:
        super().__init__([port], [pid], phones)
        self.name = name
        self.voice: Voice | None = None

    def start_round(self) -> None:
        if self.voice:
            self.voice.close()
        self.voice = Voice(self.ports[0])  # a new one each round: it does not answer pings

    def publish(self, number: int) -> None:
        head = f'{{"topic":"bench","epoch":"5f1c09ab","seq":{number},"type":"BENCH","at":"at={time.monotonic():.6f};'
        assert self.voice
        self.voice.send(head + f'","pad":"{"x" * (BYTES - len(head) - 12)}"}}')


class Pika(Server):
    """The product. Published as another web process would (one Redis round trip), at an exact size."""

    name, path = "pika", "/ws"

    def __init__(self, its: Ground, phones: int) -> None:
        pids = [process.popen.pid for process in its.processes]
        super().__init__([process.port for process in its.processes], pids, phones, f"stage.{its.stage}", its.stage)
        from pika.live.broker import RedisBroker
        from pika.live.hub import Hub

        self.broker = RedisBroker(Hub(), its.redis_url)

    def publish(self, number: int) -> None:
        head = f'{{"type":"BENCH","at":"at={time.monotonic():.6f};'
        pad = BYTES - len(head) - len(self.topic) - 55
        self.broker.publish(self.topic, f'{head}","pad":"{"x" * pad}"}}')


class PikaByDj(Server):
    """The product with a DJ on one of its sockets: his corrections (METADATA_UPDATED, one frame each) cost as well."""

    name, path = "pika", "/ws"

    def __init__(self, its: Ground, phones: int) -> None:
        pids = [process.popen.pid for process in its.processes]
        super().__init__([process.port for process in its.processes], pids, phones, f"stage.{its.stage}", its.stage)
        self.token, self.code = its.token, f"bench-{uuid.uuid4().hex[:8]}"
        self.dj: Voice | None = None

    def start_round(self) -> None:
        if self.dj:
            self.dj.close()
        self.dj = Voice(self.ports[0], self.path)
        self.dj.ask("REGISTER_SESSION", sessionId=self.code, token=self.token, stageId=self.stage)
        self.dj.ask("BROADCAST_TRACK", sessionId=self.code, track={"title": "First", "artist": "Somebody"})

    def publish(self, number: int) -> None:
        assert self.dj
        track = {"title": f"at={time.monotonic():.6f}; {number}", "artist": "Somebody"}
        self.dj.send(json.dumps({"type": "METADATA_UPDATED", "sessionId": self.code, "track": track}))


@contextmanager
def servers(
    its: Ground, phones: int, log: Path, baselines: Sequence[str] = BASELINES
) -> Iterator[tuple[list[Server], dict[str, str]]]:
    """The product first, then every baseline that can be had; and why the others cannot."""
    missing: dict[str, str] = {}
    with ExitStack() as stack:
        found: list[Server] = [Pika(its, phones) if its.redis_url else PikaByDj(its, phones)]
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name in baselines:
            try:
                command = _command(name, folder, its.redis_url)
            except RuntimeError as reason:
                missing[name] = str(reason)
                continue
            count = min(phones, STOCK_MOST) if name == "stock_channels" else phones
            found.append(stack.enter_context(_running(name, command, its.redis_url, count, log)))
            if name == "stock_channels":
                found[-1].rate = min(RATE, STOCK_MOST / count)
        for server in found:
            stack.callback(server.close)
        yield found, missing


def _command(name: str, folder: Path, redis_url: str) -> list[str]:
    """How to start a baseline; RuntimeError says why it cannot be had. The port comes last."""
    if name == "floor":
        return [sys.executable, "-m", "tests.load.floor"]
    if name == "stock_channels":
        options = [
            "--no-access-log",
            "--log-level",
            "warning",
            "--ws-per-message-deflate",
            "false",
            "--lifespan",
            "off",
        ]
        return [sys.executable, "-m", "uvicorn", "tests.load.stock:application", *options, "--port"]
    if not shutil.which("npm") or not shutil.which("node"):
        raise RuntimeError("no node or npm on PATH")
    done = subprocess.run(
        ["npm", "install", name], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        raise RuntimeError(f"npm install {name} failed")
    script = folder / f"{name}.js"
    script.write_text(WS if name == "ws" else BUN)
    if name == "ws":
        return ["node", str(script)]
    bun = folder / "node_modules" / ".bin" / "bun"
    if subprocess.run([bun, "--version"], capture_output=True, check=False, timeout=60).returncode:
        raise RuntimeError("the package brought no binary that runs here")
    return [str(bun), str(script)]


@contextmanager
def _running(name: str, command: list[str], redis_url: str, phones: int, log: Path) -> Iterator[Baseline]:
    import os

    port = free_port()
    with log.open("ab") as out:
        popen = subprocess.Popen(
            [*command, str(port)], cwd=ROOT, stdout=out, stderr=out, env={**os.environ, "REDIS_URL": redis_url}
        )
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if popen.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{name} did not start: {log.read_text()[-2000:]}") from None
                time.sleep(0.05)
        yield Baseline(name, port, popen.pid, phones)
    finally:
        popen.kill()
        popen.wait()

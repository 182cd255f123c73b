"""What a push service may do to a connection: every request is answered once, and nothing is sent twice."""

import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pika.gateways import carrier, webpush
from pika.gateways.webpush import Letter, Target
from tests.cast import PATIENCE
from tests.processes import ROOT
from tests.push.standin import make_certificate
from tests.push.test_webpush import LETTER, keys

CLOSE = object()
CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"


class Script:
    """A TLS server that says what it is told to, request after request: bytes, seconds to wait, CLOSE."""

    def __init__(self, certificate: Any) -> None:
        self.answers: list[list[Any]] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self._lock = threading.Lock()
        self._is_over = False
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while not self._is_over:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with self._context.wrap_socket(connection, server_side=True) as its, its.makefile("rb") as lines:
                self.connections += 1
                while head := lines.readline():
                    while (line := lines.readline()).strip():
                        head += line
                    length = int(head.partition(b"Content-Length: ")[2].split()[0])
                    lines.read(length)
                    with self._lock:
                        self.requests.append(head)
                        answer = self.answers.pop(0) if self.answers else [CREATED]
                    for part in answer:
                        if part is CLOSE:
                            return
                        if isinstance(part, bytes):
                            its.sendall(part)
                        else:
                            time.sleep(part)
        except OSError:
            pass

    def close(self) -> None:
        self._is_over = True
        self._server.shutdown(socket.SHUT_RDWR)  # close alone leaves the one that accepts
        self._server.close()


@pytest.fixture
def script(services: Any, certificate: Any, settings: Any) -> Iterator[Script]:
    its = Script(certificate)
    settings.PUSH_LOOPBACK_PORTS = [its.port]
    settings.PUSH_TIMEOUT = 5.0
    yield its
    if not its._is_over:
        its.close()


def lines(script: Script) -> set[Any]:
    route = webpush._carrier()._routes.get(f"https://localhost:{script.port}")
    return set(route.lines) if route else set()


def wait_until(question: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not question():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def send(script: Script, number: int = 1, letter: Letter = LETTER) -> list[int]:
    """What each is told, one after the other."""
    found = []
    for one in range(number):
        batches = webpush.send_many(letter, [Target(one, f"https://localhost:{script.port}/p?x=%20{one}", *keys())])
        found += [answer.status for batch in batches for answer in batch]
    return found


GOOD = {
    "with a length": [b"HTTP/1.1 201 Created\r\ncontent-length: 5\r\n\r\nhello"],
    "in chunks": [
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        0.05,
        b"0\r\nX: y\r\n\r\n",
    ],
    "without a body": [b"HTTP/1.1 204 No Content\r\n\r\n"],
    "after a 100": [b"HTTP/1.1 100 Continue\r\n\r\n", 0.05, CREATED],
    "after a 103": [b"HTTP/1.1 103 Early Hints\r\nContent-Length: 0\r\n\r\n" + CREATED],
    "byte by byte": [part for byte in CREATED for part in (bytes([byte]), 0.001)],
}


@pytest.mark.parametrize("said", GOOD.values(), ids=GOOD)
def test_an_answer_is_read_and_the_connection_serves_the_next(script, said):
    script.answers = [said, said]
    status = 204 if b" 204 " in said[0] else 201
    assert send(script, 3) == [status, status, 201]
    assert (script.connections, len(script.requests)) == (1, 3)


LAST = {
    "it says close": [b"HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"],
    "an old version": [b"HTTP/1.0 201 Created\r\nContent-Length: 0\r\n\r\n"],
    "a body without end": [b"HTTP/1.1 201 Created\r\n\r\nhello"],
    "two answers to one question": [CREATED + CREATED],
    "a long body": [b"HTTP/1.1 201 Created\r\nContent-Length: 99999\r\n\r\n" + b"x" * 99999],
    "a broken chunk": [b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n", 0.1, b"zzz\r\n"],
    "a body cut off": [b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\nabc", CLOSE],
}


@pytest.mark.parametrize("said", LAST.values(), ids=LAST)
def test_an_answer_with_a_strange_end_counts_and_its_connection_is_left(script, said):
    script.answers = [said]
    assert send(script, 2) == [201, 201]
    assert (script.connections, len(script.requests)) == (2, 2)


NONE = {
    "closed at once": [CLOSE],
    "closed in the head": [b"HTTP/1.1 201 Created\r\nContent-", CLOSE],
    "garbage": [b"\x00\xff\x16\x03 SSH-2.0\r\n\r\n"],
    "another protocol": [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"],
    "a head without end": [b"HTTP/1.1 201 Created\r\n" + b"X-A: b\r\n" * 5000],
    "a line without end": [b"HTTP/1.1 201 Created\r\nX-A: " + b"b" * 50_000],
    "a length and chunks": [
        b"HTTP/1.1 201 Created\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ],
    "two lengths": [b"HTTP/1.1 201 Created\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"],
    "a hundred times 100": [b"HTTP/1.1 100 Continue\r\n\r\n" * 1000],
}


@pytest.mark.parametrize("said", NONE.values(), ids=NONE)
def test_what_is_no_answer_is_none_and_is_not_asked_again(script, said):
    script.answers = [said]
    assert send(script, 2) == [0, 201]
    assert (script.connections, len(script.requests)) == (2, 2)


def test_a_slow_drip_ends_with_the_time_out(script, settings):
    settings.PUSH_TIMEOUT = 1.0
    script.answers = [[b"HTTP/1.1 201 Created\r\n", *([0.1, b"X: y\r\n"] * 60)]]
    began = time.monotonic()
    assert send(script) == [0]
    assert time.monotonic() < began + 3


def test_a_slow_body_is_not_waited_for_longer_than_that_but_its_status_counts(script, settings):
    settings.PUSH_TIMEOUT = 1.0
    script.answers = [[b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 99\r\n\r\n", *([0.1, b"x"] * 60)]]
    batches = webpush.send_many(LETTER, [Target(1, f"https://localhost:{script.port}/p", *keys())])
    assert [(answer.status, answer.retry_after) for batch in batches for answer in batch] == [(429, 7.0)]


def test_a_connection_that_was_closed_while_it_rested_is_not_used(script):
    script.answers = [[CREATED, CLOSE]]
    assert send(script) == [201]
    wait_until(lambda: not lines(script))
    assert send(script) == [201]
    assert script.connections == 2


def test_a_connection_without_work_is_closed(script, monkeypatch):
    monkeypatch.setattr(carrier, "_REST", 0.1)
    for connections in (1, 2):
        assert send(script) == [201]
        assert script.connections == connections
        wait_until(lambda: not webpush._carrier()._routes)


def test_an_answer_that_nobody_asked_for_is_nobody_s(script):
    script.answers = [[CREATED, 0.2, b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"]]
    assert send(script) == [201]
    wait_until(lambda: not lines(script))
    assert send(script) == [201]


def test_many_share_few_connections_and_each_has_its_own_answer(script):
    script.answers = [[b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % (201 + n % 2)] for n in range(300)]
    targets = [Target(n, f"https://localhost:{script.port}/{n}", *keys()) for n in range(300)]
    found = [answer for batch in webpush.send_many(LETTER, targets) for answer in batch]
    assert sorted(answer.id for answer in found) == list(range(300))
    assert sorted(answer.status for answer in found) == [201] * 150 + [202] * 150
    assert len({head.split(b" ")[1] for head in script.requests}) == len(script.requests) == 300
    assert script.connections <= webpush.IN_FLIGHT


def test_a_request_is_what_it_should_be_and_no_more(script):
    send(script, letter=Letter(b"{}", 60, "a-topic", True))
    lines = script.requests[0].decode().split("\r\n")
    assert lines[0] == "POST /p?x=%200 HTTP/1.1"
    names = [line.partition(":")[0] for line in lines[1:-1]]
    assert names == [
        "Host", "Authorization", "Content-Encoding", "Content-Type", "Content-Length", "TTL", "Topic", "Urgency"
    ]  # fmt: skip
    assert (lines[1], lines[5]) == (f"Host: localhost:{script.port}", f"Content-Length: {2 + webpush.SEALING}")


def test_a_topic_that_would_be_a_header_of_its_own_is_refused(script):
    with pytest.raises(ValueError):
        send(script, letter=Letter(b"{}", 60, "a\r\nX: y", False))
    assert script.connections == 0


def test_a_certificate_for_another_name_is_not_believed(script, tmp_path, settings, monkeypatch):
    """Whoever answers at the address of a push service must be it."""
    settings.PUSH_HOSTS = ["127.0.0.1"]
    monkeypatch.setattr(webpush, "origin_of", lambda endpoint: f"https://127.0.0.1:{script.port}")
    found = webpush.send_many(LETTER, [Target(1, f"https://127.0.0.1:{script.port}/p", *keys())])
    assert [answer.status for batch in found for answer in batch] == [0]
    settings.PUSH_CA_FILE = str(make_certificate(tmp_path))  # one that we believe, but not this one
    assert (send(script), script.requests) == ([0], [])


def test_nobody_there_is_no_answer_for_all_at_once(script):
    script.close()
    targets = [Target(n, f"https://localhost:{script.port}/{n}", *keys()) for n in range(50)]
    began = time.monotonic()
    found = [answer.status for batch in webpush.send_many(LETTER, targets) for answer in batch]
    assert (found, time.monotonic() < began + 4) == ([0] * 50, True)


def test_who_stops_taking_answers_stops_the_sending(script):
    script.answers = [[0.05, CREATED] for _ in range(400)]
    targets = [Target(n, f"https://localhost:{script.port}/{n}", *keys()) for n in range(400)]
    batches = webpush.send_many(LETTER, targets)
    next(batches)
    batches.close()
    wait_until(lambda: not any(line.parcel or line.route.waiting for line in lines(script)))
    assert len(script.requests) <= webpush.IN_FLIGHT


RESETS = """
import socket, ssl, struct, threading, time
from pika.gateways.carrier import Carrier, Parcel
server = socket.create_server(("127.0.0.1", 0), backlog=512)
def reset():
    while True:
        connection, _ = server.accept()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
for _ in range(4):
    threading.Thread(target=reset, daemon=True).start()
said = []
class Note(Parcel):
    def pack(self):
        return b"POST / HTTP/1.1\\r\\n\\r\\n"
    def answered(self, status, retry_after, why):
        said.append(status)
its, context = Carrier(lambda host, port: None, lambda: context), ssl.create_default_context()
for round in range(1, 51):
    its.send([Note(f"https://localhost:{server.getsockname()[1]}") for _ in range(100)], 30)
    while len(said) < 100 * round:
        time.sleep(0.002)
print(set(said))
"""


def test_a_service_that_resets_every_connection_does_not_end_the_process():
    done = subprocess.run([sys.executable, "-c", RESETS], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "{0}\n"), done.stderr[-2000:]

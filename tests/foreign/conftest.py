"""Servers of the product as real processes, one for each way it has to the socket."""

import re
import secrets
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings

from tests.foreign.peer import Peer, message
from tests.load.measure import rss_kb
from tests.processes import Process, embedded, manage, web_process

# Our own protocol, and uvicorn's own with the consumer's ordinary `send`.
FAST, ORDINARY = "fast", "ordinary"
# What uvicorn's own class writes into the log when a client sends no UTF-8; not ours to mend.
NOISE_OF_UVICORN = re.compile(
    r"^.*Invalid UTF-8 sequence received from client.*?^UnicodeDecodeError: [^\n]*$", re.M | re.S
)
SURPRISE = re.compile(r"Traceback|\[error|\bERROR\b|\[critical")
WAYS = {"fast": {"PIKA_WS": FAST}, "ordinary": {"PIKA_WS": ORDINARY}}
PEOPLE = """
import secrets
from django.utils import timezone; from accounts.models import Organizer, User; from accounts.actions import make_token
from events.models import Event; from stages.models import Stage
now, name = timezone.now(), "foreign-" + secrets.token_hex(4)
organizer = Organizer.objects.create(name=name, slug=name, approved_at=now)
event = Event.objects.create(organizer=organizer, name=name, slug=name, starts_on=now, ends_on=now, status="published")
users = [User.objects.create_user(f"{name}{n}@example.com", None, name="DJ", is_dj=True) for n in (1, 2)]
print(*(make_token(user, "foreign")[1] for user in users))
print(*(Stage.objects.create(event=event, name=f"Floor {n}").code for n in range(20)))
"""


class House:
    """A server, and on it two DJs and 20 stages: the first of each is for honest people, the second for the others."""

    def __init__(self, way: str, process: Process) -> None:
        self.way, self.process, self.port, self.ws = way, process, process.port, process.ws
        self._log_seen = 0

    @cached_property
    def _people(self) -> list[str]:
        return manage(self.process.env, "shell", "-v", "0", "-c", PEOPLE).split()[-22:]

    @property
    def tokens(self) -> list[str]:
        return self._people[:2]

    @property
    def stages(self) -> list[str]:
        return self._people[2:]

    def rss_mb(self) -> float:
        return rss_kb(self.process.popen.pid) / 1024

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"{self.process.url}/metrics", timeout=10) as answer:
            found = re.search(rf"^pika_live_{name} (\S+)$", answer.read().decode(), flags=re.MULTILINE)
        assert found, f"/metrics does not tell pika_live_{name}"
        return float(found[1])

    def connections(self) -> int:
        """The TCP connections it holds open, websockets or not."""
        return sum(map(_is_socket, Path(f"/proc/{self.process.popen.pid}/fd").iterdir()))

    def wait_until(self, question: Callable[[], object], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not question():
            assert time.monotonic() < deadline, what
            time.sleep(0.05)

    def assert_well(self) -> None:
        """It lives, answers, and nothing in its log is a surprise."""
        assert self.process.popen.poll() is None, self.log[-3000:]
        with Peer(self.port) as peer:
            peer.open().send(message("PING", messageId="well"))
            assert peer.hear(until=("ack", "well")) == [("says", "PONG")]
        log = self.log[self._log_seen :]
        self._log_seen += len(log)  # each surprise is one test's alone
        if self.way == "ordinary":
            log = NOISE_OF_UVICORN.sub("", log)
        found = SURPRISE.search(log)
        assert not found, log[max(0, found.start() - 200) :][:4000]

    @property
    def log(self) -> str:
        return self.process.log.read_text(errors="replace")


def _is_socket(link: Path) -> bool:
    try:
        return link.readlink().name.startswith("socket:")
    except OSError:
        return False


@pytest.fixture(scope="session")
def database() -> Iterator[str]:
    """A Postgres of the servers' own, so that they and the other tests never meet; empty: SQLite."""
    if not (settings.REDIS_URL and settings.DATABASE_URL):
        yield ""
        return
    name = f"foreign_{secrets.token_hex(4)}"
    server = urlsplit(settings.DATABASE_URL)
    with psycopg.connect(server._replace(scheme="postgresql").geturl(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        url = server._replace(path=f"/{name}").geturl()
        manage({"DATABASE_URL": url}, "migrate", "-v", "0")
        yield url
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def started(folder: Path, way: str, database: str, env: dict[str, str]) -> House:
    """A server of its own; over Postgres and Redis if the tests have them, else all in one."""
    log = folder / "server.log"
    # What the fuzzer leaves behind lives on as sessions.
    env = {"PIKA_LOG": "plain", "PIKA_SESSIONS_PER_DJ": "1500", **WAYS[way], **env}
    if database:
        return House(way, web_process(log, database, env=env))
    return House(way, embedded(folder / "var", log, env))


@pytest.fixture(scope="package", params=WAYS)
def way(request: Any) -> str:
    return str(request.param)


@pytest.fixture(scope="package")
def house(way: str, database: str, tmp_path_factory: Any) -> Iterator[House]:
    """A server with the limits of production."""
    its = started(tmp_path_factory.mktemp(f"{way}-house"), way, database, {})
    yield its
    its.process.kill()


@pytest.fixture(scope="package")
def strict_house(way: str, database: str, tmp_path_factory: Any) -> Iterator[House]:
    """A server whose limits are reached with a handful of sockets and within seconds."""
    strict = {
        "PIKA_STRANGERS_PER_ADDRESS": "40",
        "PIKA_SOCKETS_PER_GUEST": "5",
        "PIKA_HANDSHAKE_SECONDS": "2",
        "PIKA_PING": "2",
    }
    its = started(tmp_path_factory.mktemp(f"{way}-strict"), way, database, strict)
    yield its
    its.process.kill()

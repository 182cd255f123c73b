"""Servers of the product as real processes, one for each way it has to the socket."""

import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.foreign.peer import Peer, message
from tests.load.measure import rss_kb
from tests.processes import Process, embedded, manage, web_process

# Our own protocol, and uvicorn's own with the consumer's ordinary `send`.
FAST, ORDINARY = "", "websockets-sansio"
WAYS = {"fast": {"PIKA_WS": FAST} if FAST else {}, "ordinary": {"PIKA_WS": ORDINARY}}
PEOPLE = """
import secrets
from django.utils import timezone; from accounts.models import Organizer, User; from accounts.actions import make_token
from events.models import Event; from stages.models import Stage
now, name = timezone.now(), "foreign-" + secrets.token_hex(4)
organizer = Organizer.objects.create(name=name, slug=name, approved_at=now)
event = Event.objects.create(organizer=organizer, name=name, slug=name, starts_on=now, ends_on=now, status="published")
print(*(Stage.objects.create(event=event, name=floor).code for floor in ("Main Floor", "Blues Room")))
print(*(make_token(User.objects.create_user(f"{name}{n}@example.com", None, name="DJ"), "foreign")[1] for n in (1, 2)))
"""


class House:
    """A server, and on it two DJs and two stages: one for honest people, one for the others."""

    def __init__(self, process: Process) -> None:
        self.process, self.port, self.ws = process, process.port, process.ws

    @cached_property
    def people(self) -> list[str]:
        return manage(self.process.env, "shell", "-v", "0", "-c", PEOPLE).split()[-4:]

    @property
    def stage(self) -> str:
        return self.people[0]

    @property
    def other_stage(self) -> str:
        return self.people[1]

    @property
    def token(self) -> str:
        return self.people[2]

    @property
    def other_token(self) -> str:
        return self.people[3]

    def rss_mb(self) -> float:
        return rss_kb(self.process.popen.pid) / 1024

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"{self.process.url}/metrics", timeout=10) as answer:
            found = re.search(rf"^pika_live_{name} (\S+)$", answer.read().decode(), flags=re.MULTILINE)
        assert found, f"/metrics does not tell pika_live_{name}"
        return float(found[1])

    def sockets(self) -> int:
        """The TCP connections it holds open, websockets or not."""
        links = Path(f"/proc/{self.process.popen.pid}/fd").iterdir()
        return sum(_is_socket(link) for link in links)

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
        assert not re.search(r"Traceback|\[error|\bERROR\b|\[critical", self.log), self.log[-6000:]

    @property
    def log(self) -> str:
        return self.process.log.read_text(errors="replace")


def _is_socket(link: Path) -> bool:
    try:
        return link.readlink().name.startswith("socket:")
    except OSError:
        return False


def started(folder: Path, env: dict[str, str]) -> House:
    """A server of its own; over Postgres and Redis if the tests have them, else all in one."""
    log = folder / "server.log"
    env = {"PIKA_LOG": "plain", **env}
    if settings.REDIS_URL and settings.DATABASE_URL:
        return House(web_process(log, env=env))
    return House(embedded(folder / "var", log, env))


@pytest.fixture(scope="package", params=WAYS)
def way(request: Any) -> str:
    return str(request.param)


@pytest.fixture(scope="package")
def house(way: str, django_db_setup: None, tmp_path_factory: Any) -> Iterator[House]:
    """A server with the limits of production."""
    its = started(tmp_path_factory.mktemp(f"{way}-house"), WAYS[way])
    yield its
    its.process.kill()


@pytest.fixture(scope="package")
def strict_house(way: str, django_db_setup: None, tmp_path_factory: Any) -> Iterator[House]:
    """A server whose limits are reached with a handful of sockets and within seconds."""
    strict = {
        "LIVE_STRANGERS_PER_ADDRESS": "40",
        "LIVE_SOCKETS_PER_GUEST": "5",
        "LIVE_HANDSHAKE_SECONDS": "2",
        "PIKA_WS_PING": "2",
    }
    its = started(tmp_path_factory.mktemp(f"{way}-strict"), WAYS[way] | strict)
    yield its
    its.process.kill()

"""Test servers are private, said in the header, and gone with whoever asked for them."""

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pika.setup import Refused, private, run_tests, testservers
from pika.setup.postgres import private_postgres
from pika.setup.redis import _answers, private_redis

START = """
import json, time
from pika.setup.testservers import test_servers
with test_servers(False) as servers:
    print(json.dumps([url for url in (servers.database_url, servers.redis_url) if url]), flush=True)
    time.sleep(60)
"""


def is_listening(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((parts.hostname, parts.port)) == 0


@pytest.fixture
def postgres() -> Iterator[tuple[str, str]]:
    """Skips where none can be started; the header of the test run then says DEGRADED, and CI does not get this far."""
    with ExitStack() as stack:
        try:
            started = stack.enter_context(private_postgres())
        except private.NotStarted as reason:
            pytest.skip(str(reason))
        yield started


def folders() -> set[Path]:
    return set(Path(private._reachable_temp(private.unprivileged_user())).glob("pika-server-*"))


def test_postgres_answers_with_its_password_only_and_knows_letters(postgres):
    import psycopg

    url, line = postgres
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT upper('é'), current_setting('fsync')").fetchone() == ("É", "off")
        major = connection.info.server_version // 10000
    assert line.startswith(f"PostgreSQL {major}.")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url.replace(urlsplit(url).password, "wrong"))


def test_redis_answers_with_its_password_and_is_gone_afterwards():
    import redis

    with private_redis() as (url, line):
        with redis.Redis.from_url(url) as client:
            assert client.info("server")["redis_version"]
        assert not _answers(urlsplit(url).port, "wrong")
        assert line.split()[0] in ("Redis", "Valkey")
    assert not is_listening(url)


def test_kill_9_of_the_tests_takes_their_servers_and_folders_along(child, until):
    before = folders()
    parent = child("-c", START)
    urls = json.loads(parent.stdout.readline())
    assert urls
    assert all(is_listening(url) for url in urls)
    mine = folders() - before
    assert len(mine) == len(urls)
    parent.kill()
    until(lambda: not any(is_listening(url) for url in urls))
    until(lambda: not any(folder.exists() for folder in mine))


def test_a_server_that_ends_at_once_is_reported_in_its_own_words(tmp_path):
    command = [sys.executable, "-c", "raise SystemExit('no room today')"]
    with pytest.raises(private.NotStarted, match="no room today"), private.running(tmp_path, [command], lambda: False):
        pass


def test_a_program_that_is_not_there_is_reported_too(tmp_path):
    command = [str(tmp_path / "missing")]
    with pytest.raises(private.NotStarted, match="missing"), private.running(tmp_path, [command], lambda: False):
        pass


def test_the_next_candidate_is_tried_and_every_reason_kept():
    @contextmanager
    def start(candidate):
        if candidate != Path("good"):
            raise private.NotStarted("too old")
        yield "address", "line"

    with private.first_to_start([Path("bad"), Path("good")], start) as found:
        assert found == ("address", "line")
    with pytest.raises(private.NotStarted, match="bad: too old; worse: too old"):
        private.first_to_start([Path("bad"), Path("worse")], start).__enter__()


def test_a_port_that_was_taken_in_between_is_no_failure():
    tried = []

    @contextmanager
    def start(port):
        tried.append(port)
        if len(tried) < 3:
            raise private.NotStarted("Address already in use")
        yield f"port {port}"

    with private.on_free_port(start) as address:
        assert address == f"port {tried[2]}"


def test_embedded_is_said_loudly_and_starts_nothing():
    with testservers.test_servers(True) as servers:
        assert (servers.database_url, servers.redis_url) == (None, None)
    assert [line for line in servers.header_lines if "EMBEDDED" in line] == servers.header_lines[:2]


@pytest.fixture
def nothing_to_start(monkeypatch):
    monkeypatch.delenv("TEST_DATABASE_URL", raising=False)
    monkeypatch.delenv("TEST_REDIS_URL", raising=False)
    monkeypatch.setattr("pika.setup.postgres.candidates", list)
    monkeypatch.setattr("pika.setup.redis.candidates", list)


def test_falling_back_is_degraded_and_says_why(nothing_to_start):
    with testservers.test_servers(False) as servers:
        assert servers.database_url is None
    assert "DEGRADED: SQLite instead of Postgres" in servers.header_lines[0]
    assert "DEGRADED: memory instead of Redis" in servers.header_lines[1]


def test_falling_back_fails_in_ci_before_any_test_runs(nothing_to_start, monkeypatch, capsys):
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr("pytest.main", lambda *_, **__: pytest.fail("ran the tests"))
    folder, environment = os.getcwd(), dict(os.environ)
    assert run_tests.main([]) == 1
    assert (os.environ, os.path.samefile(folder, os.getcwd())) == (environment, True)
    assert "CI=true, and not everything to test on is there" in capsys.readouterr().err


def test_a_given_server_that_does_not_answer_is_never_replaced(monkeypatch):
    nobody = f"127.0.0.1:{private.free_port()}"
    monkeypatch.setenv("TEST_DATABASE_URL", f"postgres://pika:word@{nobody}/pika")
    with pytest.raises(Refused, match="TEST_DATABASE_URL is set, but no Postgres answers"):
        testservers.test_servers(False).__enter__()


def test_a_browser_that_is_named_is_the_one_taken(monkeypatch, tmp_path):
    browser = tmp_path / "browser"
    browser.touch(mode=0o755)
    monkeypatch.setenv("PIKA_CHROMIUM", str(browser))
    assert testservers.chromium() == browser
    monkeypatch.setenv("PIKA_CHROMIUM", str(tmp_path / "missing"))
    assert testservers.chromium() is None

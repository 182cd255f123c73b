"""A private server: its own folder, its own loopback port, gone when this process is gone."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from pika.setup import keeper

START_SECONDS = 30
_PORT_TRIES = 5
_NOBODY = 65534


class NotStarted(Exception):
    """Why a private server did not start, in its own last words."""


@contextmanager
def first_to_start(
    candidates: Iterable[Path], start: Callable[[Path], AbstractContextManager[tuple[str, str]]]
) -> Iterator[tuple[str, str]]:
    """The address and the description of the first that starts; NotStarted, with every reason, if none does."""
    reasons = []
    for candidate in candidates:
        with ExitStack() as stack:
            try:
                address, description = stack.enter_context(start(candidate))
            except (NotStarted, OSError, subprocess.SubprocessError) as reason:
                reasons.append(f"{candidate}: {reason}")
                continue
            yield address, description
            return
    raise NotStarted("; ".join(reasons) or "not on the PATH, nor in the usual folders, nor installed as a wheel")


@contextmanager
def on_free_port(start: Callable[[int], AbstractContextManager[str]]) -> Iterator[str]:
    """The address of what `start` starts on a free port; tried again when another program took that port first."""
    for tries_left in reversed(range(_PORT_TRIES)):
        with ExitStack() as stack:
            try:
                address = stack.enter_context(start(free_port()))
            except NotStarted as reason:
                if tries_left and "in use" in str(reason):
                    continue
                raise
            yield address
            return


@contextmanager
def folder_for(user: int | None) -> Iterator[Path]:
    """A new folder that `user` can write in and reach; removed with all that is in it."""
    folder = Path(tempfile.mkdtemp(prefix="pika-server-", dir=_reachable_temp(user)))
    try:
        if user is not None:
            os.chown(folder, user, user)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(
    folder: Path,
    commands: list[list[str]],
    is_ready: Callable[[], bool],
    *,
    text: str = "",
    user: int | None = None,
    stop: int = signal.SIGTERM,
) -> Iterator[None]:
    """Run the commands one after the other; the last is the server, and is ready when `is_ready` says so.

    `text` goes to the server's standard input, where no other user of the machine can read it. NotStarted when a
    command ends early or START_SECONDS pass.
    """
    order = {"folder": str(folder), "commands": commands, "input": text, "user": user, "stop": int(stop)}
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", keeper.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        # Ctrl-C reaches the whole terminal group; the tests still need their database to say goodbye.
        start_new_session=True,
        text=True,
    )
    assert process.stdin
    try:
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        _wait(folder, is_ready)
        yield
    finally:
        process.stdin.close()
        process.wait(2 * keeper.GRACE_SECONDS + 4)


def unprivileged_user() -> int | None:
    """The user to become when this process is root, as some servers refuse root; else None."""
    if os.name != "posix" or os.geteuid() != 0:
        return None
    import pwd

    # One that has an entry: initdb asks for its name.
    users = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0}
    return users.get("nobody", next(iter(users.values()), _NOBODY))


def can_reach(path: Path, user: int | None) -> bool:
    """Whether a user who owns nothing on the way can walk down to `path`."""
    return user is None or all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents) if folder.is_dir())


def free_port() -> int:
    """A loopback port that was free a moment ago; another program may be quicker, so try again then."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _reachable_temp(user: int | None) -> str:
    for place in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        if os.path.isdir(place) and can_reach(Path(place).resolve(), user):
            return place
    return tempfile.gettempdir()


def _wait(folder: Path, is_ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_ready():
        if (folder / "exited").exists() or time.monotonic() > deadline:
            raise NotStarted(_last_words(folder / "log"))
        time.sleep(0.02)


def _last_words(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        lines = []
    said = [line.strip() for line in lines if line.strip()]
    return " / ".join(said[-3:]) or f"nothing was said in {START_SECONDS} s"

"""Several web processes on one socket: started, watched, replaced when they die or hang, ended together."""

import contextlib
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parent.parent.parent

START_SECONDS = 60.0  # until the first sign of life
SILENCE_SECONDS = 30.0  # then it hangs
FAILED_STARTS_MAX = 3  # in a row: the next would fail too


@dataclass
class Child:
    """A process, and the end of the pipe on which it says once a second that its event loop turns."""

    popen: subprocess.Popen[bytes]
    pipe: int
    has_served: bool = False
    silent_at: float = field(default_factory=lambda: time.monotonic() + START_SECONDS)

    def listen(self) -> None:
        while chunk := _read(self.pipe):
            self.has_served = True
            self.silent_at = time.monotonic() + SILENCE_SECONDS
            if len(chunk) < 4096:
                return


def keep(count: int, listening: socket.socket, end_seconds: float) -> int:
    """Keep `count` processes serving on `listening` until SIGTERM or Ctrl-C; the exit code."""
    return Keeper(count, listening, end_seconds).keep()


class Keeper:
    def __init__(self, count: int, listening: socket.socket, end_seconds: float) -> None:
        self.count, self.listening, self.end_seconds = count, listening, end_seconds
        self.children: list[Child] = []
        self.signals: list[int] = []
        self.failed_starts = 0
        self._bell, self._wake = os.pipe()
        os.set_blocking(self._wake, False)

    def keep(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        self.children = [self._start() for _ in range(self.count)]
        while not self.signals and self.failed_starts < FAILED_STARTS_MAX:
            self._wait(1.0)
            for child in list(self.children):
                self._look_after(child)
        if not self.signals:
            log.error("web processes die before they serve; what they said is above")
        is_clean = self._end(self.signals[0] if self.signals else signal.SIGTERM)
        return 0 if is_clean and self.signals else 1

    def _on_signal(self, number: int, frame: object) -> None:
        self.signals.append(number)
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake, b"!")

    def _start(self) -> Child:
        pipe, its_end = os.pipe()
        os.set_blocking(pipe, False)
        os.set_blocking(its_end, False)
        command = [sys.executable, str(ROOT / "manage.py"), "serve"]
        command += ["--listen-fd", str(self.listening.fileno()), "--beat-fd", str(its_end)]
        # A session of its own: Ctrl-C in a terminal reaches the parent alone, which passes it on once.
        popen = subprocess.Popen(
            command,
            pass_fds=(self.listening.fileno(), its_end),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PIKA_NO_VENV": "1"},
        )
        os.close(its_end)
        return Child(popen, pipe)

    def _wait(self, seconds: float) -> None:
        ready, _, _ = select.select([self._bell, *(child.pipe for child in self.children)], [], [], seconds)
        if len(ready) > 0:
            time.sleep(0.05)  # a dead child's pipe is always ready: look at them at leisure

    def _look_after(self, child: Child) -> None:
        child.listen()
        if child.has_served:
            self.failed_starts = 0
        if child.popen.poll() is None:
            if time.monotonic() < child.silent_at:
                return
            log.error("web process %d hangs: killed", child.popen.pid)
            child.popen.kill()
            child.popen.wait()
        if self.signals:  # it was told to stop just as we were
            return
        log.error("web process %d ended with %s: starting another", child.popen.pid, child.popen.returncode)
        if not child.has_served:
            self.failed_starts += 1
            time.sleep(1)
        os.close(child.pipe)
        self.children[self.children.index(child)] = self._start()

    def _end(self, number: int) -> bool:
        """Pass the signal on and wait; whether all of them ended by themselves and well."""
        until = time.monotonic() + self.end_seconds
        # Or callers would still be put in the queue of a socket that nobody answers any more.
        self.listening.close()
        for child in self.children:
            child.popen.send_signal(number)
        is_clean = True
        while alive := [child for child in self.children if child.popen.poll() is None]:
            if len(self.signals) > 1:  # asked twice: without notice
                for child in alive:
                    child.popen.send_signal(self.signals.pop())
            if time.monotonic() > until:
                for child in alive:
                    log.error("web process %d did not end in time: killed", child.popen.pid)
                    child.popen.kill()
                    child.popen.wait()
                is_clean = False
            time.sleep(0.05)
        # One that was still starting knows no other end than the signal's.
        return is_clean and all(
            child.popen.returncode == 0 or (child.popen.returncode == -number and not child.has_served)
            for child in self.children
        )


def _read(pipe: int) -> bytes:
    try:
        return os.read(pipe, 4096)
    except BlockingIOError:
        return b""

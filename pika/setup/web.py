"""Uvicorn on a socket that is already bound, with an end that comes in time."""

import contextlib
import gc
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

# Whoever stops us (systemd, Docker, a person) waits ten seconds and then kills.
GRACE_SECONDS = 9.5


class Web(uvicorn.Server):
    """`on_ready` is called once it answers, `on_stopping` once it is told to stop. After GRACE_SECONDS it is over."""

    def __init__(
        self, application: str, options: dict[str, Any], on_ready: Callable[[], None], on_stopping: Callable[[], None]
    ) -> None:
        # Django has configured logging; uvicorn would do it again.
        options = {"log_config": None, "access_log": False, "timeout_graceful_shutdown": 8, **options}
        options["ws_per_message_deflate"] = False  # it doubles the memory of every socket
        super().__init__(uvicorn.Config(application, **options))
        self.on_ready, self.on_stopping = on_ready, on_stopping
        self.is_asked_to_stop = threading.Event()
        self.stopped_by = float("inf")  # time.monotonic
        self.exit_code = 0

    def serve_on(self, listening: socket.socket) -> int:
        """Serve until told to stop; the exit code for the process."""
        # Uvicorn raises the signal again when it is done: without these the process would die before its goodbyes.
        # One that comes before uvicorn listens for it counts, too.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.handle_exit)
        self.run(sockets=[listening])
        self.ask_to_stop()
        return self.exit_code

    def ask_to_stop(self, exit_code: int = 0) -> None:
        """Stop as for Ctrl-C; safe from any thread, and more than once."""
        if self.is_asked_to_stop.is_set():
            return
        self.is_asked_to_stop.set()
        self.exit_code, self.stopped_by = exit_code, time.monotonic() + GRACE_SECONDS
        # Behind the orderly end there is one that nothing can hold up.
        deadline = threading.Timer(GRACE_SECONDS + 0.3, leave, [exit_code])
        deadline.daemon = True
        deadline.start()
        self.on_stopping()
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        spare_the_collector()
        if not self.should_exit:
            self.on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)  # first: it tells a second Ctrl-C by the flag that ask_to_stop sets
        self.ask_to_stop()


def spare_the_collector() -> None:
    """What is loaded by now stays, and phones are no garbage: Python need not look through them all so often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 1000)


def leave(exit_code: int) -> None:
    """End this process now, without waiting for threads that hang on the network."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(exit_code)

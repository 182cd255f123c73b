"""What the DJ reads: one plain line at a time, and the same line in the log file. Never a token."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from logging.handlers import RotatingFileHandler
from pathlib import Path

log = logging.getLogger("pika_dj")
_one_line = threading.Lock()

NO_CONNECTION = "No connection. Your tracks are kept and will be sent."
CONNECTED_AGAIN = "Connected again."


class Trouble(Exception):
    """Something the DJ must know and can act on; its words are shown as they are, without a traceback."""


def say(words: str) -> None:
    """Print one line, whatever thread speaks, and log it."""
    with _one_line, contextlib.suppress(OSError, ValueError):  # a closed window must not stop the sending
        print(words, flush=True)
    log.info(words)


def prepare(home: Path) -> None:
    """Let the console survive every title (Windows consoles know 256 characters) and open the log file."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="replace")
    if log.handlers:
        return
    try:
        home.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(home / "pika-dj.log", maxBytes=1_000_000, backupCount=2, encoding="utf-8")
    except OSError:
        return  # doctor says so; a log is no reason not to play
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False

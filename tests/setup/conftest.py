"""Children to start and kill, and waiting for a thing instead of for a while."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
_PATIENCE_SECONDS = 30


@pytest.fixture
def root() -> Path:
    return ROOT


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Wait until the question is answered with something true; fail after half a minute."""

    def wait(question: Callable[[], object]) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not question():
            assert time.monotonic() < deadline, "it never happened"
            threading.Event().wait(0.01)

    return wait


@pytest.fixture
def child() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start Python with these arguments in the project; what still runs at the end of the test is killed."""
    children: list[subprocess.Popen[str]] = []

    def start(*arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
        # Not the servers of this test run: a child is a machine with nothing set.
        clean = {name: value for name, value in os.environ.items() if not name.endswith(("DATABASE_URL", "REDIS_URL"))}
        process = subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            cwd=ROOT,
            env={**clean, "PIKA_NO_VENV": "1", "PYTHONUNBUFFERED": "1", **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        children.append(process)
        return process

    yield start
    for process in children:
        process.kill()
        process.communicate()

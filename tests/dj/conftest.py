"""The DJ's laptop and the server, as the tests of the DJ client need them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dj_samples import ROOT
from fake_pika import TOKEN, FakePika

from pika_dj.backoff import Backoff
from pika_dj.settings import Settings

SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture
def shared_data() -> Path:
    """Real files of real DJs, which are not part of the project."""
    if not SHARED.is_dir():
        pytest.skip("NOT RUN: the folder ../shared/data with real DJ files is not here")
    return SHARED


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings folder of its own for each test; nobody's real one is touched."""
    place = tmp_path / "home"
    monkeypatch.setenv("PIKA_DJ_HOME", str(place))
    for name in ("PIKA_DJ_SERVER", "PIKA_DJ_TOKEN", "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return place


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for seconds here. Child processes keep the real times."""
    monkeypatch.setattr(Backoff, "failed", lambda self: setattr(self, "failures", 1) or 0.01)
    monkeypatch.setattr("pika_dj.livesocket.LOOK_EVERY_S", 0.02)


@pytest.fixture
def pika() -> Iterator[FakePika]:
    """A server; after the test it must have had nothing to complain about."""
    server = FakePika()
    server.start()
    yield server
    server.stop()
    assert server.breaches == []


@pytest.fixture
def settings(pika: FakePika) -> Settings:
    """Marcus, logged in."""
    marcus = Settings(server=pika.url, token=TOKEN)
    marcus.save()
    return marcus


@pytest.fixture
def pika_dj() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `pika-dj` as a process of its own; what still runs after the test is ended by its own id."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "pika_dj", *arguments],
            env=os.environ | {"PYTHONPATH": str(ROOT / "clients" / "dj" / "src"), "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()

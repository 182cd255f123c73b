"""`up` from an empty folder: it answers, guards its data, survives kill -9, and ends in time."""

import re
import signal
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import IO

import pytest

FLAGS = ("manage.py", "up", "--port", "0", "--no-demo")


@pytest.fixture
def up(child):
    """Start a server on this data and wait for its welcome; the process and its address."""

    def start(data: Path) -> tuple[subprocess.Popen[str], str]:
        process = child(*FLAGS, "--data", data)
        return process, address(process.stdout)

    return start


def address(said: IO[str]) -> str:
    """The address it announces; the rest of the welcome is read too, so that the pipe never fills."""
    text = ""
    for line in said:
        text += line
        if line.startswith("Stop with Ctrl-C"):
            return re.search(r"Pika! is up: (\S+)", text)[1]
    raise AssertionError(f"it ended before it was up:\n{text}")


def test_from_nothing_to_a_page_and_through_kill_9_to_an_orderly_end(tmp_path, up, child):
    data = tmp_path / "var"
    first, url = up(data)
    with urllib.request.urlopen(f"{url}livez") as answer:
        assert answer.status == 200
    second = child(*FLAGS, "--data", data)
    said, _ = second.communicate()
    assert second.returncode == 1
    assert f"already running on the data in {data} (process {first.pid}, at {url})" in said
    assert "Traceback" not in said

    secrets = (data / "secrets.json").read_bytes()
    first.kill()
    first.wait()
    third, url = up(data)
    assert (data / "secrets.json").read_bytes() == secrets
    with urllib.request.urlopen(f"{url}livez") as answer:
        assert answer.status == 200

    began = time.monotonic()
    third.send_signal(signal.SIGTERM)
    said, _ = third.communicate()
    assert time.monotonic() - began < 10
    assert (third.returncode, said.splitlines()[-1]) == (0, "Stopped.")


def test_ctrl_c_while_starting_is_no_traceback(tmp_path, child, until):
    starting = child(*FLAGS, "--data", tmp_path / "var")
    until(lambda: (tmp_path / "var" / "up.lock").exists())
    starting.send_signal(signal.SIGINT)
    said, _ = starting.communicate()
    assert "Traceback" not in said
    assert starting.returncode in (0, 130)

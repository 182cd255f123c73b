"""Real processes of the product: several web processes over Redis, or the embedded `up`, to be killed."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection

ROOT = Path(settings.BASE_DIR)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """One process that serves on its own port; `kill` is kill -9."""

    def __init__(self, port: int, command: list[str], env: dict[str, str], log: Path) -> None:
        self.port, self.command, self.env, self.log = port, command, env, log
        self.url = f"http://127.0.0.1:{port}"
        self.ws = f"ws://127.0.0.1:{port}/ws"
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.popen = subprocess.Popen(
                self.command, cwd=ROOT, env={**os.environ, **self.env}, stdout=out, stderr=out
            )
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self.popen.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/livez", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(20)


def database_url() -> str:
    """The test's own database, for other processes."""
    its = connection.settings_dict
    who = quote(its["USER"]) + (f":{quote(its['PASSWORD'])}" if its["PASSWORD"] else "")
    return f"postgres://{who}@{its['HOST'] or '127.0.0.1'}:{its['PORT']}/{its['NAME']}"


def web_process(log: Path, database: str = "", redis: str = "", env: dict[str, str] | None = None) -> Process:
    """A web process as in production: `manage.py serve` over Postgres and Redis, the test's own by default."""
    port = free_port()
    command = [sys.executable, "manage.py", "serve", "--port", str(port)]
    its = {"DATABASE_URL": database or database_url(), "REDIS_URL": redis or settings.REDIS_URL}
    its |= {"SECRET_KEY": settings.SECRET_KEY, "WEB_PROCESSES": "1", "PIKA_NO_VENV": "1"}
    return Process(port, command, its | (env or {}), log)


def embedded(data: Path, log: Path, env: dict[str, str] | None = None) -> Process:
    """`manage.py up` on a fresh folder: SQLite and memory, one process."""
    port = free_port()
    command = [sys.executable, "manage.py", "up", "--port", str(port), "--data", str(data), "--no-demo"]
    its = {"DATABASE_URL": "", "REDIS_URL": "", "SECRET_KEY": "", "PIKA_DATA": str(data), "PIKA_NO_VENV": "1"}
    return Process(port, command, its | (env or {}), log)


def manage(env: dict[str, str], *arguments: str) -> str:
    """Run a command of `manage.py` where a process of that environment runs; what it printed."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "PIKA_NO_VENV": "1", **env},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return done.stdout


_WORKER = """
import os, sys, threading, time
import django
from django.conf import settings
if os.environ.get("SQLITE"):
    settings.DATABASES["default"]["NAME"] = os.environ["SQLITE"]
django.setup()
import playlists.tasks
from django.db import close_old_connections
from pika.jobs.actions import run_due
def work():
    while True:
        close_old_connections()
        time.sleep(0 if run_due() else 0.05)
for _ in range(int(sys.argv[1])):
    threading.Thread(target=work, daemon=True).start()
threading.Event().wait()
"""


def worker(env: dict[str, str], threads: int = 1) -> "subprocess.Popen[bytes]":
    """A process that does the jobs in this test's database and nothing else, to be killed in the middle of one."""
    is_sqlite = connection.vendor == "sqlite"
    env = {
        "DJANGO_SETTINGS_MODULE": "pika.settings",
        "PYTHONPATH": f"{ROOT}:{ROOT}/clients/dj/src",
        "DATABASE_URL": "" if is_sqlite else database_url(),
        "SQLITE": str(connection.settings_dict["NAME"]) if is_sqlite else "",
        "PIKA_DATA": str(settings.DATA_DIR),
        "PIKA_LOG_LEVEL": "ERROR",
        **env,
    }
    return subprocess.Popen([sys.executable, "-c", _WORKER, str(threads)], cwd=ROOT, env=os.environ | env)

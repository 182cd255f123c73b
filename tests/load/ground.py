"""A server to measure: a process of its own, with its own data, and a DJ who may go live."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pika.setup.testservers import test_servers as private_servers
from tests.processes import ROOT, Process, embedded, web_process

PEOPLE = """
from accounts.models import User; from accounts.actions import make_token
print(make_token(User.objects.create_user("dj@example.com", None, name="DJ"), "bench")[1])
"""


@dataclass
class Ground:
    process: Process
    token: str
    header: list[str]


@contextmanager
def ground(is_embedded: bool) -> Iterator[Ground]:
    """The embedded product, or a web process over private Postgres and Redis (fsync is off there)."""
    with tempfile.TemporaryDirectory() as folder, private_servers(is_embedded) as servers:
        data, log = Path(folder), Path(folder) / "server.log"
        many = {"PIKA_SESSIONS_PER_DJ": "100000", "PIKA_LOG_LEVEL": "WARNING"}
        os.environ.update(many)
        if is_embedded:
            process = embedded(data / "var", log)
        else:
            os.environ.update(SECRET_KEY="bench", PIKA_DATA=str(data / "var"))
            env = {"DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url}
            _manage({**env}, "migrate", "-v", "0")
            process = web_process(log, servers.database_url, servers.redis_url)
        try:
            token = _manage(process.env, "shell", "-v", "0", "-c", PEOPLE).split()[-1]
            yield Ground(process, token, servers.header_lines)
        finally:
            process.kill()


def _manage(env: dict[str, str], *arguments: str) -> str:
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

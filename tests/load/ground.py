"""A server to measure: processes as in production, with their own data, a DJ who may go live and a stage for it."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pika.setup.testservers import test_servers as private_servers
from tests.processes import Process, embedded, free_port, manage

PEOPLE = """
from django.utils import timezone; from accounts.models import Organizer, User; from accounts.actions import make_token
from events.models import Event; from stages.models import Stage
now = timezone.now()
organizer = Organizer.objects.create(name="Bench", slug="bench", approved_at=now)
event = Event.objects.create(
    organizer=organizer, name="Bench", slug="bench", starts_on=now, ends_on=now, status="published"
)
print(Stage.objects.create(event=event, name="Main Floor").code)
print(make_token(User.objects.create_user("dj@example.com", None, name="DJ", is_dj=True), "bench")[1])
"""


@dataclass
class Ground:
    processes: list[Process]
    token: str
    stage: str
    header: list[str]
    redis_url: str

    @property
    def process(self) -> Process:
        return self.processes[0]


def served(log: Path, env: dict[str, str]) -> Process:
    """`manage.py serve`, as in production, on a port of its own."""
    port = free_port()
    return Process(port, [sys.executable, "manage.py", "serve", "--port", str(port)], env, log)


@contextmanager
def ground(is_embedded: bool, processes: int = 1, redis_url: str = "") -> Iterator[Ground]:
    """The embedded product, or web processes over private Postgres and Redis (fsync is off there), or a given one."""
    with tempfile.TemporaryDirectory() as folder, private_servers(is_embedded) as servers:
        data, log = Path(folder), Path(folder) / "server.log"
        names = ("SESSIONS_PER_DJ", "STRANGERS_PER_ADDRESS", "SOCKETS_PER_GUEST")
        many = {"PIKA_LOG_LEVEL": "WARNING"} | {f"PIKA_{name}": "1000000" for name in names}
        os.environ.update(many)
        running: list[Process] = []
        try:
            if is_embedded:
                running.append(embedded(data / "var", log))
            else:
                os.environ.update(SECRET_KEY="bench", PIKA_DATA=str(data / "var"), WEB_PROCESSES="1")
                env = {"DATABASE_URL": servers.database_url or "", "REDIS_URL": redis_url or servers.redis_url or ""}
                manage(env, "migrate", "-v", "0")
                for number in range(processes):
                    running.append(served(data / f"server-{number}.log", env | {"PIKA_NO_VENV": "1"}))
            code, token = manage(running[0].env, "shell", "-v", "0", "-c", PEOPLE).split()[-2:]
            yield Ground(running, token, code, servers.header_lines, redis_url or servers.redis_url or "")
        finally:
            for process in running:
                process.kill()

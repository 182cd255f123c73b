"""A ballroom signs up: 25 dancers a second, through one address, while a DJ plays.

Each dancer is a new guest, registers, follows the stage on a socket of their own, likes two songs and confirms with the
code from the letter; then the database is asked whether anything was lost. The baseline is argon2 alone, hashed in the
same run with the parameters of the product: no server that keeps passwords can be cheaper than that.
"""

import email
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.load.ground import Ground, ground
from tests.load.measure import cpu_seconds, percentile
from tests.load.servers import Voice
from tests.processes import ROOT, manage

PATIENCE = 120  # seconds for anything
RATE = 25  # of them take out their phones in a second
HASHES = 20
SONG_SECONDS = 2
FOUND = """
import json
from allauth.account.models import EmailAddress
from django.db.models import Count
from tracks.models import Like
likes = Like.objects.filter(guest__user__email__endswith="@ballroom.example").count()
print(json.dumps([likes, EmailAddress.objects.filter(email__endswith="@ballroom.example", verified=True).count()]))
"""
ARGON2 = """
import time
from accounts.passwords import BoundedArgon2PasswordHasher as Hasher
its = Hasher()
its.encode("warm", its.salt())
began = time.process_time()
for _ in range({times}):
    its.encode("four words of nobody else", its.salt())
print((time.process_time() - began) / {times} * 1000)
"""


def bench(phones: int = 500, is_embedded: bool = False) -> dict[str, Any]:
    """What a ballroom costs; `refused` and `lost` are to be 0."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["EMAIL_URL"] = f"filemail:///{folder}/mail"
        try:
            with ground(is_embedded) as its, _workers(its, is_embedded, Path(folder)), _music(its) as songs:
                return _measure(its, songs, Postman(Path(folder) / "mail"), phones)
        finally:
            del os.environ["EMAIL_URL"]


def _measure(its: Ground, songs: list[str], postman: "Postman", phones: int) -> dict[str, Any]:
    pid = its.process.popen.pid
    hash_ms = float(manage(its.process.env, "shell", "-v", "0", "-c", ARGON2.format(times=HASHES)).split()[-1])
    Dancer(its, songs, postman).come()  # warm: imports, pools
    idle_mb, cpu, began = peak_mb(pid), cpu_seconds(pid), time.monotonic()
    dancers = [Dancer(its, songs, postman) for _ in range(phones)]
    threading.stack_size(256 * 1024)
    with ThreadPoolExecutor(phones) as crowd:
        seconds = list(crowd.map(Dancer.come, dancers, (n / RATE for n in range(phones))))
    took, cpu = time.monotonic() - began, cpu_seconds(pid) - cpu
    refused = [dancer.refused for dancer in dancers if dancer.refused]
    likes, confirmed = json.loads(manage(its.process.env, "shell", "-v", "0", "-c", FOUND).splitlines()[-1])
    return {
        "header": its.header,
        "phones": phones,
        "refused": len(refused),
        "why": sorted(set(refused))[:5],
        "lost": max(phones + 1 - confirmed, 0) + max(2 * (phones + 1) - likes, 0),
        "liked_seconds": round(max(dancer.liked_at for dancer in dancers) - began, 1),
        "seconds": round(took, 1),
        "median_s": round(percentile(seconds, 0.5), 1),
        "cpu_ms": round(cpu / phones * 1000, 1),
        "hash_ms": round(hash_ms, 1),
        "ratio": {"argon2": round(cpu / phones * 1000 / hash_ms, 1)},
        "idle_mb": round(idle_mb),
        "peak_mb": round(peak_mb(pid)),
    }


def show(found: dict[str, Any]) -> str:
    return "\n".join(
        [
            *found["header"],
            "",
            f"{found['phones']} dancers through one address, registered, following and their songs liked after "
            f"{found['liked_seconds']} s, all confirmed after {found['seconds']} s (each {found['median_s']} s)",
            f"refused {found['refused']}, lost {found['lost']}",
            *found["why"],
            f"CPU of the web process: {found['cpu_ms']} ms a dancer; one argon2 alone {found['hash_ms']} ms",
            f"ratio to argon2 alone: {found['ratio']['argon2']} (above 1: dearer)",
            f"memory of the web process: {found['peak_mb']} MB at most, {found['idle_mb']} MB before",
        ]
    )


def peak_mb(pid: int) -> float:
    """The most memory that the process ever had resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


# --- Who takes part ------------------------------------------------------------------------------------------------
class Dancer:
    """A phone that signs up."""

    def __init__(self, its: Ground, songs: list[str], postman: "Postman") -> None:
        self.port, self.stage, self.songs, self.postman = its.process.port, its.stage, songs, postman
        self.email = f"{uuid.uuid4().hex[:12]}@ballroom.example"
        self.refused = ""
        self.liked_at = 0.0  # registered, following and both hearts in; what is left is the code of the letter

    def come(self, after: float = 0.0) -> float:
        """All of it; how many seconds it took. What was refused is in `refused`."""
        time.sleep(after)
        began = time.monotonic()
        try:
            self._come()
        except Exception as error:  # whatever it is: this dancer was not served
            self.refused = f"{type(error).__name__}: {error}"[:300]
        return time.monotonic() - began

    def _come(self) -> None:
        who = {"email": self.email, "guestToken": self._post("guests")["guestToken"]}
        password = f"nobody sings along {secrets.token_hex(6)}"
        self._post("auth/register/dancer", **who, password=password)
        socket = Voice(self.port, "/ws", PATIENCE)
        socket.ask("SUBSCRIBE", stageId=self.stage, guestToken=who["guestToken"])
        for play_id in self.songs[-2:]:
            socket.ask("SEND_LIKE", playId=play_id)
        self.liked_at = time.monotonic()
        code = self.postman.code_for(self.email)
        moved = self._post("auth/confirm", **who, code=code, password=password)["claimed"]["moved"]
        if moved["likes"] != 2:
            raise RuntimeError(f"moved {moved}")
        socket.close()

    def _post(self, path: str, **body: str) -> dict[str, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("POST", f"/api/v1/{path}", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        if answer.status >= 400:
            raise RuntimeError(f"{path}: {answer.status} {said[:200]!r}")
        return dict(json.loads(said))


class Postman:
    """Reads the letters that the worker puts down as files, and hands out the codes in them."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._codes, self._read = folder, dict[str, str](), dict[str, int]()
        self._came = threading.Condition()
        threading.Thread(target=self._walk, daemon=True).start()

    def code_for(self, address: str) -> str:
        with self._came:
            if not self._came.wait_for(lambda: address in self._codes, PATIENCE):
                raise RuntimeError("no letter came")
            return self._codes[address]

    def _walk(self) -> None:
        while True:
            time.sleep(0.1)
            for file in self._folder.glob("*.log"):
                with suppress(FileNotFoundError):  # the bench is over
                    size = file.stat().st_size
                    if self._read.get(file.name) != size:
                        self._read[file.name] = size
                        self._open(file.read_text())

    def _open(self, letters: str) -> None:
        for letter in re.split(r"^-{70,}$", letters, flags=re.MULTILINE):
            its = email.message_from_string(letter.strip())
            body = its.get_payload(decode=True)
            found = re.search(rb"^    (\w+)\s*$", body, re.MULTILINE) if isinstance(body, bytes) else None
            if found:
                with self._came:
                    self._codes[its["To"]] = found[1].decode()
                    self._came.notify_all()


@contextmanager
def _music(its: Ground) -> Iterator[list[str]]:
    """A DJ plays a song every other second; the ids of the songs, ever more of them."""
    dj, is_over, songs = Voice(its.process.port, "/ws", PATIENCE), threading.Event(), list[str]()
    session = dj.ask("REGISTER_SESSION", token=its.token, stageId=its.stage)["sessionId"]

    def play() -> None:
        track = {"title": f"Song {len(songs)}", "artist": "Somebody"}
        songs.append(str(dj.ask("BROADCAST_TRACK", sessionId=session, playId=str(uuid.uuid4()), track=track)["playId"]))

    def play_on() -> None:
        while not is_over.is_set():
            play()
            for _ in range(SONG_SECONDS * 5):
                dj.ask("PING")  # hears the hearts: who does not listen is cut off
                is_over.wait(0.2)

    play()
    play()
    night = threading.Thread(target=play_on, daemon=True)
    night.start()
    try:
        yield songs
    finally:
        is_over.set()
        night.join(PATIENCE)
        dj.close()


@contextmanager
def _workers(its: Ground, is_embedded: bool, folder: Path) -> Iterator[None]:
    """Who sends the letters; the embedded product does it by itself."""
    roles: list[subprocess.Popen[bytes]] = []
    celery = [sys.executable, "-m", "celery", "-A", "pika.celery:app"]
    quiet = ["--loglevel", "WARNING"]
    commands = [
        [*celery, "worker", "--pool", "threads", "--concurrency", "4", "--without-gossip", "--without-mingle", *quiet],
        [*celery, "beat", "--scheduler", "celery.beat.Scheduler", "--pidfile=", *quiet],
    ]
    try:
        for command in [] if is_embedded else commands:
            env = os.environ | its.process.env | {"PYTHONPATH": f"{ROOT}:{ROOT}/clients/dj/src"}
            with (folder / "workers.log").open("ab") as log:
                roles.append(subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log))
        yield
    finally:
        for role in roles:
            role.kill()
            role.wait()

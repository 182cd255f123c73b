"""Real VirtualDJ history through `pika-dj replay` and the real server: exactly those plays, in order."""

import html
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from stages.models import Play, Session
from tests.journeys.test_processes import WEEKEND
from tests.processes import ROOT, embedded


def files_of(shared):
    """Every history file, oldest evening first."""
    return sorted((shared / "data/virtualdj").glob("*/History/**/*-*-*.m3u"), key=lambda path: (path.name, str(path)))


def rows_of(files):
    """(time, artist or None, title or None) of each play, read as plainly as can be: not with our parser."""
    rows = []
    for file in files:
        lines = [line.rstrip("\r") for line in file.read_text("utf-8-sig").split("\n")]
        for line, following in pairwise(lines):
            if line.startswith("#EXTVDJ:") and following and not following.startswith("#"):
                tag = {name: re.search(f"<{name}>(.*?)</{name}>", line) for name in ("lastplaytime", "artist", "title")}
                at = datetime.fromtimestamp(int(tag["lastplaytime"][1]), UTC)
                rows.append((at, *(tag[name] and html.unescape(tag[name][1]).strip() for name in ("artist", "title"))))
    return rows


def pika_dj(server_url, token, home, *arguments):
    paths = os.pathsep.join([str(ROOT / "clients/dj/src"), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PIKA_DJ_HOME": str(home), "PIKA_DJ_SERVER": server_url, "PIKA_DJ_TOKEN": token}
    return subprocess.Popen(
        [sys.executable, "-m", "pika_dj", *arguments],
        env={**env, "PYTHONPATH": paths},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def same(rows, plays):
    """The plays are the rows: number, order, times, and artist and title where the file tells both.

    Where both tags hold the same text, or a web address, the file does not tell; a `<remix>` may follow the title.
    """
    assert len(plays) == len(rows)
    assert [at for at, _, _ in plays] == [at for at, _, _ in rows]
    told = [(mine[1:], theirs[1:]) for mine, theirs in zip(plays, rows, strict=True) if tells(*theirs[1:])]
    assert len(told) > len(rows) / 4
    assert [mine for mine, theirs in told if fold(mine[0]) != fold(theirs[0])] == []
    assert [mine for mine, theirs in told if not fold(mine[1]).startswith(fold(theirs[1]))] == []
    assert all(title for _, _, title in plays)


def tells(artist, title):
    return artist and title and artist != title and "www." not in artist and ".com" not in artist


def fold(name):
    return re.sub(r"\W+", "", name).casefold()


@pytest.mark.django_db(transaction=True)
def test_every_real_history_file_arrives_exactly(server, shared, marcus, token_of, tmp_path):
    files = files_of(shared)
    rows = rows_of(files)
    assert (len(files), len(rows)) == (35, 442)
    client = pika_dj(server.url, token_of(marcus), tmp_path, "replay", *map(str, files), "--speed", "0")
    out, _ = client.communicate(timeout=120)
    assert client.returncode == 0, out
    session = Session.objects.get()
    assert session.ended_why == "dj"
    same(
        rows,
        [(p.played_at, p.artist, p.title) for p in Play.objects.filter(session=session).order_by("played_at", "pk")],
    )


def test_client_and_server_killed_half_way_lose_and_double_nothing(shared, tmp_path):
    files = files_of(shared)
    server = embedded(tmp_path / "var", tmp_path / "up.log")
    try:
        made = subprocess.run(
            [sys.executable, "manage.py", "shell", "-v", "0", "-c", WEEKEND],
            cwd=ROOT,
            env={**os.environ, **server.env},
            capture_output=True,
            text=True,
            check=True,
        )
        code, token = made.stdout.split()[-2:]
        command = ("replay", *map(str, files), "--speed", "0", "--stage", code)

        def count():
            """Plays that the server has, asked at the front door."""
            known = (
                json.loads((tmp_path / "session.json").read_text()) if (tmp_path / "session.json").exists() else None
            )
            session = known or find_session(server.url, token, code)
            if session is None:
                return 0
            (tmp_path / "session.json").write_text(json.dumps(session))
            return len(plays_of(server.url, token, session))

        client = pika_dj(server.url, token, tmp_path / "dj", *command)
        wait_for(lambda: count() >= 100)
        client.kill()
        client.wait()
        client = pika_dj(server.url, token, tmp_path / "dj", *command)
        wait_for(lambda: count() >= 200)
        server.kill()
        server.start()
        out, _ = client.communicate(timeout=120)
        assert client.returncode == 0, out
        session = json.loads((tmp_path / "session.json").read_text())
        plays = plays_of(server.url, token, session)
        assert len({play["playId"] for play in plays}) == len(plays)
        times = [datetime.fromisoformat(play["playedAt"].replace("Z", "+00:00")) for play in plays]
        tracks = [(play["track"]["artist"], play["track"]["title"]) for play in plays]
        same(rows_of(files), [(at, *track) for at, track in zip(times, tracks, strict=True)])
    finally:
        server.kill()


def find_session(url, token, code):
    """The session that plays on the stage now."""
    play = ask(f"{url}/api/v1/stages/{code}", token)["play"]
    return play and play["sessionId"]


def plays_of(url, token, session):
    return ask(f"{url}/api/v1/sessions/{session}/plays", token)


def ask(address, token):
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def wait_for(happened, seconds=60):
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)

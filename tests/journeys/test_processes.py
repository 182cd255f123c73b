"""What survives: a second web process, kill -9 of a server in mid-set."""

import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings

from stages.models import Play
from tests.cast import Dancer, Dj
from tests.processes import ROOT, embedded, web_process

pytestmark = pytest.mark.django_db(transaction=True)
needs_redis = pytest.mark.skipif(not settings.REDIS_URL, reason="embedded: one process, no Redis")


@pytest.fixture
def two_processes(transactional_db, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda n: web_process(tmp_path / f"web{n}.log"), (1, 2)))
    yield both
    for process in both:
        process.kill()


@needs_redis
def test_a_dancer_on_one_process_hears_a_dj_on_the_other(two_processes, marcus, stage, token_of):
    one, two = two_processes
    his, sarah, tom = Dj(one.ws), Dancer(two.ws), Dancer(one.ws)
    his.go_live(token_of(marcus), stageId=stage.code)
    for phone in (sarah, tom):
        phone.follow(stage.code)
    heard = []
    for number in range(20):
        his.play(f"Song {number}")
        heard.append((sarah.hear("NOW_PLAYING"), tom.hear("NOW_PLAYING")))
    assert [there["track"]["title"] for there, _ in heard] == [f"Song {n}" for n in range(20)]
    assert [(there["epoch"], there["seq"]) for there, _ in heard] == [(h["epoch"], h["seq"]) for _, h in heard]
    sarah.ask("SEND_LIKE", playId=heard[-1][0]["playId"])
    assert his.hear("LIKE_RECEIVED")["count"] == 1
    for socket in (his, sarah, tom):
        socket.close()


@needs_redis
def test_the_other_process_takes_over_when_one_is_killed_in_mid_set(two_processes, marcus, stage, token_of):
    one, two = two_processes
    his, sarah = Dj(one.ws), Dancer(two.ws)
    his.go_live(token_of(marcus), stageId=stage.code)
    sarah.follow(stage.code)
    for number in range(5):
        his.play(f"Song {number}")
    one.kill()
    again = Dj(two.ws)
    assert again.go_live(token_of(marcus), sessionId=his.session_id)["type"] == "ACK"
    again.play("Song 5")
    while sarah.hear("NOW_PLAYING")["track"]["title"] != "Song 5":
        pass
    one.start()
    late = Dancer(one.ws)
    late.follow(stage.code)
    snapshot = late.hear("SNAPSHOT")
    assert (snapshot["state"], snapshot["play"]["track"]["title"]) == ("live", "Song 5")
    assert [p.title for p in Play.objects.order_by("played_at")] == [f"Song {n}" for n in range(6)]
    for socket in (again, sarah, late):
        socket.close()


WEEKEND = """
from django.utils import timezone
from accounts.models import *; from accounts.actions import make_token
from events.models import Event; from stages.models import Stage
day = timezone.localdate()
house = Organizer.objects.create(name="House", slug="house", approved_at=timezone.now())
event = Event.objects.create(organizer=house, name="E", slug="e", starts_on=day, ends_on=day, status="published")
stage = Stage.objects.create(event=event, name="Main")
user = User.objects.create_user("dj@example.com", None, name="Marcus", is_dj=True)
print(stage.code, make_token(user, "test")[1])
"""


def test_kill_9_of_the_embedded_server_loses_nothing(tmp_path):
    server = embedded(tmp_path / "var", tmp_path / "up.log")
    try:
        out = subprocess.run(
            [sys.executable, "manage.py", "shell", "-v", "0", "-c", WEEKEND],
            cwd=ROOT,
            env={**server.env, "PATH": "/usr/bin"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        code, token = out.split()[-2:]
        his = Dj(server.ws)
        his.go_live(token, stageId=code)
        acked = []
        for number in range(30):
            play_id = str(uuid.uuid4())
            assert his.play(f"Song {number}", playId=play_id)["type"] == "ACK"
            acked.append(play_id)
        server.kill()
        server.start()
        sarah = Dancer(server.ws)
        sarah.follow(code)
        snapshot = sarah.hear("SNAPSHOT")
        assert snapshot["play"]["track"]["title"] == "Song 29"
        assert snapshot["session"]["sessionId"] == his.session_id
        again = Dj(server.ws)
        assert again.go_live(token, sessionId=his.session_id)["type"] == "ACK"
        again.play("Song 30")
        assert sarah.hear("NOW_PLAYING")["track"]["title"] == "Song 30"
        snapshot = Dancer(server.ws)
        snapshot.follow(code)
        recent = snapshot.hear("SNAPSHOT")["recent"]
        assert [play["playId"] for play in reversed(recent)][:-1] == acked[-19:]
        assert server.stop() == 0
    finally:
        server.kill()

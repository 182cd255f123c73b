"""Redis killed or frozen, a web process killed, in mid-set: what people notice. `bench chaos` is the long one."""

import asyncio
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings

from stages.models import Play
from tests.cable import Cable
from tests.cast import Dancer, Dj
from tests.load.clients import Booth, Phone, all_open
from tests.processes import web_process
from tests.redis_server import RedisServer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not settings.REDIS_URL, reason="embedded: one process, no Redis"),
]
AT_ONCE, AFTER_RETURN = 3.0, 5.0
NO_WAIT_FOR_REDIS = 1.0  # our own timeout for it


@pytest.fixture
def redis():
    """Its own, as it will be killed."""
    server = RedisServer()
    yield server
    server.kill()


@pytest.fixture
def two_processes(transactional_db, redis, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda n: web_process(tmp_path / f"web{n}.log", redis=redis.url), (1, 2)))
    yield both
    for process in both:
        process.kill()


def seconds_until(dancer: Dancer, title: str, within: float) -> float:
    """How long until that song is on the screen; fails when it is not `within` seconds."""
    started, shown = time.monotonic(), ""
    while (passed := time.monotonic() - started) < within:
        try:
            message = dancer.heard.popleft() if dancer.heard else dancer.read(within - passed)
        except TimeoutError:
            break
        if message["type"] in {"NOW_PLAYING", "SNAPSHOT"}:
            play = message["play"] if message["type"] == "SNAPSHOT" else message
            shown = play["track"]["title"] if play else ""
            if shown == title:
                return time.monotonic() - started
    pytest.fail(f"{within:g} s later the screen shows {shown!r}, not {title!r}")


def status_of(url: str) -> int:
    with urllib.request.urlopen(url, timeout=15) as answer:
        return int(answer.status)


def titles() -> list[str]:
    return list(Play.objects.order_by("played_at").values_list("title", flat=True))


@pytest.mark.parametrize("seconds_up", [0, 2])
def test_nobody_meets_an_error_when_redis_is_killed(two_processes, redis, marcus, stage, token_of, seconds_up):
    one, two = two_processes
    his, sarah, tom = Dj(one.ws), Dancer(one.ws), Dancer(two.ws)
    his.go_live(token_of(marcus), stageId=stage.code)
    for dancer in (sarah, tom):
        dancer.follow(stage.code)
    his.play("Song 1")
    for dancer in (sarah, tom):
        seconds_until(dancer, "Song 1", AT_ONCE)
    time.sleep(seconds_up)
    redis.kill()
    for title in ("Song 2", "Song 3"):
        assert his.play(title)["type"] == "ACK"
        seconds_until(sarah, title, AT_ONCE)
        time.sleep(0.5)
    assert [status_of(f"{process.url}/s/{stage.code}") for process in two_processes] == [200, 200]
    late = Dancer(two.ws)
    assert late.follow(stage.code)["type"] == "ACK"
    shown = late.hear("SNAPSHOT")["play"]
    assert late.ask("SEND_LIKE", playId=shown["playId"])["type"] == "ACK"
    redis.start()
    for dancer in (tom, late):
        seconds_until(dancer, "Song 3", AFTER_RETURN)
    his.play("Song 4")
    seconds_until(sarah, "Song 4", AT_ONCE)
    for dancer in (tom, late):  # the DJ's process may find Redis later than theirs did: then by another resync
        seconds_until(dancer, "Song 4", AFTER_RETURN)
    assert titles() == ["Song 1", "Song 2", "Song 3", "Song 4"]
    for socket in (his, sarah, tom, late):
        socket.close()


def test_nobody_meets_an_error_when_redis_does_not_answer(two_processes, redis, marcus, stage, token_of):
    one, two = two_processes
    his, sarah, tom = Dj(one.ws), Dancer(one.ws), Dancer(two.ws)
    his.go_live(token_of(marcus), stageId=stage.code)
    for dancer in (sarah, tom):
        dancer.follow(stage.code)
    his.play("Song 1")
    redis.freeze()
    started = time.monotonic()
    assert his.play("Song 2")["type"] == "ACK"
    assert time.monotonic() - started < NO_WAIT_FOR_REDIS
    assert [status_of(f"{process.url}/s/{stage.code}") for process in two_processes] == [200, 200]
    seconds_until(sarah, "Song 2", AFTER_RETURN)
    redis.thaw()
    seconds_until(tom, "Song 2", AFTER_RETURN)
    his.play("Song 3")
    for dancer in (sarah, tom):
        seconds_until(dancer, "Song 3", AFTER_RETURN)
    assert titles() == ["Song 1", "Song 2", "Song 3"]
    for socket in (his, sarah, tom):
        socket.close()


def test_a_song_that_falls_into_a_cut_line_to_redis_comes_later(two_processes, redis, marcus, stage, token_of):
    one, two = two_processes
    his, tom = Dj(one.ws), Dancer(two.ws)
    his.go_live(token_of(marcus), stageId=stage.code)
    tom.follow(stage.code)
    his.play("Song 1")
    seconds_until(tom, "Song 1", AT_ONCE)
    redis.cut_listeners()
    his.play("Song 2")
    seconds_until(tom, "Song 2", AFTER_RETURN)
    for socket in (his, tom):
        socket.close()


def test_a_process_whose_ear_at_redis_went_dead_silently_hears_again(
    transactional_db, redis, marcus, stage, token_of, tmp_path
):
    """A failover or a forgetful router ends no connection: who only listens on it would wait for ever."""
    cable = Cable(redis.port)
    one = web_process(tmp_path / "web1.log", redis=redis.url)
    two = web_process(tmp_path / "web2.log", redis=redis.url.replace(f":{redis.port}/", f":{cable.port}/"))
    try:
        his, tom = Dj(one.ws), Dancer(two.ws)
        his.go_live(token_of(marcus), stageId=stage.code)
        tom.follow(stage.code)
        his.play("Song 1")
        seconds_until(tom, "Song 1", AT_ONCE)
        cable.silence()
        his.play("Song 2")
        seconds_until(tom, "Song 2", 2 * AFTER_RETURN)
        his.play("Song 3")
        seconds_until(tom, "Song 3", AT_ONCE)
        for socket in (his, tom):
            socket.close()
    finally:
        one.kill()
        two.kill()
        cable.close()


def test_the_phones_of_a_killed_process_are_right_within_their_back_off(two_processes, marcus, stage, token_of):
    one, two = two_processes
    booth = Booth(stage.code, token_of(marcus), one.ws, two.ws)
    # Behind a load balancer: where nobody answers it sends them to the other.
    theirs = [Phone(stage.code, one.ws, two.ws) for _ in range(10)]
    others = [Phone(stage.code, two.ws) for _ in range(10)]

    async def evening() -> None:
        everybody = [booth, *theirs, *others]
        for line in everybody:
            line.start()
        await all_open(everybody)
        await until_right(theirs + others, booth.play())
        booth.play()  # on its way when the process dies: sent again, stored once
        one.kill()
        killed_at, last = time.monotonic(), booth.play()
        await until_right(theirs + others, last)
        for phone in theirs:
            waited = sum(seconds for _, seconds in phone.waits)
            assert phone.changes[-1][0] - killed_at < max(waited, sum(s for _, s in booth.waits)) + AT_ONCE
        await asyncio.to_thread(one.start)
        late = Phone(stage.code, one.ws)
        late.start()
        await until_right([late], last)
        await until_right([*theirs, *others, late], booth.play())
        assert [line.refused for line in [*everybody, late] if line.refused] == []
        for line in [*everybody, late]:
            await line.stop()

    asyncio.run(evening())
    assert titles() == [f"Song {number}" for number in range(1, 5)]
    assert [phone.lost_at for phone in others if phone.lost_at] == []


async def until_right(phones: list[Phone], number: int) -> None:
    """Wait until all show that song; TimeoutError when one does not."""
    async with asyncio.timeout(15):
        while not all(phone.is_open and phone.shown == number for phone in phones):
            await asyncio.sleep(0.02)

"""Order and loss: seq, short history, resume, two processes."""

import asyncio
import json

import pytest
from django.conf import settings

from pika.live.broker import MemoryBroker, Position, RedisBroker
from pika.live.hub import Frame, Hub

needs_redis = pytest.mark.skipif(not settings.REDIS_URL, reason="embedded: there is no Redis to test")


def test_positions_are_read_leniently():
    assert Position.parse("ab12:7") == Position("ab12", 7)
    assert [Position.parse(text) for text in (None, "", "7", "a:", ":7", "a:-1", "a:b", 5, "a:" + "9" * 99)] == [
        None
    ] * 9


@pytest.fixture(params=["memory", pytest.param("redis", marks=needs_redis)])
def one_broker(request):
    return MemoryBroker(Hub()) if request.param == "memory" else RedisBroker(Hub(), settings.REDIS_URL)


@pytest.fixture
def topic(request):
    import uuid

    return f"stage.{uuid.uuid4().hex[:12]}"


@pytest.fixture(autouse=True)
def _settled(monkeypatch):
    """What is published is on its way before the test looks."""
    publish = RedisBroker.publish

    def publish_and_settle(self, *args, **kwargs):
        publish(self, *args, **kwargs)
        self.settle()

    monkeypatch.setattr(RedisBroker, "publish", publish_and_settle)


def test_every_message_has_the_next_seq(one_broker, topic):
    for number in range(3):
        one_broker.publish(topic, json.dumps({"type": "X", "n": number}))
    position = one_broker.position(topic)
    assert position.seq == 3
    kept = [json.loads(text) for text in one_broker.history(topic, Position(position.epoch, 0))]
    assert [(m["n"], m["seq"], m["epoch"], m["topic"]) for m in kept] == [
        (n, n + 1, position.epoch, topic) for n in range(3)
    ]
    assert len(one_broker.history(topic, Position(position.epoch, 2))) == 1
    assert one_broker.history(topic, position) == []


def test_what_cannot_be_told_completely_is_not_told(one_broker, topic):
    for number in range(settings.LIVE_HISTORY_MESSAGES + 5):
        one_broker.publish(topic, json.dumps({"n": number}))
    epoch = one_broker.position(topic).epoch
    assert one_broker.history(topic, Position(epoch, 2)) is None
    assert len(one_broker.history(topic, Position(epoch, 5))) == settings.LIVE_HISTORY_MESSAGES
    assert one_broker.history(topic, Position("other", 100)) is None
    assert one_broker.history(topic, Position(epoch, 999)) is None


def test_a_transient_message_has_no_place_in_the_order(one_broker, topic):
    one_broker.publish(topic, '{"n":1}')
    before = one_broker.position(topic)
    one_broker.publish(topic, '{"count":5}', keep=False)
    assert one_broker.position(topic) == before


def test_listeners_are_distinct_and_sticky(one_broker, topic):
    assert one_broker.count_listeners(topic, {"a", "b"}) == 2
    assert one_broker.count_listeners(topic, {"b", "c"}) == 3
    assert one_broker.count_listeners(topic, set()) == 3


def test_only_one_process_tells(one_broker, topic):
    assert [one_broker.may_tell(topic, 30) for _ in range(3)] == [True, False, False]


@needs_redis
def test_a_dead_redis_fails_no_write_and_our_own_phones_hear(topic):
    heard = []
    hub = Hub()
    hub.hand_over = heard.append
    alone = RedisBroker(hub, "redis://127.0.0.1:1/0")
    alone.publish(topic, '{"type":"X"}')
    alone.publish(topic, '{"type":"Y"}')
    assert [(json.loads(f.text)["type"], f.seq) for f in heard] == [("X", 1), ("Y", 2)]
    assert alone.history(topic, Position("a", 1)) is None
    assert alone.count_listeners(topic, {"a"}) == 1
    assert alone.life() is None


class Phone:
    listener = ""

    def __init__(self):
        self.heard = []

    def write_batch(self, batch):
        self.heard += batch.texts


def on_a_loop(scenario):
    async def run():
        hub, phone = Hub(), Phone()
        hub.loop = asyncio.get_running_loop()
        hub._floors.clear()
        from pika.live import hub as module

        monkey = module.get_channel_layer
        module.get_channel_layer = lambda: None
        try:
            await hub.join("t", phone)
            await scenario(hub)
            await asyncio.sleep(0)  # what was put leaves with the next pass of the loop
        finally:
            module.get_channel_layer = monkey
        return phone.heard

    return asyncio.run(run())


def test_frames_leave_in_the_order_of_their_seq():
    async def scenario(hub):
        for seq in (1, 3, 2, 2, 4, 1):
            hub.receive(Frame("t", str(seq), "e", seq))

    assert on_a_loop(scenario) == ["1", "2", "3", "4"]


def test_a_frame_that_is_lost_holds_nobody_up_for_long():
    async def scenario(hub):
        for seq in (1, 3, 4):
            hub.receive(Frame("t", str(seq), "e", seq))
        await asyncio.sleep(0.3)
        hub.receive(Frame("t", "5", "e", 5))

    assert on_a_loop(scenario) == ["1", "3", "4", "5"]


def test_a_new_epoch_starts_afresh():
    async def scenario(hub):
        hub.receive(Frame("t", "9", "old", 9))
        hub.receive(Frame("t", "1", "new", 1))

    assert on_a_loop(scenario) == ["9", "1"]


@pytest.mark.django_db(transaction=True)
def test_a_phone_that_was_away_hears_what_it_missed_and_no_more(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    his.play("Before")
    last = sarah.hear("NOW_PLAYING")
    sarah.all_heard()
    sarah.close()
    for title in ("Missed 1", "Missed 2"):
        his.play(title)
    back = dancer(stage, since=f"{last['epoch']}:{last['seq']}")
    told = back.all_heard()
    assert [m["track"]["title"] for m in told if m["type"] == "NOW_PLAYING"] == ["Missed 1", "Missed 2"]
    assert "SNAPSHOT" not in {m["type"] for m in told}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("since", ["dead:1", "nonsense", ""])
def test_a_phone_that_was_away_too_long_gets_a_snapshot(dj, dancer, marcus, stage, since):
    dj(marcus, stage).play("Now")
    assert dancer(stage, since=since).hear("SNAPSHOT")["play"]["track"]["title"] == "Now"

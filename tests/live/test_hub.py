"""Who hears a topic of this process, and from when on: joins that race, snapshots that race, devices that count."""

import asyncio
import threading

import pytest

from pika.live import hub as module
from pika.live.hub import Frame, Hub, hub
from pika.live.snapshots import Snapshots
from pika.live.wire import Batch


class Phone:
    def __init__(self, listener=""):
        self.listener, self.heard = listener, []

    def write_batch(self, batch: Batch) -> None:
        self.heard += batch.texts


class SlowLayer:
    """A channel layer that takes its time to join a group."""

    def __init__(self):
        self.asked, self.may_join, self.groups = asyncio.Event(), asyncio.Event(), set()

    async def new_channel(self):
        return "other"

    async def flush(self):
        self.groups.clear()

    async def receive(self, channel):
        await asyncio.Event().wait()

    async def group_add(self, topic, channel):
        self.asked.set()
        await self.may_join.wait()
        if channel:
            self.groups.add(topic)

    async def group_discard(self, topic, channel):
        self.groups.discard(topic)


@pytest.fixture
def on_a_loop(monkeypatch):
    """Run a scenario with a hub of its own; it has `layer`, where it asks for one."""

    def run(scenario, layer=None):
        async def go():
            its_layer = layer() if layer else None
            monkeypatch.setattr(module, "get_channel_layer", lambda: its_layer)
            its = Hub()
            its.loop = asyncio.get_running_loop()
            its.channel = "one" if its_layer else ""
            return await (scenario(its, its_layer) if layer else scenario(its))

        return asyncio.run(go())

    return run


def test_nobody_has_joined_before_the_process_can_hear_the_others(on_a_loop):
    async def scenario(its, layer):
        joins = [asyncio.create_task(its.join("t", Phone())) for _ in range(3)]
        await layer.asked.wait()
        before = [join.done() for join in joins]
        layer.may_join.set()
        await asyncio.gather(*joins)
        return before, layer.groups

    assert on_a_loop(scenario, SlowLayer) == ([False, False, False], {"t"})


def test_who_joins_while_the_process_gets_a_new_channel_is_heard_on_it(on_a_loop):
    async def scenario(its, layer):
        layer.may_join.set()
        await its.join("before", Phone())
        its._listening = asyncio.create_task(its._listen())
        layer.may_join.clear()
        layer.asked.clear()
        anew = asyncio.create_task(its.listen_anew())
        await asyncio.sleep(0)
        joins = [asyncio.create_task(its.join("meanwhile", Phone()))]
        await layer.asked.wait()
        layer.may_join.set()
        await asyncio.gather(anew, *joins)
        return layer.groups

    assert on_a_loop(scenario, SlowLayer) == {"before", "meanwhile"}


def test_the_last_to_leave_puts_out_the_light_and_the_next_to_come_turns_it_on(on_a_loop):
    async def scenario(its, layer):
        layer.may_join.set()
        one, two = Phone(), Phone()
        await its.join("t", one)
        await its.join("t", two)
        await its.leave("t", one)
        await its.leave("t", one)
        some = set(layer.groups)
        await its.leave("t", two)
        none = set(layer.groups)
        await its.join("t", one)
        return some, none, set(layer.groups), its.topics()

    assert on_a_loop(scenario, SlowLayer) == ({"t"}, set(), {"t"}, ["t"])


def test_a_device_counts_once_however_many_tabs_it_has(on_a_loop):
    async def scenario(its):
        one, other, wall = Phone("sarah"), Phone("sarah"), Phone()
        for phone in (one, other, wall):
            await its.join("t", phone)
        both = set(its.listeners("t"))
        await its.leave("t", one)
        still = set(its.listeners("t"))
        other.listener = "tom"  # it has shown another token
        await its.join("t", other)
        renamed = set(its.listeners("t"))
        other.listener = "sarah"  # and leaving must not count whom it never was here
        await its.leave("t", other)
        return both, still, renamed, set(its.listeners("t"))

    assert on_a_loop(scenario) == ({"sarah"}, {"sarah"}, {"tom"}, set())


def test_who_leaves_between_two_frames_hears_the_first_alone(on_a_loop):
    async def scenario(its):
        stays, goes = Phone(), Phone()
        await its.join("t", stays)
        await its.join("t", goes)
        its.receive(Frame("t", "1", "e", 1))
        await asyncio.sleep(0)
        await its.leave("t", goes)
        its.receive(Frame("t", "2", "e", 2))
        await asyncio.sleep(0)
        return stays.heard, goes.heard

    assert on_a_loop(scenario) == (["1", "2"], ["1"])


def test_what_comes_back_to_back_leaves_in_one_batch(on_a_loop):
    async def scenario(its):
        phone, batches = Phone(), []
        phone.write_batch = batches.append
        await its.join("t", phone)
        for seq in (1, 2, 3):
            its.receive(Frame("t", str(seq), "e", seq))
        await asyncio.sleep(0)
        return [batch.texts for batch in batches]

    assert on_a_loop(scenario) == [("1", "2", "3")]


def build_in_turns(started, may_end):
    """A snapshot per call, numbered; the first takes until `may_end`."""
    numbers = iter(range(1, 10))

    def build(topic):
        number = next(numbers)
        if number == 1:
            started.set()
            may_end.wait(5)
        return {"number": number}

    return build


def test_a_crowd_costs_one_snapshot():
    started, may_end = threading.Event(), threading.Event()

    async def scenario():
        its = Snapshots(build_in_turns(started, may_end))
        waiting = [asyncio.create_task(its.get("t")) for _ in range(100)]
        await asyncio.to_thread(started.wait, 5)
        may_end.set()
        first = await asyncio.gather(*waiting)
        return {made.message["number"] for made in first}, (await its.get("t")).message["number"]

    assert asyncio.run(scenario()) == ({1}, 1)


def test_what_is_said_while_a_snapshot_is_built_is_in_the_one_that_is_told():
    started, may_end = threading.Event(), threading.Event()

    async def scenario():
        its = Snapshots(build_in_turns(started, may_end))
        waiting = asyncio.create_task(its.get("t"))
        await asyncio.to_thread(started.wait, 5)
        its.forget("t")  # a message: what is being built may not know of it
        may_end.set()
        return (await waiting).message["number"], (await its.get("t")).message["number"]

    assert asyncio.run(scenario()) == (2, 2)


@pytest.mark.django_db(transaction=True)
def test_an_answer_comes_behind_what_was_said_before_it(server, dancer, stage):
    sarah = dancer(stage)
    for number in range(1, 41):
        hub.hand_over(Frame(f"stage.{stage.code}", f'{{"type":"BENCH","number":{number}}}'))
        sarah.send({"type": "PING"})
        heard = []
        while (message := sarah.read())["type"] != "PONG":
            heard.append(message.get("number"))
        assert number in heard, f"PONG overtook message {number}"

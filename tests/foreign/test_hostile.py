"""Clients that mean harm: each is cut off with a clear word, the memory stays, and the floor notices nothing."""

import json
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings

from pika.live.broker import RedisBroker
from pika.live.hub import Hub
from tests.cast import Dancer
from tests.foreign.honest import Floor
from tests.foreign.peer import PING, TEXT, Peer, frame, message, request
from tests.load.measure import more_files

TINY_EAR = 4096  # bytes of a receive buffer; the kernel doubles it
MOST_MB = 40  # what an attack may cost
needs_redis = pytest.mark.skipif(not settings.REDIS_URL, reason="embedded: nobody else can speak on its stages")


@pytest.fixture
def calm(house):
    """Whatever the test does, honest people hear everything and the memory does not grow."""
    before = house.rss_mb()
    with Floor(house) as floor:
        yield house
    grown = house.rss_mb() - before
    print(f"{house.way}: {len(floor.heard)} tracks heard, slowest {floor.slowest * 1000:.0f} ms, {grown:+.1f} MB")
    assert grown < MOST_MB
    house.assert_well()


class Noise:
    """Another process of the house that has much to say on the second stage, and a phone there that hears it all."""

    def __init__(self, house):
        self.topic, self.said = f"stage.{house.stages[1]}", 0
        self.broker = RedisBroker(Hub(), settings.REDIS_URL)
        self.phone = Dancer(house.ws)
        self.phone.follow(house.stages[1])

    def say(self, size=8_000):
        self.said += 1
        self.broker.publish(self.topic, json.dumps({"type": "NOISE", "number": self.said, "pad": "x" * size}))
        assert self.phone.hear("NOISE")["number"] == self.said

    def until(self, is_over):
        for _ in range(1_000):  # 8 MB: more than any kernel keeps for a phone, far more than we do
            if is_over():
                return
            self.say()
        deadline = time.monotonic() + 10
        while not is_over() and time.monotonic() < deadline:
            time.sleep(0.1)
        if is_over():
            return
        pytest.fail("a phone that does not read was never cut off")


@pytest.fixture
def noise(house):
    its = Noise(house)
    yield its
    its.phone.close()


def subscribed(house, ear=TINY_EAR):
    """A phone on the second stage that has read what it was told at first, and stops there."""
    peer = Peer(house.port, ear).open()
    peer.send(message("SUBSCRIBE", stageId=house.stages[1], mine=False, messageId="1"))
    assert peer.hear(until=("ack", "1")) == [("says", "SNAPSHOT")]
    return peer


def goodbyes(house):
    """How it ends for who does not read: uvicorn's own class cannot say a word behind what waits, and just hangs up."""
    return {("close", 1013)} if house.way == "fast" else {("close", 1013), ("says", "NOISE")}


# --- They do not read --------------------------------------------------------------------------------------
@needs_redis
def test_who_never_reads_is_cut_off_with_1013(calm, noise):
    with subscribed(calm) as peer:
        present = calm.metric("sockets")
        noise.until(lambda: calm.metric("sockets") < present)
        assert peer.hear()[-1] in goodbyes(calm)


@needs_redis
def test_who_reads_a_byte_a_second_is_cut_off_too(calm, noise):
    with subscribed(calm) as peer:
        present, read_at = calm.metric("sockets"), 0.0

        def is_over():
            nonlocal read_at
            if time.monotonic() - read_at > 1:
                peer.stream.feed_data(peer.socket.recv(1))
                read_at = time.monotonic()
            return calm.metric("sockets") < present

        noise.until(is_over)
        assert peer.hear()[-1] in goodbyes(calm)


def pour(peer, data, times):
    """Send without ever reading, until it is all sent, the server hangs up, or it takes nothing more for 2 s."""
    peer.socket.settimeout(2)
    try:
        for _ in range(times):
            peer.socket.sendall(data)
    except TimeoutError:
        return "full"
    except OSError:
        return "cut off"
    return "sent"


@pytest.mark.parametrize("size", [0, 125])
def test_who_pings_and_never_reads_costs_no_memory(calm, size):
    if calm.way == "ordinary":
        pytest.skip("uvicorn's own class keeps every pong")
    before = calm.rss_mb()
    with Peer(calm.port, TINY_EAR) as peer:
        peer.open()
        how = pour(peer, frame(PING, b"x" * size) * 500, 300_000 // 500)
        grown = calm.rss_mb() - before
        print(f"300,000 pings of {size} bytes: {how}, {grown:+.1f} MB")
        assert grown < 10


def test_who_asks_and_never_reads_costs_no_memory(calm):
    before = calm.rss_mb()
    with Peer(calm.port, TINY_EAR) as peer:
        peer.open()
        pour(peer, message("PING", messageId="x" * 99) * 100, 300)
        assert calm.rss_mb() - before < 10


# --- They say too much ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("tiny", [b"", b"{", b'{"type":"PING"}'], ids=["empty", "one byte", "a PING"])
def test_ten_thousand_tiny_messages_at_once_end_with_1008(calm, tiny):
    with Peer(calm.port) as peer:
        peer.open().send(frame(TEXT, tiny) * 10_000)
        heard = peer.hear()
        assert heard[-1] == ("close", 1008)
        assert set(heard[:-1]) <= {("says", "PONG"), ("nack", "not_json"), ("nack", "too_many")}
        assert len(heard) <= settings.LIVE_FRAMES_BURST + 200 + 20


def test_ten_thousand_pings_at_once_are_answered_or_end_with_1008(calm):
    with Peer(calm.port) as peer:
        peer.open().send(frame(PING, b"!") * 10_000 + message("PING", messageId="end"))
        heard = peer.hear(until=("ack", "end"))
        assert heard[-1] in {("close", 1008), ("says", "PONG")}
        assert heard[-1] == ("close", 1008) or heard[:-1] == [("pong", b"!")] * 10_000


def test_a_message_in_endless_empty_fragments_costs_no_memory(calm):
    before = calm.rss_mb()
    with Peer(calm.port) as peer:
        peer.open()
        peer.send(frame(TEXT, b"{", fin=False))
        how = pour(peer, frame(0, b"", fin=False) * 1_000, 300)
        print(f"300,000 empty fragments: {how}, {calm.rss_mb() - before:+.1f} MB")
        assert calm.rss_mb() - before < 10


def test_who_listens_to_everything_is_refused_and_then_hung_up_on(calm):
    with Peer(calm.port) as peer:
        peer.open()
        for number, stage in enumerate(calm.stages):
            peer.send(message("SUBSCRIBE", stageId=stage, mine=False, messageId=str(number)))
        peer.send(message("PING", messageId="end"))
        heard = [one for one in peer.hear(until=("ack", "end")) if one[0] in {"ack", "nack"}]
        # 12 topics: the event's, and 11 stages'.
        assert heard == [("ack", str(n)) for n in range(11)] + [("nack", "too_many_topics")] * 9
        peer.send(b"".join(message("SUBSCRIBE", stageId=stage, mine=False) for stage in calm.stages * 50))
        assert peer.hear()[-1] == ("close", 1008)


# --- They come in crowds -------------------------------------------------------------------------------------
def crowd(house, count, stack):
    """Strangers who shake hands and say one thing: those who may stay, and how the others were sent away."""
    peers = [stack.enter_context(Peer(house.port)).open() for _ in range(count)]
    stay, away = [], []
    for peer in peers:
        peer.send(message("PING", messageId="1"))
        heard = peer.hear(until=("ack", "1"))
        (stay if heard == [("says", "PONG")] else away).append((peer, heard))
    return [peer for peer, _ in stay], [heard[-1] for _, heard in away]


def test_a_thousand_sockets_of_one_address_are_bounded(calm):
    more_files()
    with ExitStack() as stack:
        stay, away = crowd(calm, 1_000, stack)
        assert set(away) == {("close", 1013)}
        assert 490 <= len(stay) <= 500
    calm.wait_until(lambda: calm.metric("sockets") < 50, 10, "sockets were not cleared up")


def test_strangers_above_the_limit_are_sent_away_and_come_in_when_others_leave(strict_house):
    with ExitStack() as stack:
        stay, away = crowd(strict_house, 60, stack)
        assert (len(stay), away) == (40, [("close", 1013)] * 20)
        for peer in stay[:10]:
            peer.socket.close()
        strict_house.wait_until(lambda: strict_house.metric("sockets") <= 30, 5, "sockets were not cleared up")
        stay, away = crowd(strict_house, 12, stack)
        assert (len(stay), away) == (10, [("close", 1013)] * 2)
    strict_house.wait_until(lambda: strict_house.metric("sockets") == 0, 10, "sockets were not cleared up")
    strict_house.assert_well()


def test_the_word_for_those_above_the_limit_is_plain(strict_house):
    with ExitStack() as stack:
        crowd(strict_house, 40, stack)
        late = stack.enter_context(Peer(strict_house.port)).open()
        assert late.hear() == [("close", 1013)]
        assert late.reason.startswith("Too many connections")
    strict_house.wait_until(lambda: strict_house.metric("sockets") == 0, 10, "sockets were not cleared up")


def test_one_guest_may_have_a_few_sockets_and_is_no_stranger(strict_house):
    first = Dancer(strict_house.ws)
    token = first.follow(strict_house.stages[1])["guestToken"]
    first.close()
    with ExitStack() as stack:
        answers = []
        for _ in range(7):
            peer = stack.enter_context(Peer(strict_house.port)).open()
            peer.send(message("SUBSCRIBE", stageId=strict_house.stages[1], guestToken=token, messageId="1"))
            heard = peer.hear(until=("ack", "1"))
            answers.append(heard[-1] if heard[-1][0] == "close" else "in")
        assert answers == ["in"] * 5 + [("close", 1013)] * 2
        stay, away = crowd(strict_house, 41, stack)  # the five do not count among the strangers
        assert (len(stay), away) == (40, [("close", 1013)])
    strict_house.wait_until(lambda: strict_house.metric("sockets") == 0, 10, "sockets were not cleared up")


# --- They are slow, or gone ------------------------------------------------------------------------------------
@pytest.mark.parametrize("sent", [b"", b"G", None], ids=["nothing", "one byte", "half a handshake"])
def test_who_does_not_finish_the_handshake_is_let_go(strict_house, sent):
    with Peer(strict_house.port) as peer:
        peer.send(request(strict_house.port)[:80] if sent is None else sent)
        began = time.monotonic()
        assert peer.read_head()[0] in {0, 408, 400}
        assert 1 < time.monotonic() - began < 10


def test_a_handshake_drop_by_drop_is_let_go_too(strict_house):
    whole = request(strict_house.port, Cookie="x" * 1_000)
    with Peer(strict_house.port) as peer:
        began = time.monotonic()
        peer.socket.settimeout(0.05)
        for octet in whole:
            if time.monotonic() - began > 10:
                break
            try:
                peer.socket.send(bytes((octet,)))
                if peer.socket.recv(4096) == b"":
                    break
            except TimeoutError:
                pass
            except OSError:
                break
        assert time.monotonic() - began < 10


def test_a_phone_whose_network_is_gone_is_let_go(strict_house):
    with Peer(strict_house.port) as peer:  # it has no network any more: it answers no ping, and says no goodbye
        peer.open()
        there = strict_house.port, peer.socket.getsockname()[1]
        assert (strict_house.metric("sockets"), send_queue(*there)) == (1, 0)
        strict_house.wait_until(lambda: strict_house.metric("sockets") == 0, 15, "the ping was never missed")
        strict_house.wait_until(lambda: send_queue(*there) is None, 6, "its connection is still held")
    strict_house.assert_well()


@needs_redis
def test_a_phone_whose_network_is_gone_with_words_still_on_the_way_is_let_go_too(strict_house):
    noise = Noise(strict_house)
    for _ in range(5):  # on a busy machine its ping may be missed before the kernel is full: then again with another
        with subscribed(strict_house) as peer:
            there = strict_house.port, peer.socket.getsockname()[1]
            if is_full(noise, *there) and strict_house.metric("sockets") == 2:
                strict_house.wait_until(
                    lambda: strict_house.metric("sockets") <= 1, 12, "it is still among the sockets"
                )
                strict_house.wait_until(lambda at=there: send_queue(*at) is None, 6, "its connection is still held")
                break
    else:
        pytest.fail("each time it was cut off for another reason")
    noise.phone.close()
    strict_house.assert_well()


def is_full(noise, near, far, size=60_000):
    """Speak until the kernel does not take all of a word (64 KB of them waiting are another reason to be cut off), so
    that the rest waits in the server; False: it is cut."""
    held, taken = 0, size
    while held is not None and taken >= size:
        noise.say(size)
        before, deadline = held, time.monotonic() + 0.3
        while (held := send_queue(near, far)) is not None and (taken := held - before) < size:
            if time.monotonic() > deadline:
                break
            time.sleep(0.01)
    return held is not None


def send_queue(near, far):
    """How many bytes the kernel keeps for the connection between the two ports; None: there is none (any more)."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, here, there, state, queues, *_ = line.split()
        if (int(here[-4:], 16), int(there[-4:], 16), state) == (near, far, "01"):
            return int(queues.split(":")[0], 16)
    return None

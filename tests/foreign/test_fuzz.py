"""Thousands of wrong messages and frames: the server lives, answers in its own words, and the floor notices nothing.

PIKA_FUZZ says how many (3,000 by default), PIKA_FUZZ_SEED which ones. A failure names the connection it was found on.
"""

import contextlib
import itertools
import json
import os
import random
import socket
import threading
import time

from tests.foreign import fuzz
from tests.foreign.honest import Floor
from tests.foreign.peer import Peer, frame, message

COUNT = int(os.environ.get("PIKA_FUZZ", "3000"))
SEED = os.environ.get("PIKA_FUZZ_SEED", "pika")
SOCKETS = 4  # at once
MESSAGES, FRAMES = 50, 6  # on one connection: fewer than it may say at once
MOST_MB = 30
KNOWN = {"says", "ack", "nack", "pong", "ping", "close"}


def filled_in(house, code):
    """The examples with a session, a stage and a token that are real here, so that what is said of them goes deep."""
    real = {"token": house.tokens[1], "stageId": house.stages[1], "sessionId": code}
    without = [{name: value for name, value in seed.items() if name != "guestToken"} for seed in fuzz.SEEDS]
    return [{name: real.get(name, value) for name, value in seed.items()} for seed in without]


def say_wrong_messages(house, name):
    """Good frames, wrong messages: each is answered, and in the end the socket still answers (or said why not)."""
    rng = random.Random(name)
    said = filled_in(house, name)
    with Peer(house.port) as peer:
        peer.open()
        peer.send(frame(1, json.dumps(next(one for one in said if one["type"] == "REGISTER_SESSION")).encode()))
        peer.send(b"".join(fuzz.framed(rng, fuzz.mutated_text(rng, said)) for _ in range(MESSAGES)))
        peer.send(message("PING", messageId="the end") + message("END_SESSION", sessionId=name))
        heard = peer.hear(until=("ack", "the end"), timeout=20)
        assert heard, "it hung up without a word"
        return MESSAGES, heard


def say_wrong_frames(house, name):
    """Frames broken in any way, then the end of the stream: the server must hang up in its turn."""
    rng = random.Random(name)
    said = [json.dumps(one) for one in filled_in(house, f"fuzz-{name}") if one["type"] != "REGISTER_SESSION"]
    with Peer(house.port) as peer:
        peer.open()
        good = [fuzz.framed(rng, rng.choice(said)) for _ in range(FRAMES)]
        wrong = rng.randrange(FRAMES)
        peer.send(b"".join(fuzz.broken(rng, one) if n >= wrong else one for n, one in enumerate(good)))
        with contextlib.suppress(OSError):  # it has hung up already
            peer.socket.shutdown(socket.SHUT_WR)
        return FRAMES, peer.hear(timeout=20)


class Fuzz:
    """Several sockets at once, until all has been said."""

    def __init__(self, house):
        self.house = house
        self.said, self.connections = {say_wrong_messages: 0, say_wrong_frames: 0}, 0
        self.heard, self.closes = {}, {}
        self.problems = []
        self._numbers, self._lock = itertools.count(), threading.Lock()

    def run(self):
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(SOCKETS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self):
        while not self.problems and min(self.said.values()) < COUNT / 2:
            name = next(self._numbers)
            way = min(self.said, key=self.said.get)  # as many of one kind as of the other
            try:
                count, heard = way(self.house, f"{SEED}-{way.__name__}-{name}")
                said = {what for kind, what in heard if kind == "says"}
                assert said <= fuzz.SERVER_SAYS and {kind for kind, _ in heard} <= KNOWN
            except Exception as problem:
                self.problems.append(f"{way.__name__} {name}: {problem!r}")
                return
            with self._lock:
                self.said[way] += count
                self.connections += 1
                for kind, what in heard:
                    key = f"{kind} {what}" if kind in {"says", "nack", "close"} else kind
                    self.heard[key] = self.heard.get(key, 0) + 1


def test_nothing_that_is_sent_harms_the_house(house):
    house.assert_well()
    pid, before, began = house.process.popen.pid, house.rss_mb(), time.monotonic()
    its = Fuzz(house)
    with Floor(house) as floor:
        its.run()
    grown = house.rss_mb() - before
    print(f"\n{house.way}: {sum(its.said.values())} on {its.connections} sockets in {time.monotonic() - began:.1f} s")
    print(
        f"memory {before:.0f} MB {grown:+.1f}; {len(floor.heard)} tracks heard, slowest {floor.slowest * 1000:.0f} ms"
    )
    print(", ".join(f"{what}: {count}" for what, count in sorted(its.heard.items(), key=lambda item: -item[1])))
    assert its.problems == []
    assert (house.process.popen.pid, house.process.popen.poll()) == (pid, None)
    house.wait_until(lambda: house.metric("sockets") == 0, 10, "a socket was not cleared up")
    house.assert_well()
    assert grown < MOST_MB

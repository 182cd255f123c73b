"""Numbers a message on its topic, remembers it for a while and carries it to every process.

Two brokers with one face: in memory for one process, Redis for several. `publish` may be called
from any thread, never raises and never waits for phones.
"""

import logging
import queue
import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Protocol

import redis
from channels.layers import get_channel_layer
from django.conf import settings

from pika.breaker import Away, Breaker
from pika.live.counters import counters
from pika.live.hub import Frame, Hub, hub

log = logging.getLogger(__name__)
_TIDY_SECONDS = 600


@dataclass(frozen=True)
class Position:
    """Where a listener is on a topic; `epoch:seq` on the wire."""

    epoch: str
    seq: int

    @classmethod
    def parse(cls, text: object) -> "Position | None":
        """None for anything that is not `epoch:seq`."""
        epoch, _, seq = text.partition(":") if isinstance(text, str) else ("", "", "")
        return cls(epoch, int(seq)) if epoch and seq.isdecimal() and len(seq) < 16 else None


class Broker(Protocol):
    def publish(self, topic: str, body: str, keep: bool = True) -> None:
        """Say `body` (a JSON object) on `topic`. With `keep` it gets a seq and enters the history."""

    def position(self, topic: str) -> Position:
        """The newest message's."""

    def settle(self) -> None:
        """Wait until everything published so far is on its way. For the end of a process, and tests."""

    def history(self, topic: str, since: Position) -> list[str] | None:
        """The frames after `since`, oldest first; None when they cannot be told completely."""

    def count_listeners(self, topic: str, here: set[str]) -> int:
        """Distinct listeners of the last minutes, in all processes, with those just seen `here`."""

    def may_tell(self, what: str, every: float) -> bool:
        """Whether `every` seconds have passed since any process last told `what`; claims the turn."""


def numbered(body: str, topic: str, epoch: str, seq: int) -> str:
    """`body` with its topic, epoch and seq put in front, without parsing it again."""
    return f'{{"topic":"{topic}","epoch":"{epoch}","seq":{seq},{body[1:]}'


@dataclass
class _Topic:
    epoch: str
    seq: int = 0
    said_at: float = 0.0
    kept: deque[tuple[float, int, str]] = field(default_factory=lambda: deque(maxlen=settings.LIVE_HISTORY_MESSAGES))


class MemoryBroker:
    """Everything in this process."""

    def __init__(self, to: Hub) -> None:
        self._hub = to
        self._lock = threading.Lock()
        self._epoch = secrets.token_hex(4)
        self._topics: dict[str, _Topic] = {}
        self._seen: dict[str, dict[str, float]] = {}
        self._told: dict[str, float] = {}
        self._tidy_at = time.monotonic() + _TIDY_SECONDS

    def publish(self, topic: str, body: str, keep: bool = True) -> None:
        if not keep:
            self._hub.hand_over(Frame(topic, body))
            return
        with self._lock:  # handed over inside the lock, so that frames leave in the order of their seq
            now = time.monotonic()
            self._tidy(now)
            state = self._topics.setdefault(topic, _Topic(self._epoch))
            state.seq, state.said_at = state.seq + 1, now
            text = numbered(body, topic, state.epoch, state.seq)
            state.kept.append((now, state.seq, text))
            self._hub.hand_over(Frame(topic, text, state.epoch, state.seq))

    def _tidy(self, now: float) -> None:
        """Forget what nobody can ask for any more. A forgotten topic comes back in another epoch."""
        if now < self._tidy_at:
            return
        self._tidy_at = now + _TIDY_SECONDS
        old = [topic for topic, state in self._topics.items() if state.said_at < now - settings.LIVE_HISTORY_SECONDS]
        for topic in old:
            del self._topics[topic]
        if old:
            self._epoch = secrets.token_hex(4)
        sticky = now - settings.LIVE_LISTENER_STICKY
        self._seen = {topic: seen for topic, seen in self._seen.items() if max(seen.values(), default=0) > sticky}
        self._told = {what: at for what, at in self._told.items() if at > sticky}

    def settle(self) -> None:
        """Nothing waits here."""

    def position(self, topic: str) -> Position:
        with self._lock:
            state = self._topics.get(topic)
            return Position(state.epoch, state.seq) if state else Position(self._epoch, 0)

    def history(self, topic: str, since: Position) -> list[str] | None:
        with self._lock:
            state = self._topics.get(topic) or _Topic(self._epoch)
            if since.epoch != state.epoch or since.seq > state.seq:
                return None
            fresh = time.monotonic() - settings.LIVE_HISTORY_SECONDS
            missed = [text for at, seq, text in state.kept if seq > since.seq and at >= fresh]
            return missed if len(missed) == state.seq - since.seq else None

    def count_listeners(self, topic: str, here: set[str]) -> int:
        now = time.monotonic()
        with self._lock:
            seen = self._seen.get(topic, {}) | dict.fromkeys(here, now)
            seen = {key: at for key, at in seen.items() if at >= now - settings.LIVE_LISTENER_STICKY}
            if seen:
                self._seen[topic] = seen
            return len(seen)

    def may_tell(self, what: str, every: float) -> bool:
        now = time.monotonic()
        with self._lock:
            if now - self._told.get(what, -1e9) < every:
                return False
            self._told[what] = now
            return True


# One round trip gives the seq, keeps the frame and carries it to the other processes, so no order but
# that of the seq can be seen anywhere. The message is what channels_redis' pub/sub layer expects.
_PUBLISH = """
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then epoch = ARGV[3]; redis.call('HSET', KEYS[1], 'epoch', epoch) end
local seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
local text = '{"topic":"' .. ARGV[1] .. '","epoch":"' .. epoch .. '","seq":' .. seq .. ',' .. string.sub(ARGV[2], 2)
redis.call('RPUSH', KEYS[2], seq .. ' ' .. text)
redis.call('LTRIM', KEYS[2], -tonumber(ARGV[5]), -1)
redis.call('EXPIRE', KEYS[2], ARGV[6])
redis.call('EXPIRE', KEYS[1], 172800)
redis.call('PUBLISH', KEYS[3], cmsgpack.pack({
    type='live.frame', topic=ARGV[1], text=text, epoch=epoch, seq=seq, origin=ARGV[4]}))
return {epoch, seq, text}
"""
_PASS_ON = """
return redis.call('PUBLISH', KEYS[1], cmsgpack.pack({
    type='live.frame', topic=ARGV[1], text=ARGV[2], epoch='', seq=0, origin=ARGV[3]}))
"""


class RedisBroker:
    """Redis numbers and carries; this process's own phones are served first, and also without Redis."""

    _short_history = (settings.LIVE_HISTORY_MESSAGES, settings.LIVE_HISTORY_SECONDS)

    def __init__(self, to: Hub, url: str) -> None:
        self._hub = to
        self._redis: Any = redis.Redis.from_url(url, decode_responses=True, socket_timeout=1, socket_connect_timeout=1)
        self._breaker = Breaker(redis.RedisError)
        self._publish = self._redis.register_script(_PUBLISH)
        self._pass_on = self._redis.register_script(_PASS_ON)
        self._alone = MemoryBroker(to)
        self._has_lost = False
        self._waiting: queue.SimpleQueue[tuple[str, str, bool] | threading.Event] = queue.SimpleQueue()
        self._publisher = threading.Thread(target=self._publish_waiting, name="publisher", daemon=True)
        self._publisher.start()

    @staticmethod
    def _group(topic: str) -> str:
        return f"pika__group__{topic}"  # channels_redis' name for the group, prefix "pika"

    def publish(self, topic: str, body: str, keep: bool = True) -> None:
        self._waiting.put((topic, body, keep))

    def settle(self) -> None:
        done = threading.Event()
        self._waiting.put(done)
        done.wait(5)

    def _publish_waiting(self) -> None:
        """One thread says everything, in order; what waits together goes in one round trip."""
        while True:
            batch = [self._waiting.get()]
            while len(batch) < 200 and not self._waiting.empty():
                batch.append(self._waiting.get())
            said = [item for item in batch if isinstance(item, tuple)]
            try:
                self._breaker(partial(self._say, said))
            except (redis.RedisError, Away) as error:
                # The writes are done and stand. Our own phones hear it now, the others by resync.
                counters["lost"] += len(said)
                self._has_lost = True
                log.warning("redis is away, told only this process's phones: %s", error)
                for topic, body, keep in said:
                    self._alone.publish(topic, body, keep)
            except Exception:
                log.exception("could not publish")
            for item in batch:
                if isinstance(item, threading.Event):
                    item.set()

    def _say(self, said: list[tuple[str, str, bool]]) -> None:
        pipe = self._redis.pipeline(transaction=False)
        for topic, body, keep in said:
            if keep:
                self._publish(
                    keys=[f"pika:topic:{topic}", f"pika:history:{topic}", self._group(topic)],
                    args=[topic, body, secrets.token_hex(4), self._hub.origin, *self._short_history],
                    client=pipe,
                )
            else:
                self._pass_on(keys=[self._group(topic)], args=[topic, body, self._hub.origin], client=pipe)
        for (topic, body, keep), answer in zip(said, pipe.execute(), strict=True):
            if keep:
                epoch, seq, text = answer
                self._hub.hand_over(Frame(topic, text, epoch, int(seq)))
            else:
                self._hub.hand_over(Frame(topic, body))

    def position(self, topic: str) -> Position:
        try:
            epoch, seq = self._breaker(lambda: self._redis.hmget(f"pika:topic:{topic}", "epoch", "seq"))
        except (redis.RedisError, Away):
            return self._alone.position(topic)
        return Position(epoch or "new", int(seq or 0))

    def history(self, topic: str, since: Position) -> list[str] | None:
        try:
            pipe = self._redis.pipeline(transaction=True)
            pipe.hmget(f"pika:topic:{topic}", "epoch", "seq")
            pipe.lrange(f"pika:history:{topic}", 0, -1)
            (epoch, seq), kept = self._breaker(pipe.execute)
        except (redis.RedisError, Away):
            return None
        if epoch != since.epoch or since.seq > int(seq):
            return None
        rows = [row.partition(" ") for row in kept]
        missed = [text for number, _, text in rows if int(number) > since.seq]
        return missed if len(missed) == int(seq) - since.seq else None

    def count_listeners(self, topic: str, here: set[str]) -> int:
        now, name = time.time(), f"pika:listeners:{topic}"
        alone = self._alone.count_listeners(topic, here)
        try:
            pipe = self._redis.pipeline(transaction=False)
            if here:
                pipe.zadd(name, dict.fromkeys(here, now))
            pipe.zremrangebyscore(name, 0, now - settings.LIVE_LISTENER_STICKY)
            pipe.expire(name, 3600)
            pipe.zcard(name)
            return int(self._breaker(pipe.execute)[-1])
        except (redis.RedisError, Away):
            return alone

    def may_tell(self, what: str, every: float) -> bool:
        try:
            claim = partial(self._redis.set, f"pika:told:{what}", 1, nx=True, px=int(every * 1000))
            return bool(self._breaker(claim))
        except (redis.RedisError, Away):
            return self._alone.may_tell(what, every)

    def life(self) -> str | None:
        """Which life of Redis this is; None while it cannot be reached. Another word: something was lost.

        Also a single failed round trip of ours begins a new life: no seq was taken, so nobody else could see the hole.
        On the way it says something to our own channel, for `hub.echo_at`.
        """
        has_lost, self._has_lost = self._has_lost, False
        try:
            return str(self._breaker(partial(self._ask_life, has_lost), is_probe=True))
        except (redis.RedisError, Away):
            self._has_lost |= has_lost
            return None

    def _ask_life(self, has_lost: bool) -> str:
        self._redis.set("pika:life", secrets.token_hex(4), nx=not has_lost)
        if self._hub.channel:
            self._redis.publish(self._hub.channel, get_channel_layer().serialize({"type": "live.echo"}))
        return str(self._redis.get("pika:life"))


@cache
def broker() -> MemoryBroker | RedisBroker:
    """This process's one broker."""
    return RedisBroker(hub, settings.REDIS_URL) if settings.REDIS_URL else MemoryBroker(hub)

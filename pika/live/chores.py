"""What every serving process does now and then, besides serving."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from django.conf import settings

from pika.live import messages, topics
from pika.live.broker import RedisBroker, broker
from pika.live.hub import hub
from pika.live.phone import look_after_phones
from pika.live.threads import in_thread

log = logging.getLogger(__name__)

# Rebuilds what a topic's phones should see now; the app that knows the topic registers itself.
resync: list[Callable[[str], Awaitable[None]]] = []
_told: dict[str, int] = {}
_counted: dict[str, tuple[set[str], float]] = {}


@dataclass(frozen=True)
class Chore:
    """`work` each `every` seconds; its failure is logged and it goes on."""

    every: float
    work: Callable[[], Awaitable[None]]


async def run_chore(chore: Chore) -> None:
    while True:
        try:
            await chore.work()
        except Exception:
            log.exception("%s failed", chore.work.__name__)
        await asyncio.sleep(chore.every)


def how_often(every: float, listeners: int, most: float = 30) -> float:
    """Seconds between two totals of one kind. Above 100 nobody counts heads: less often, the more there are."""
    return min(most, every + max(0, listeners - 100) / 50)


async def count_listeners() -> None:
    """Tell each stage and session how many listen, when it changed and not too often."""
    here = [topic for topic in hub.topics() if topics.split(topic)[0] in {"stage", "session"}]
    for topic in _told.keys() - here:
        del _told[topic]
    for topic in _counted.keys() - here:
        del _counted[topic]
    if here:
        await in_thread(_tell_counts, {topic: _newcomers(topic) for topic in here})


def _newcomers(topic: str) -> set[str]:
    """The devices that the broker does not know of yet; now and then all, for it forgets."""
    devices, now = set(hub.listeners(topic)), time.monotonic()
    known, at = _counted.get(topic, (set(), -1e9))
    if now - at > settings.LIVE_LISTENER_STICKY / 5:
        known, at = set(), now
    _counted[topic] = (known | devices, at)
    return devices - known


def _tell_counts(newcomers: dict[str, set[str]]) -> None:
    for topic, devices in newcomers.items():
        count = broker().count_listeners(topic, devices)
        every = how_often(settings.LIVE_LISTENER_EVERY, count)
        if count == _told.get(topic) or not broker().may_tell(f"count:{topic}", every - 0.1):
            continue
        _told[topic] = count
        kind, code = topics.split(topic)
        told = messages.listener_count(
            count, session_id=code if kind == "session" else None, stage_id=code if kind == "stage" else None
        )
        broker().publish(topic, messages.encode(told), keep=False)


class RedisWatch:
    """Notices that Redis was away, lost its memory or is not heard any more, and tells every phone what is so."""

    def __init__(self) -> None:
        self.life: str | None = ""
        self._asked_at: float | None = None  # when we last said something to ourselves

    async def look(self) -> None:
        its = broker()
        if not isinstance(its, RedisBroker):
            return
        # The line on which we only listen can be dead without a sign: a failover or a router ends no connection.
        is_deaf = self._asked_at is not None and hub.echo_at < self._asked_at
        now = time.monotonic()
        life = await in_thread(its.life)
        is_another = life is not None and self.life not in {life, ""}
        self.life, self._asked_at = life, now if life is not None else None
        if life is None:
            return
        if is_another or is_deaf:
            log.warning("redis %s, telling every phone what is so", "is back" if is_another else "was not heard")
            self._asked_at = None
            await hub.listen_anew()
            await self._resync()

    async def _resync(self) -> None:
        _counted.clear()
        for topic in hub.topics():
            try:
                for tell in resync:
                    await tell(topic)
            except Exception as error:  # a stage that is gone must not keep the others from the truth
                log.warning("cannot tell %s what is so: %s", topic, error)


CHORES = (
    Chore(settings.LIVE_LISTENER_EVERY, count_listeners),
    Chore(1.5, RedisWatch().look),
    Chore(min(5, settings.LIVE_PING / 6), look_after_phones),
)

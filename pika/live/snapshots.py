"""What a newly arrived phone is told, kept ready per topic, so that a crowd costs one query."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pika.live.messages import Message
from pika.live.threads import in_thread

FRESH_FOR = 5.0  # seconds; what changes with time alone (the next slot) is at most this old
MOST = 5000


@dataclass
class _Entry:
    message: Message
    made_at: float = field(default_factory=time.monotonic)


_NOTHING = _Entry({})


class Snapshots:
    """Built by `build(topic)` in a thread, once for everybody who waits; dropped by each message."""

    def __init__(self, build: Callable[[str], Message]) -> None:
        self._build = build
        self._ready: dict[str, _Entry] = {}
        self._building: dict[str, asyncio.Task[Message]] = {}

    async def get(self, topic: str) -> Message:
        """The snapshot of `topic`; whatever `build` raises."""
        for _ in range(3):
            entry = self._ready.get(topic)
            if entry and time.monotonic() - entry.made_at < FRESH_FOR:
                return entry.message
            task = self._building.get(topic)
            if task is None:
                task = asyncio.get_running_loop().create_task(self._make(topic))
                self._building[topic] = task
            message = await asyncio.shield(task)
            if self._ready.get(topic, _NOTHING).message is message:
                break  # else something was said meanwhile: what was built may be older than what was told
        return message

    async def _make(self, topic: str) -> Message:
        task = asyncio.current_task()
        try:
            message = await in_thread(self._build, topic)
            if self._building.get(topic) is task:  # else a message came in between
                if len(self._ready) >= MOST:
                    self._ready.clear()
                self._ready[topic] = _Entry(message)
            return message
        finally:
            if self._building.get(topic) is task:
                del self._building[topic]

    def forget(self, topic: str) -> None:
        """Something was said, or could be without us hearing it: what we have is old, what is being built may be."""
        self._ready.pop(topic, None)
        self._building.pop(topic, None)

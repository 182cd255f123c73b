"""What a newly arrived phone is told, kept ready per topic, so that a crowd costs one query."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from pika.live.messages import Message, encode
from pika.live.threads import in_thread

FRESH_FOR = 5.0  # seconds; what changes with time alone (the next slot) is at most this old
MOST = 5000


@dataclass
class Snapshot:
    """What is so on a topic. `missed` is for whoever told it: what was said since a position, read once."""

    message: Message
    made_at: float = field(default_factory=time.monotonic)
    missed: dict[str, list[str] | None] = field(default_factory=dict)

    @property
    def position(self) -> str:
        """`epoch:seq` of what it knows."""
        return f"{self.message.get('epoch')}:{self.message.get('seq')}"

    @cached_property
    def _opening(self) -> str:
        return encode(self.message)[:-1]

    def text(self, listeners: int, likes: list[str] | None) -> str:
        """As one phone gets it; what is the same for all is made into text only once."""
        mine = "" if likes is None else f',"likes":{json.dumps(likes)}'
        return f'{self._opening},"listeners":{listeners}{mine}}}'


class Snapshots:
    """Built by `build(topic)` in a thread, once for everybody who waits; dropped by each message."""

    def __init__(self, build: Callable[[str], Message]) -> None:
        self._build = build
        self._ready: dict[str, Snapshot] = {}
        self._building: dict[str, asyncio.Task[Snapshot]] = {}

    async def get(self, topic: str) -> Snapshot:
        """The snapshot of `topic`; whatever `build` raises."""
        for _ in range(3):
            entry = self._ready.get(topic)
            if entry and time.monotonic() - entry.made_at < FRESH_FOR:
                return entry
            task = self._building.get(topic)
            if task is None:
                task = asyncio.get_running_loop().create_task(self._make(topic))
                self._building[topic] = task
            made = await asyncio.shield(task)
            if self._ready.get(topic) is made:
                break  # else something was said meanwhile: what was built may be older than what was told
        return made

    async def _make(self, topic: str) -> Snapshot:
        task = asyncio.current_task()
        try:
            made = Snapshot(await in_thread(self._build, topic))
            if self._building.get(topic) is task:  # else a message came in between
                if len(self._ready) >= MOST:
                    self._ready.clear()
                self._ready[topic] = made
            return made
        finally:
            if self._building.get(topic) is task:
                del self._building[topic]

    def forget(self, topic: str) -> None:
        """Something was said, or could be without us hearing it: what we have is old, what is being built may be."""
        self._ready.pop(topic, None)
        self._building.pop(topic, None)

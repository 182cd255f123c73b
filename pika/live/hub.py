"""One hub per process: topic → connections. A frame arrives once and is written to each of them.

Everything here runs on the server's event loop, except `hand_over`, the door for other threads.
"""

import asyncio
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from channels.layers import get_channel_layer

from pika.live.counters import counters
from pika.live.wire import Batch

log = logging.getLogger(__name__)

HOLE_PATIENCE = 0.2  # seconds a frame waits for an earlier one that is still under way


@dataclass(frozen=True, slots=True)
class Frame:
    """A text frame for a topic. `seq` 0: transient, it has no place in the order."""

    topic: str
    text: str
    epoch: str = ""
    seq: int = 0


class Connection(Protocol):
    """Something that listens. `listener` names the device in the listener count; empty: not counted.

    `write_batch` queues text frames; it never blocks and never raises.
    """

    listener: str
    write_batch: "Write"


Write = Callable[[Batch], None]


@dataclass
class _Floor:
    """The connections of one topic, and how far they have been told."""

    # A dict is walked in the order of arrival, which is that of memory: twice as fast as a set of thousands.
    writes: dict[Connection, Write] = field(default_factory=dict)
    listeners: dict[Connection, str] = field(default_factory=dict)
    devices: Counter[str] = field(default_factory=Counter)
    epoch: str = ""
    seq: int = 0
    early: dict[int, Frame] = field(default_factory=dict)
    outbox: list[str] = field(default_factory=list)
    joining: "asyncio.Future[None] | None" = None

    def count(self, connection: Connection, device: str) -> None:
        """`connection` is `device`'s from now on; empty: nobody's."""
        before = self.listeners.pop(connection, "")
        if before:
            self.devices[before] -= 1
            if not self.devices[before]:
                del self.devices[before]
        if device:
            self.listeners[connection] = device
            self.devices[device] += 1


class Hub:
    def __init__(self) -> None:
        self.origin = secrets.token_hex(6)
        self.loop: asyncio.AbstractEventLoop | None = None
        # Called with a topic when something was said on it, and when we begin or stop to listen to it.
        self.on_change: list[Callable[[str], None]] = []
        self._floors: dict[str, _Floor] = {}
        self.channel = ""
        self.echo_at = 0.0  # time.monotonic of the last thing said to our own channel
        self._tasks: list[asyncio.Task[None]] = []
        self._starting: asyncio.Task[None]
        self._listening: asyncio.Task[None]

    # --- On the loop -------------------------------------------------------------------------------
    async def start(self, chores: Iterable[Callable[[], Coroutine[Any, Any, None]]] = ()) -> None:
        """Bind to the running loop. Called by the first connection; a new loop starts afresh."""
        loop = asyncio.get_running_loop()
        if self.loop is not loop:
            self.loop, self._floors, self._tasks, self.channel = loop, {}, [], ""
            self._starting = loop.create_task(self._start(chores))
        await asyncio.shield(self._starting)  # everybody else waits until there is a channel to join with

    async def _start(self, chores: Iterable[Callable[[], Coroutine[Any, Any, None]]]) -> None:
        loop = asyncio.get_running_loop()
        if get_channel_layer():
            await _try(self._open())
            self._listening = loop.create_task(self._listen())
        self._tasks += [loop.create_task(chore()) for chore in chores]

    async def _open(self) -> None:
        """Have a channel of our own, and all our topics on it."""
        layer = get_channel_layer()
        self.channel = await layer.new_channel()  # from now on whoever joins, joins with it
        try:
            for topic in self.topics():
                await layer.group_add(topic, self.channel)
        except BaseException:  # also cancelled, when it took too long: half of our topics are no channel
            self.channel = ""
            raise

    async def listen_anew(self) -> None:
        """Over new connections: the layer does not notice that its old ones are dead."""
        self._listening.cancel()
        self.channel = ""
        await _try(get_channel_layer().flush())
        await _try(self._open())
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    async def join(self, topic: str, connection: Connection) -> None:
        """From now on `connection` hears `topic`, whoever says it."""
        floor = self._floors.get(topic)
        if floor is None:
            floor = self._floors[topic] = _Floor()
            self._change(topic)
            if self.channel:  # without one: `_open` adds the topic as soon as there is one
                floor.joining = asyncio.ensure_future(_try(get_channel_layer().group_add(topic, self.channel)))
        floor.writes[connection] = connection.write_batch
        floor.count(connection, connection.listener)
        # A second phone must not read its snapshot before we can hear what comes after.
        if floor.joining and not floor.joining.done():
            await asyncio.shield(floor.joining)

    async def leave(self, topic: str, connection: Connection) -> None:
        """The opposite of `join`; the last one to leave puts out the light."""
        floor = self._floors.get(topic)
        if floor is None:
            return
        floor.writes.pop(connection, None)
        floor.count(connection, "")
        if not floor.writes:
            del self._floors[topic]
            self._change(topic)
            if self.channel:
                await _try(get_channel_layer().group_discard(topic, self.channel))

    def topics(self) -> list[str]:
        return list(self._floors)

    def listeners(self, topic: str) -> Collection[str]:
        """The devices listening to `topic` in this process."""
        floor = self._floors.get(topic)
        return floor.devices.keys() if floor else ()

    def receive(self, frame: Frame) -> None:
        """A frame from this process or another, in any order; leaves in the order of its seq."""
        if frame.seq:
            self._change(frame.topic)
        floor = self._floors.get(frame.topic)
        if floor is None:
            return
        if frame.seq == 0:
            self._write(floor, frame)
        elif frame.epoch != floor.epoch:
            floor.epoch, floor.early = frame.epoch, {}
            self._write(floor, frame)
        elif frame.seq > floor.seq:
            floor.early[frame.seq] = frame
            self._write_ready(floor)
            if floor.early:
                asyncio.get_running_loop().call_later(HOLE_PATIENCE, self._give_up_waiting, floor, frame.seq)

    def say(self, topic: str, text: str) -> None:
        """Write a frame of this process's own making (a snapshot after a resync) to the topic's phones."""
        if floor := self._floors.get(topic):
            self._put(floor, text)

    def _change(self, topic: str) -> None:
        for tell in self.on_change:
            tell(topic)

    def _write_ready(self, floor: _Floor) -> None:
        while frame := floor.early.pop(floor.seq + 1, None):
            self._write(floor, frame)

    def _give_up_waiting(self, floor: _Floor, seq: int) -> None:
        """The hole before `seq` did not close: go on; the phones see the gap and ask."""
        for early in sorted(number for number in floor.early if number <= seq):
            counters["late"] += 1
            self._write(floor, floor.early.pop(early))
        self._write_ready(floor)

    def _write(self, floor: _Floor, frame: Frame) -> None:
        floor.seq = frame.seq or floor.seq
        self._put(floor, frame.text)

    def _put(self, floor: _Floor, text: str) -> None:
        """What comes back to back leaves in one write per phone, with the next pass of the loop."""
        floor.outbox.append(text)
        if len(floor.outbox) == 1:
            asyncio.get_running_loop().call_soon(self._flush, floor)

    def _flush(self, floor: _Floor) -> None:
        batch, floor.outbox = Batch.of(floor.outbox), []
        # Nobody joins or leaves meanwhile: a phone that breaks is cleared up by a task of its own.
        for write in floor.writes.values():
            write(batch)

    async def _listen(self) -> None:
        """Frames of the other processes, through the channel layer."""
        layer = get_channel_layer()
        while True:
            try:
                if not self.channel:
                    await self._open()
                message = await layer.receive(self.channel)
                if message["type"] == "live.echo":
                    self.echo_at = time.monotonic()
                elif message.get("origin") != self.origin:
                    self.receive(Frame(message["topic"], message["text"], message["epoch"], message["seq"]))
            except asyncio.CancelledError:
                raise
            except Exception:  # Redis is away, or another version speaks: neither may make us deaf
                log.exception("the channel layer failed, trying again")
                await asyncio.sleep(0.5)

    # --- From any thread -----------------------------------------------------------------------------
    def hand_over(self, frame: Frame) -> None:
        """Give a frame to the loop. Without a running loop nobody listens here, and nothing happens."""
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.receive, frame)


async def _try(step: Coroutine[Any, Any, Any]) -> None:
    """Joining a group while Redis is away must not break the phone; we join again on its return."""
    try:
        await asyncio.wait_for(step, 3)
    except Exception as error:
        log.warning("the channel layer is away: %s", error)


hub = Hub()

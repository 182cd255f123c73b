"""What survives: Redis killed and frozen, web processes killed and restarted, in the middle of a set.

Each web process has its own port, a DJ with a stage of his own who plays a song every PLAY_EVERY seconds, and its share
of each stage's phones. All the time people walk in (a new phone: is its first screen right, may it like?) and open
pages. A phone is right when its line is open and it shows the newest song whose ACK the DJ had more than GRACE ago.
"""

import asyncio
import itertools
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import psycopg

from tests.load.clients import Booth, Phone, all_open
from tests.load.ground import Ground, ground
from tests.load.measure import more_files
from tests.processes import manage
from tests.redis_server import RedisServer

ROUNDS = 2
PLAY_EVERY, GRACE = 2.0, 0.5
OUTAGE, FREEZE = 4.0, 3.0  # seconds
SILENCE = 7.0  # after the return of Redis
STEADY, LIMIT = 4.5, 60.0  # a round is over when all were right for so long, or never will be
LOOK_EVERY, VISIT_EVERY = 0.05, 0.5
# What we promise, in seconds.
REDIS_RIGHT, AFTER_BACK_OFF = 5.0, 3.0
# Frozen: nobody can know before the timeout of 2 s, and what waits in the meantime may meet a second one.
OWN_LATE = {"redis killed": 1.0, "redis lines cut": 1.0, "redis frozen": 5.0}
SNAPSHOT_AGE = 5.0  # a process that cannot hear the others shows newcomers what is at most so old
FAULTS = ("redis killed", "redis frozen", "redis lines cut", "web killed", "web restarted")

STAGES = """
from events.models import Event; from stages.models import Stage
event = Event.objects.get(slug="bench")
for number in range(%d):
    print(Stage.objects.create(event=event, name=f"Floor {number}").code)
"""


@dataclass
class Visit:
    """Somebody new at the door, or a page opened."""

    at: float
    seconds: float
    trouble: str = ""
    is_stale: bool = False  # was shown a song that was not the newest any more


@dataclass
class Round:
    """One fault and what it did, in seconds and heads."""

    fault: str
    down_s: float = 0.0
    right_s: float = 0.0  # Redis: from its return, web: from the kill, until every phone was right for good
    after_back_off_s: float = 0.0  # web: what the slowest needed beyond its own back-off and the process's start
    back_off_s: float = 0.0  # web: the longest a phone waited by itself
    own_late_s: float = 0.0  # the DJ's own process: from the ACK to the last of its phones
    ack_s: float = 0.0  # the slowest ACK to a DJ whose process was there
    page_s: float = 0.0
    walk_in_s: float = 0.0
    nacks: int = 0
    pages_failed: int = 0
    walk_ins_failed: int = 0
    walk_ins_stale: int = 0
    dropped: int = 0  # phones that lost their line and should not have
    notes: list[str] = field(default_factory=list)


class Evening:
    """Everybody who is there, on one loop."""

    def __init__(self, its: Ground, stages: list[str], redis: RedisServer, phones: int) -> None:
        self.its, self.stages, self.redis = its, stages, redis
        sockets = [process.ws for process in its.processes]
        self.booths = [Booth(stage, its.token, url) for stage, url in zip(stages, sockets, strict=True)]
        self.booth_of = dict(zip(stages, self.booths, strict=True))
        homes = itertools.product(stages, sockets)
        self.phones = [Phone(*where) for where in itertools.islice(itertools.cycle(homes), phones)]
        self.away: set[str] = set()  # processes nobody new should go to
        self.walk_ins: list[Visit] = []
        self.pages: list[Visit] = []
        self.rounds: list[Round] = []
        self._refused_elsewhere: list[tuple[float, str]] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_playing, self._silent_until = True, 0.0
        self.wrong_at_end = 0

    # --- What goes on all the time ---------------------------------------------------------------------
    async def begin(self) -> None:
        for line in [*self.booths, *self.phones]:
            line.start()
        await all_open([*self.booths, *self.phones])
        for number, booth in enumerate(self.booths):
            self._go(self._play(booth, number * PLAY_EVERY / len(self.booths)))
        self._go(self._look())
        self._go(self._visits())
        await asyncio.sleep(2 * PLAY_EVERY)

    def _go(self, what: Any) -> None:
        task = asyncio.create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _play(self, booth: Booth, after: float) -> None:
        await asyncio.sleep(after)
        while self._is_playing:
            if time.monotonic() > self._silent_until:
                booth.play()
            await asyncio.sleep(PLAY_EVERY)

    async def _look(self) -> None:
        """Who is wrong right now."""
        while True:
            now = time.monotonic()
            due = {stage: booth.acked(now - GRACE) for stage, booth in self.booth_of.items()}
            for phone in self.phones:
                if not phone.is_open or phone.shown < due[phone.stage]:
                    phone.bad_at = now
            await asyncio.sleep(LOOK_EVERY)

    async def _visits(self) -> None:
        for stage, process in itertools.cycle(itertools.product(self.stages, self.its.processes)):
            if process.url not in self.away:
                self._go(self._walk_in(stage, process.ws))
                for path, posted in ((f"/s/{stage}", None), ("/api/v1/guests", b"")):
                    self._go(self._open_page(urllib.request.Request(process.url + path, posted)))
            await asyncio.sleep(VISIT_EVERY)

    async def _walk_in(self, stage: str, url: str) -> None:
        """A new phone: its first screen must be right, and a like of what it sees must be taken."""
        phone, at = Phone(stage, url), time.monotonic()
        booth, trouble, first = self.booth_of[stage], "", 0
        due, newest = booth.acked(at - SNAPSHOT_AGE), booth.acked(at)
        phone.start()
        try:
            await all_open([phone], 10)
            first = phone.changes[0][1] if phone.changes else 0
            if first < due:
                trouble = f"was shown Song {first} long after Song {due}"
            seconds = time.monotonic() - at
            await phone.ask("SEND_LIKE", playId=phone.play_id)
        except Exception as error:
            trouble, seconds = f"{type(error).__name__} {error}", time.monotonic() - at
        await phone.stop()
        self._refused_elsewhere += phone.refused
        self.walk_ins.append(Visit(at, seconds, trouble, first < newest))

    async def _open_page(self, request: urllib.request.Request) -> None:
        at, trouble = time.monotonic(), ""

        def get() -> None:
            with urllib.request.urlopen(request, timeout=15) as answer:
                answer.read()

        try:
            await asyncio.to_thread(get)
        except (OSError, urllib.error.HTTPError) as error:
            trouble = f"{request.selector}: {error}"
        self.pages.append(Visit(at, time.monotonic() - at, trouble))

    # --- Faults ----------------------------------------------------------------------------------------
    async def redis_fault(self, fault: str) -> Round:
        """The last song before Redis comes back must get through by itself: no other follows that would help it."""
        redis = self.redis
        begin, seconds, end = {
            "redis killed": (redis.kill, OUTAGE, redis.start),
            "redis frozen": (redis.freeze, FREEZE, redis.thaw),
            "redis lines cut": (redis.cut_listeners, 0.0, lambda: None),
        }[fault]
        at = time.monotonic()
        await asyncio.to_thread(begin)
        await asyncio.sleep(seconds)
        self._silent_until = time.monotonic() + SILENCE
        for booth in self.booths:
            booth.play()
        await asyncio.sleep(0.2)
        await asyncio.to_thread(end)
        back_at = time.monotonic()
        await asyncio.sleep(SILENCE)
        await self._until_steady()
        found = Round(fault, back_at - at, max(0.0, max(phone.bad_at for phone in self.phones) - back_at))
        for booth in self.booths:
            for number, acked_at in booth.acked_at.items():
                if at <= acked_at <= back_at:
                    own = [phone.showed(number) for phone in self.phones_with(booth)]
                    found.own_late_s = max([found.own_late_s, *((seen or back_at) - acked_at for seen in own)])
        self._witness(found, at, self.phones, self.booths)
        return found

    async def web_fault(self, fault: str, victim: int) -> Round:
        process, at = self.its.processes[victim], time.monotonic()
        self.away.add(process.url)
        await asyncio.to_thread(process.kill if fault == "web killed" else process.stop)
        await asyncio.to_thread(process.start)
        back_at = time.monotonic()
        self.away.discard(process.url)
        await self._until_steady()
        found = Round(fault, back_at - at)
        for phone in self.phones:
            if process.ws not in phone.urls or not (lost := [t for t in phone.lost_at if t >= at]):
                continue
            waited = sum(seconds for since, seconds in phone.waits if since >= at)
            found.right_s = max(found.right_s, phone.bad_at - at)
            found.back_off_s = max(found.back_off_s, waited)
            # Whoever knocks while the process starts waits at its door; that is not the back-off's business.
            could_be_right = max(lost[0] + waited, back_at)
            found.after_back_off_s = max(found.after_back_off_s, phone.bad_at - could_be_right)
        others = [phone for phone in self.phones if process.ws not in phone.urls]
        self._witness(found, at, others, [booth for booth in self.booths if process.ws not in booth.urls])
        if late := sum(phone.bad_at >= at for phone in others):
            found.notes.append(f"{late} phones of other processes were wrong for a while")
        return found

    async def _until_steady(self) -> None:
        started = time.monotonic()
        while (now := time.monotonic()) < started + LIMIT:
            await asyncio.sleep(LOOK_EVERY)
            if now - max(started, *(phone.bad_at for phone in self.phones)) > STEADY:
                return

    def _witness(self, found: Round, at: float, phones: list[Phone], booths: list[Booth]) -> None:
        """What people met since `at`: all of them, and those whose line should have held."""
        refused = [said for line in [*self.phones, *self.booths] for said in line.refused]
        nacks = [words for when, words in [*refused, *self._refused_elsewhere] if when >= at]
        pages = [visit for visit in self.pages if visit.at >= at]
        walk_ins = [visit for visit in self.walk_ins if visit.at >= at]
        failed = [visit.trouble for visit in [*pages, *walk_ins] if visit.trouble]
        found.nacks, found.pages_failed = len(nacks), sum(bool(visit.trouble) for visit in pages)
        found.walk_ins_failed = len(failed) - found.pages_failed
        found.walk_ins_stale = sum(visit.is_stale for visit in walk_ins)
        found.page_s = max((visit.seconds for visit in pages), default=0.0)
        found.walk_in_s = max((visit.seconds for visit in walk_ins), default=0.0)
        found.dropped = sum(bool(line.lost_at and line.lost_at[-1] >= at) for line in [*phones, *booths])
        waits = [
            acked_at - booth.sent_at[number] for booth in booths for number, acked_at in booth.acked_at.items()
            if booth.sent_at[number] >= at
        ]  # fmt: skip
        found.ack_s = max(waits, default=0.0)
        found.notes += sorted({*nacks, *failed})[:5]

    def phones_with(self, booth: Booth) -> list[Phone]:
        """The booth's own phones in its own process."""
        return [phone for phone in self.phones if phone.stage == booth.stage and phone.urls == booth.urls]

    # --- The end -------------------------------------------------------------------------------------
    async def end(self) -> None:
        """The last song, and time for everybody to see it."""
        self._is_playing = False
        await asyncio.sleep(PLAY_EVERY + 2)
        await self._until_steady()
        last = {booth.stage: len(booth.sent_at) - 1 for booth in self.booths}
        self.wrong_at_end = sum(not phone.is_open or phone.shown != last[phone.stage] for phone in self.phones)
        for task in list(self._tasks):
            task.cancel()
        for line in [*self.booths, *self.phones]:
            await line.stop()


def bench(
    phones: int = 200, processes: int = 2, rounds: int = ROUNDS, faults: Sequence[str] = FAULTS
) -> dict[str, Any]:
    """Every fault in turn, `rounds` times. `broken` lists the promises that were not kept."""
    more_files()
    redis = RedisServer()
    try:
        with ground(False, processes, redis.url) as its:
            stages = manage(its.process.env, "shell", "-v", "0", "-c", STAGES % processes).split()[-processes:]
            evening = Evening(its, stages, redis, phones)
            asyncio.run(_evening(evening, list(faults) * rounds))
            return _result(evening)
    finally:
        redis.kill()


async def _evening(evening: Evening, faults: list[str]) -> None:
    await evening.begin()
    victims = itertools.cycle(range(len(evening.its.processes)))
    for fault in faults:
        is_redis = fault.startswith("redis")
        one = await (evening.redis_fault(fault) if is_redis else evening.web_fault(fault, next(victims)))
        evening.rounds.append(one)
    await evening.end()


def _result(evening: Evening) -> dict[str, Any]:
    sent = sum(len(booth.sent_at) - 1 for booth in evening.booths)
    lost, doubled = _lost_and_doubled(evening)
    return {
        "header": evening.its.header,
        "phones": len(evening.phones),
        "processes": len(evening.its.processes),
        "rounds": [{key: _short(value) for key, value in asdict(one).items()} for one in evening.rounds],
        "songs": sent,
        "lost": lost,
        "doubled": doubled,
        "wrong_at_end": evening.wrong_at_end,
        "backwards": sum(phone.backwards for phone in evening.phones),
        "broken": broken(evening.rounds, evening.wrong_at_end, lost, doubled),
    }


def _short(value: Any) -> Any:
    return round(value, 2) if isinstance(value, float) else value


def _lost_and_doubled(evening: Evening) -> tuple[int, int]:
    """Songs the DJs played that are not stored; stored ones that are there twice."""
    asked = "SELECT p.title FROM stages_play p JOIN stages_session s ON s.id = p.session_id WHERE s.code = %s"
    lost = doubled = 0
    with psycopg.connect(evening.its.process.env["DATABASE_URL"]) as connection:
        for booth in evening.booths:
            titles = [title for (title,) in connection.execute(asked, [booth.session])]
            played = {f"Song {number}" for number in range(1, len(booth.sent_at))}
            lost += len(played - set(titles))
            doubled += len(titles) - len(set(titles))
    return lost, doubled


def broken(rounds: list[Round], wrong: int = 0, lost: int = 0, doubled: int = 0) -> list[str]:
    """The promises not kept, in words."""
    found = []
    for number, one in enumerate(rounds, 1):
        where = f"round {number}, {one.fault}:"
        if one.fault.startswith("redis"):
            troubles = {"NACKs": one.nacks, "pages failed": one.pages_failed, "walk-ins failed": one.walk_ins_failed}
            found += [f"{where} {count} {what}" for what, count in troubles.items() if count]
            if one.right_s > REDIS_RIGHT:
                found.append(
                    f"{where} all phones were right {one.right_s:.1f} s after its return, not {REDIS_RIGHT:g} s"
                )
            if one.own_late_s > OWN_LATE[one.fault]:
                found.append(f"{where} the DJ's own process told its phones {one.own_late_s:.1f} s after the ACK")
        elif one.after_back_off_s > AFTER_BACK_OFF:
            found.append(f"{where} a phone needed {one.after_back_off_s:.1f} s more than its back-off")
        if one.dropped:
            found.append(f"{where} {one.dropped} lines were cut that had nothing to do with it")
    ends = {"phones were wrong at the end": wrong, "songs were lost": lost, "songs were stored twice": doubled}
    return found + [f"{count} {what}" for what, count in ends.items() if count]


COLUMNS = {
    "fault": "fault",
    "down_s": "down",
    "right_s": "right",
    "back_off_s": "back-off",
    "after_back_off_s": "beyond",
    "own_late_s": "own late",
    "ack_s": "ACK",
    "page_s": "page",
    "walk_in_s": "walk-in",
    "nacks": "NACKs",
    "pages_failed": "pages✗",
    "walk_ins_failed": "walk-ins✗",
    "walk_ins_stale": "stale",
    "dropped": "cut",
}


def show(result: dict[str, Any]) -> str:
    """The table for people; seconds."""
    lines = [*result["header"], "", f"chaos, {result['phones']} phones, {result['processes']} web processes; seconds"]
    lines.append("".join(f"{title:<16}" if key == "fault" else f"{title:>10}" for key, title in COLUMNS.items()))
    for one in result["rounds"]:
        lines.append("".join(f"{one[key]:<16}" if key == "fault" else f"{one[key]:>10}" for key in COLUMNS))
        lines += [f"    {note}" for note in one["notes"]]
    lines += [
        "",
        f"songs {result['songs']}: lost {result['lost']}, doubled {result['doubled']}; "
        f"phones wrong at the end {result['wrong_at_end']}; an older song replaced a newer {result['backwards']} times",
        *(f"BROKEN: {words}" for words in result["broken"] or []),
    ]
    legend = (
        "right: until every phone was (Redis: from its return; web: from the fault). beyond: more than its back-off."
    )
    return "\n".join([*lines, legend, "every promise was kept" if not result["broken"] else "PROMISES WERE BROKEN"])

"""The timetable as it is published and as it will be: what differs, what collides, what runs late. No database."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from stages.models import Slot, SlotEdit
from stages.wall_time import night_end, night_of, show_clock

LONG = timedelta(hours=12)
NOBODY_YET = {"", "tba", "tbd", "?", "-"}
NEW, MOVED, CHANGED, CANCELLED = "new", "moved", "changed", "cancelled"


@dataclass(frozen=True)
class Entry:
    """What a line of the timetable says; `stage` is the stage's code."""

    stage: str
    starts_at: datetime
    ends_at: datetime
    dj_id: int | None = None
    dj_name: str = ""
    title: str = ""
    kind: str = "social"

    @property
    def who(self) -> str:
        return self.dj_name or self.title

    @property
    def place(self) -> tuple[str, datetime, datetime]:
        return self.stage, self.starts_at, self.ends_at


def entry_of(row: Slot | SlotEdit) -> Entry:
    """The row's words; its stage and DJ must have been fetched with it."""
    name = row.dj_name or (row.dj.name if row.dj else "")
    return Entry(row.stage.code, row.starts_at, row.ends_at, row.dj_id, name, row.title, row.kind)


@dataclass(frozen=True)
class Line:
    """A line of the working copy: what is `published` (None: new) and what it will be (`entry`; None: removed)."""

    code: str
    published: Entry | None
    entry: Entry | None
    version: int = 0
    edited_by: str = ""
    edited_at: datetime | None = None

    @property
    def shown(self) -> Entry:
        """What there is to show of it, also when it is removed."""
        shown = self.entry or self.published
        assert shown is not None
        return shown

    @property
    def change(self) -> str:
        """What publishing would do to it: new, moved, changed, cancelled, or nothing."""
        if self.entry is None:
            return CANCELLED
        if self.published is None:
            return NEW
        if self.entry.place != self.published.place:
            return MOVED
        return CHANGED if self.entry != self.published else ""

    @property
    def seen(self) -> str:
        """What somebody saw who looked at it now: another one after every change."""
        return fingerprint([self])


def fingerprint(lines: Iterable[Line]) -> str:
    """The same for the same lines, else another."""
    facts = [
        (line.code, line.version, line.published, line.entry and sorted(asdict(line.entry).items())) for line in lines
    ]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def overlay(slots: Iterable[Slot], edits: Iterable[SlotEdit]) -> list[Line]:
    """The working copy, in order."""
    by_slot, lines = {}, []
    for edit in edits:
        if edit.slot_id:
            by_slot[edit.slot_id] = edit
        else:
            lines.append(_line(edit.code, None, edit))
    lines += [_line(slot.code, entry_of(slot), by_slot.get(slot.pk)) for slot in slots]
    return sorted(lines, key=lambda line: (line.shown.starts_at, line.shown.stage, line.code))


def _line(code: str, published: Entry | None, edit: SlotEdit | None) -> Line:
    if edit is None:
        return Line(code, published, published)
    entry = None if edit.is_removed else entry_of(edit)
    return Line(code, published, entry, edit.version, str(edit.edited_by or ""), edit.edited_at)


def difference(lines: Iterable[Line]) -> list[Line]:
    """What publishing would change."""
    return [line for line in lines if line.change]


# --- Warnings: never refusals ---------------------------------------------------------------------------
def warnings(lines: Iterable[Line], stages: Mapping[str, str], zone: ZoneInfo) -> dict[str, list[str]]:
    """{code: sentences} of overlaps on a stage, DJs in two places, and ends that are probably typos."""
    found: dict[str, list[str]] = defaultdict(list)
    stay = sorted((line for line in lines if line.entry), key=lambda line: line.shown.starts_at)
    floors, djs = defaultdict(list), defaultdict(list)
    for line in stay:
        floors[line.shown.stage].append(line)
        for key in {line.shown.dj_id, line.shown.dj_name.strip().casefold()} - {None} - NOBODY_YET:
            djs[key].append(line)
        if line.shown.ends_at - line.shown.starts_at > LONG:
            hours = (line.shown.ends_at - line.shown.starts_at) // timedelta(hours=1)
            found[line.code].append(_("%(hours)s hours long. Is the end right?") % {"hours": hours})
    for floor in floors.values():
        for one, other in _meetings(floor):
            for line, its in ((one, other), (other, one)):
                _add(found[line.code], _("Overlaps with %s") % _words(its.shown, zone))
    for turns in djs.values():
        for one, other in _meetings(turns):
            if one.shown.stage != other.shown.stage:
                for line, its in ((one, other), (other, one)):
                    where = {"dj": its.shown.dj_name, "stage": stages.get(its.shown.stage, "")}
                    words = _("%(dj)s is also on %(stage)s") % where
                    _add(found[line.code], f"{words}, {_times(its.shown, zone)}")
    return {code: words for code, words in found.items() if words}


def _meetings(lines: list[Line]) -> Iterable[tuple[Line, Line]]:
    """Each line with the one before it that lasts longest, where they meet; in order of start, so never n²."""
    last = None
    for line in lines:
        if last and line.shown.starts_at < last.shown.ends_at:
            yield last, line
        if last is None or line.shown.ends_at > last.shown.ends_at:
            last = line


def _add(words: list[str], more: str) -> None:
    if more not in words:
        words.append(more)


def _times(entry: Entry, zone: ZoneInfo) -> str:
    return f"{show_clock(entry.starts_at, zone)}–{show_clock(entry.ends_at, zone)}"


def _words(entry: Entry, zone: ZoneInfo) -> str:
    return f"{entry.who}, {_times(entry, zone)}"


# --- Running late ---------------------------------------------------------------------------------------
def shifted(entry: Entry, from_at: datetime, until: datetime, minutes: int, is_now: bool) -> Entry:
    """`entry`, if it is of the night's rest (`from_at` … `until`), so many minutes later.

    From now (`is_now`), what runs already goes on for longer; from a slot, that slot and what follows moves.
    """
    by = timedelta(minutes=minutes)
    if from_at <= entry.starts_at < until:
        return replace(entry, starts_at=entry.starts_at + by, ends_at=entry.ends_at + by)
    if is_now and entry.starts_at < from_at < entry.ends_at:
        return replace(entry, ends_at=entry.ends_at + by)
    return entry


@dataclass(frozen=True)
class Shift:
    """A stage runs late: its lines before and after, and what that collides with."""

    moves: list[tuple[Line, Line]]
    clashes: list[str]
    seen: str


def shift(
    lines: list[Line],
    stages: Mapping[str, str],
    zone: ZoneInfo,
    stage: str,
    from_at: datetime,
    minutes: int,
    is_now: bool,
) -> Shift:
    """The rest of the night of `from_at` on `stage`, published and pending alike, so many minutes later."""
    night = night_of(from_at, zone)
    until = night_end(night, zone)

    def after(entry: Entry | None) -> Entry | None:
        its = entry and entry.stage == stage
        return shifted(entry, from_at, until, minutes, is_now) if entry and its else entry

    moved = [(line, replace(line, published=after(line.published), entry=after(line.entry))) for line in lines]
    changed = [(old, new) for old, new in moved if old != new]
    before, now = warnings(lines, stages, zone), warnings([new for _old, new in moved], stages, zone)
    codes = {new.code for _old, new in changed}
    clashes = []
    for old, new in changed:
        fresh = [words for words in now.get(new.code, []) if words not in before.get(old.code, [])]
        clashes += [f"{_words(new.shown, zone)}: {words}" for words in fresh]
        if new.shown.ends_at <= new.shown.starts_at:
            clashes.append(_("%s would be over before it begins") % _words(new.shown, zone))
        if new.shown.ends_at > until >= old.shown.ends_at:
            words = _("%(slot)s goes beyond the end of the night, %(end)s")
            clashes.append(words % {"slot": _words(new.shown, zone), "end": show_clock(until, zone)})
    return Shift(changed, clashes, fingerprint(chain.from_iterable(changed)) if codes else "")

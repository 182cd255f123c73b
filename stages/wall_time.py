"""Wall time in an event's zone: what people type, also in the nights when the clocks jump."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from pika.errors import Problem

NIGHT_ENDS = time(6)
_TYPED = re.compile(r"(\d{1,2})(?:[:.h]?(\d{2})|h|:|\.)?\s*([+-]\d{2}:\d{2})?\Z")


class Twice(Problem):
    """The clock shows this time twice that night; `choices` are (offset to add, words)."""

    def __init__(self, words: str, field: str, choices: list[tuple[str, str]]) -> None:
        super().__init__(words, "invalid", field=field)
        self.choices = choices


@dataclass(frozen=True)
class Clock:
    """A time as somebody typed it; `offset` says which one of two."""

    at: time
    offset: str = ""


def read_clock(text: str, field: str) -> Clock:
    """`22:00`, `9.30`, `2200`, `24:00`, `02:30 +01:00`; Problem (by `field`) for anything else."""
    found = _TYPED.match(text.strip())
    hour, minute = (int(found[1]), int(found[2] or 0)) if found else (99, 0)
    if not found or minute > 59 or (hour, minute) > (24, 0):
        raise Problem(_("“%s” is no time. Type it like 22:00.") % text.strip()[:20], "invalid", field=field)
    return Clock(time(hour % 24, minute), found[3] or "")


def instants(day: date, at: time, zone: ZoneInfo) -> list[datetime]:
    """When the clocks in `zone` show this, in UTC: once, or twice, or never."""
    naive = datetime.combine(day, at)
    both = {naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(one for one in both if one.astimezone(zone).replace(tzinfo=None, fold=0) == naive)


def offset_of(at: datetime, zone: ZoneInfo) -> str:
    """`+02:00`"""
    text = f"{at.astimezone(zone):%z}"
    return f"{text[:3]}:{text[3:5]}"


def show_clock(at: datetime, zone: ZoneInfo) -> str:
    """`22:00`; with the offset where it would be two times: `02:30 +01:00`."""
    local = at.astimezone(zone)
    shown = f"{local:%H:%M}"
    is_twice = len(instants(local.date(), local.time(), zone)) > 1
    return f"{shown} {offset_of(at, zone)}" if is_twice else shown


def night_of(at: datetime, zone: ZoneInfo) -> date:
    """The day `at` belongs to on the dance floor: it runs to 06:00 by the clock."""
    local = at.astimezone(zone)
    return local.date() - timedelta(days=1) if local.time() < NIGHT_ENDS else local.date()


def night_end(night: date, zone: ZoneInfo) -> datetime:
    """06:00 of the morning after."""
    return instants(night + timedelta(days=1), NIGHT_ENDS, zone)[0]


def _one(found: list[datetime], day: date, clock: Clock, zone: ZoneInfo, field: str) -> datetime:
    shown, on = f"{clock.at:%H:%M}", date_format(day, _("l j F"))
    if not found:
        later = datetime.combine(day, clock.at, zone).astimezone(UTC).astimezone(zone)
        words = _("%(time)s does not exist on %(day)s: the clocks jump forward that night. %(later)s does.")
        raise Problem(words % {"time": shown, "day": on, "later": f"{later:%H:%M}"}, "invalid", field=field)
    if len(found) == 1:
        return found[0]
    offsets = {offset_of(at, zone): at for at in found}
    if clock.offset in offsets:
        return offsets[clock.offset]
    first, second = offsets
    words = _("%(time)s comes twice on %(day)s: the clocks go back. Which one, “%(time)s %(a)s” or “%(time)s %(b)s”?")
    names = [(first, _("the first one")), (second, _("the second one, an hour later"))]
    raise Twice(words % {"time": shown, "day": on, "a": first, "b": second}, field, names)


def span(night: date, start: str, end: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From `start` to `end` of a dance night, in UTC; before 06:00 is the morning after, an end before the start too.

    Problem by field (`start`, `end`) for a time that does not exist, comes twice (`Twice`), or no time at all.
    """
    begin, until = read_clock(start, "start"), read_clock(end, "end")
    day = night + timedelta(days=1) if begin.at < NIGHT_ENDS else night
    starts_at = _one(instants(day, begin.at, zone), day, begin, zone, "start")
    same_day = instants(day, until.at, zone)
    if until.offset:
        same_day = [at for at in same_day if offset_of(at, zone) == until.offset] or same_day
    later = [at for at in same_day if at > starts_at]
    if not later and starts_at in same_day:
        raise Problem(_("It ends when it starts. When is it over?"), "invalid", field="end")
    if not later and (until.at < begin.at or same_day):
        day += timedelta(days=1)
        later = instants(day, until.at, zone)
    return starts_at, _one(later, day, until, zone, "end")


def same_clock(at: datetime, days: timedelta, zone: ZoneInfo) -> datetime:
    """The same time by the clock some days later; where the clocks jump over it, as much later as they jump."""
    local = at.astimezone(zone)
    moved = datetime.combine(local.date() + days, local.time(), zone).replace(fold=local.fold)
    return moved.astimezone(UTC)

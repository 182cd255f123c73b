"""The timetable as a page shows it: nights, and in each of them stages, and on each of them slots. No database."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from stages.timetable import CANCELLED, CHANGED, MOVED, Entry, Line
from stages.wall_time import night_of, show_clock


@dataclass(frozen=True)
class Row:
    """A slot on a page."""

    line: Line
    start: str
    end: str
    was: str = ""
    warnings: list[str] = field(default_factory=list)

    @property
    def entry(self) -> Entry:
        return self.line.shown


@dataclass(frozen=True)
class Floor:
    """A stage in one night."""

    code: str
    name: str
    rows: list[Row]


@dataclass(frozen=True)
class Night:
    """A dance day; it runs to 06:00."""

    day: date
    floors: list[Floor]


def board(
    lines: Iterable[Line], stages: Mapping[str, str], zone: ZoneInfo, warnings: Mapping[str, list[str]] | None = None
) -> list[Night]:
    """The lines by night and stage, the stages in their own order; nights and floors without lines are left out."""
    nights: dict[date, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        entry = line.shown
        row = _row(line, stages, zone, (warnings or {}).get(line.code, []))
        nights[night_of(entry.starts_at, zone)][entry.stage].append(row)
    return [
        Night(day, [Floor(code, name, floors[code]) for code, name in stages.items() if code in floors])
        for day, floors in sorted(nights.items())
    ]


def _row(line: Line, stages: Mapping[str, str], zone: ZoneInfo, warnings: list[str]) -> Row:
    entry = line.shown
    was = _was(line, stages, zone)
    return Row(line, show_clock(entry.starts_at, zone), show_clock(entry.ends_at, zone), was, warnings)


def _was(line: Line, stages: Mapping[str, str], zone: ZoneInfo) -> str:
    """What it was before, as far as it is another now: `Fri 22:00–00:00 Ana`."""
    old, new = line.published, line.entry
    if line.change not in {MOVED, CHANGED} or not old or not new:
        return ""
    words = []
    if line.change == MOVED:
        words.append(f"{date_format(night_of(old.starts_at, zone), 'D')} {times(old, zone)}")
    if old.stage != new.stage:
        words.append(stages.get(old.stage, ""))
    words += [getattr(old, name) for name in ("dj_name", "title", "kind") if getattr(old, name) != getattr(new, name)]
    return " · ".join(filter(None, words))


def times(entry: Entry, zone: ZoneInfo) -> str:
    """`22:00–00:00`"""
    return f"{show_clock(entry.starts_at, zone)}–{show_clock(entry.ends_at, zone)}"


def words_of(line: Line, stages: Mapping[str, str], zone: ZoneInfo) -> dict[str, str]:
    """One line, field by field, for whoever compares two."""
    entry = line.shown
    night = date_format(night_of(entry.starts_at, zone), _("l j F"))
    return {
        "stage": stages.get(entry.stage, ""),
        "day": night,
        "time": times(entry, zone),
        "dj": entry.dj_name,
        "title": entry.title,
        "kind": entry.kind,
        "removed": "1" if line.change == CANCELLED else "",
    }

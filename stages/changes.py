"""What a publication changed, as it is kept and told: plain dicts, and sentences made of them. No database."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from pika.live.messages import iso
from stages.timetable import CANCELLED, CHANGED, MOVED, NEW, Entry, Line
from stages.wall_time import night_of, show_clock

Change = dict[str, Any]


def told(entry: Entry | None, stages: Mapping[str, str]) -> Change | None:
    """The line as it is told; `stages` are the names of codes."""
    if entry is None:
        return None
    return {
        "stageId": entry.stage,
        "stageName": stages.get(entry.stage, ""),
        "startsAt": iso(entry.starts_at),
        "endsAt": iso(entry.ends_at),
        "djName": entry.who,
        "title": entry.title,
        "kind": entry.kind,
    }


def change_of(line: Line, stages: Mapping[str, str]) -> Change:
    """What publishing the line changes."""
    old, new = told(line.published, stages), told(line.entry, stages)
    return {"slotId": line.code, "change": line.change, "from": old, "to": new}


def merged(several: Iterable[Iterable[Change]]) -> list[Change]:
    """One difference of several publications, the oldest first; what came back to where it was is none."""
    together: dict[str, Change] = {}
    for changes in several:
        for change in changes:
            before = together.get(change["slotId"], change)
            together[change["slotId"]] = {**before, **change, "from": before["from"]}
    for change in together.values():
        change["change"] = _kind(change["from"], change["to"])
    return [change for change in together.values() if change["change"]]


def _kind(old: Change | None, new: Change | None) -> str:
    if old is None or new is None:
        return NEW if new else CANCELLED if old else ""
    place = ("stageId", "startsAt", "endsAt")
    if any(old[name] != new[name] for name in place):
        return MOVED
    return CHANGED if old != new else ""


def is_over(change: Change, at: datetime) -> bool:
    """Nobody needs to know any more: the slot was over, and is."""
    return all(side is None or _at(side, "endsAt") <= at for side in (change["from"], change["to"]))


def stages_of(change: Change) -> set[str]:
    """The codes of the stages it touches."""
    return {side["stageId"] for side in (change["from"], change["to"]) if side}


def _at(side: Change, name: str) -> datetime:
    return datetime.fromisoformat(side[name]).astimezone(UTC)


def when(side: Change, zone: ZoneInfo) -> str:
    """`Fri 22:00` by the day of the dance night."""
    at = _at(side, "startsAt")
    return f"{date_format(night_of(at, zone), 'D')} {show_clock(at, zone)}"


def sentence(change: Change, zone: ZoneInfo, is_stage_said: bool = True) -> str:
    """`Main Floor: Ana, Fri 22:00 → Fri 22:20`"""
    old, new = change["from"], change["to"]
    side = new or old
    stage = f"{side['stageName']}: " if is_stage_said else ""
    if change["change"] == NEW:
        return stage + _("new: %(who)s, %(at)s") % {"who": new["djName"], "at": when(new, zone)}
    if change["change"] == CANCELLED:
        return stage + _("cancelled: %(who)s, %(at)s") % {"who": old["djName"], "at": when(old, zone)}
    who = side["djName"] if old["djName"] == new["djName"] else f"{old['djName']} → {new['djName']}"
    then, now = when(old, zone), when(new, zone)
    if old["stageId"] != new["stageId"]:
        now = f"{new['stageName']} {now}"
        stage = f"{old['stageName']}: " if is_stage_said else ""
    if then == now and change["change"] == MOVED:  # only its end
        then, now = (show_clock(_at(end, "endsAt"), zone) for end in (old, new))
        return f"{stage}{who}, {when(new, zone)}–{then} → –{now}"
    return f"{stage}{who}, {then} → {now}" if then != now else f"{stage}{who}, {now}"


def body_of(changes: list[Change], zone: ZoneInfo, most: int = 4) -> str:
    """What fits on a phone's lock screen: the first few, and how many more."""
    lines = [sentence(change, zone) for change in changes[:most]]
    if rest := len(changes) - most:
        lines += [_("and %s more") % rest] if rest > 0 else []
    return "\n".join(lines)

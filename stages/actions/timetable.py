"""The timetable's working copy: add, change, remove, undo, copy a day, take in a file. Nothing here is public yet."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from events.models import Event
from pika.codes import new_long_code
from pika.errors import Problem
from stages.models import Slot, SlotEdit
from stages.timetable import Entry, Line, warnings
from stages.timetable_access import line_for_manager, working_copy
from stages.wall_time import night_of, same_clock

MOST_SLOTS = 2000


class LineChanged(Problem):
    """Somebody else changed the line since it was looked at; `line` is how it is now."""

    def __init__(self, line: Line) -> None:
        super().__init__(_("Somebody else changed this slot meanwhile."), "slot_changed", 409)
        self.line = line


def lock(event: Event) -> None:
    """One change of an event's timetable at a time; SQLite's transactions are alone in any case."""
    Event.objects.select_for_update().get(pk=event.pk)


@transaction.atomic
def save_line(event: Event, user: User, entry: Entry, code: str = "", seen: str = "") -> Line:
    """A new line, or how the one with this code will be; LineChanged if it is not any more as it was `seen`."""
    lock(event)
    line = _unchanged(event, code, seen) if code else Line(new_long_code(), None, entry)
    _write(event, user, [replace(line, entry=entry)])
    return line_for_manager(event, line.code)


@transaction.atomic
def remove_line(event: Event, user: User, code: str, seen: str) -> Line:
    """It will be cancelled with the next publication; a new one just goes."""
    lock(event)
    line = _unchanged(event, code, seen)
    if line.published is None:
        SlotEdit.objects.filter(event=event, code=code, slot=None).delete()
    else:
        _write(event, user, [replace(line, entry=None)])
    return line


@transaction.atomic
def undo_line(event: Event, code: str) -> None:
    """As it is published again; a new one goes. Twice is once."""
    lock(event)
    SlotEdit.objects.filter(event=event, slot__code=code).delete()
    SlotEdit.objects.filter(event=event, slot=None, code=code).delete()


@transaction.atomic
def add_lines(event: Event, user: User, entries: Iterable[Entry]) -> int:
    """New lines, all or none; those that are there already are left out. How many were added."""
    lock(event)
    lines = working_copy(event)
    there = {line.entry for line in lines if line.entry}
    fresh = [entry for entry in dict.fromkeys(entries) if entry not in there]
    if len(lines) + len(fresh) > MOST_SLOTS:
        raise Problem(_("That would be more than %s slots.") % MOST_SLOTS, "too_many_slots", 409)
    _write(event, user, [Line(new_long_code(), None, entry) for entry in fresh])
    return len(fresh)


def copy_day(event: Event, user: User, day: date, to: date) -> tuple[int, int]:
    """Every slot of one dance day, at the same times by the clock, on another: (copied, left out).

    Left out is what is there already, and what the clocks jump over.
    """
    zone, days = event.zone, to - day
    entries = [line.entry for line in working_copy(event) if line.entry]
    tonight = [entry for entry in entries if night_of(entry.starts_at, zone) == day]
    moved = [
        replace(entry, starts_at=same_clock(entry.starts_at, days, zone), ends_at=same_clock(entry.ends_at, days, zone))
        for entry in tonight
    ]
    copied = add_lines(event, user, [entry for entry in moved if entry.ends_at > entry.starts_at])
    return copied, len(tonight) - copied


def warnings_of(event: Event, lines: Iterable[Line]) -> dict[str, list[str]]:
    """{code: sentences} of what collides in the working copy."""
    return warnings(lines, dict(event.stages.values_list("code", "name")), event.zone)


def _unchanged(event: Event, code: str, seen: str) -> Line:
    line = line_for_manager(event, code)
    if line.seen != seen:
        raise LineChanged(line)
    return line


def _write(event: Event, user: User, lines: list[Line]) -> None:
    """The lines' edits; what is again as published needs none."""
    stages = dict(event.stages.values_list("code", "pk"))
    slots = dict(
        Slot.objects.filter(code__in=[line.code for line in lines if line.published]).values_list("code", "pk")
    )
    gone = [slots[line.code] for line in lines if line.published and line.entry == line.published]
    SlotEdit.objects.filter(slot__in=gone).delete()
    changed = [line for line in lines if line.change]
    edits = [_edit(event, user, line, stages[line.shown.stage], slots.get(line.code)) for line in changed]
    fields = ["stage", "starts_at", "ends_at", "dj", "dj_name", "title", "kind", "is_removed", "version"]
    of_slots = [edit for edit in edits if edit.slot_id]
    new = [edit for edit in edits if not edit.slot_id]
    for rows, unique in ((of_slots, "slot"), (new, "code")):
        SlotEdit.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=[unique],
            update_fields=[*fields, "edited_by", "edited_at"],
            batch_size=500,
        )


def _edit(event: Event, user: User, line: Line, stage_id: int, slot_id: int | None) -> SlotEdit:
    entry = line.shown
    return SlotEdit(
        code=new_long_code() if slot_id else line.code,
        event=event,
        slot_id=slot_id,
        stage_id=stage_id,
        starts_at=entry.starts_at,
        ends_at=entry.ends_at,
        dj_id=entry.dj_id,
        dj_name=entry.dj_name,
        title=entry.title,
        kind=entry.kind,
        is_removed=line.entry is None,
        version=line.version + 1,
        edited_by=user,
        edited_at=timezone.now(),
    )

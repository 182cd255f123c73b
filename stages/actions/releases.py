"""Publish the timetable, tell those whom it touches, run late."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.activity import note
from accounts.models import User
from events.models import Event
from pika.errors import Problem
from pika.live import messages, topics
from pika.live.publish import publish
from stages.actions.stars import plan_reminders
from stages.actions.timetable import lock
from stages.changes import Change, change_of, stages_of
from stages.models import Release, Slot, SlotEdit, Stage, Star
from stages.serializers import stage_state
from stages.timetable import Entry, Line, Shift, difference, entry_of, fingerprint, shift
from stages.timetable_access import working_copy

MOST_TOLD = 20
STALE = gettext_lazy("The timetable was changed meanwhile. This is how it is now: please look again.")


def publish_timetable(event: Event, user: User, seen: str) -> Release:
    """The working copy becomes what dancers see, if it is still as it was `seen` (see `fingerprint`)."""
    with transaction.atomic():
        lock(event)
        lines = difference(working_copy(event))
        if not lines:
            raise Problem(_("Nothing was changed since it was published."), "nothing_changed", 409)
        if fingerprint(lines) != seen:
            raise Problem(str(STALE), "timetable_changed", 409)
        release = _release(event, user, lines)
        note(user, "publish_timetable", event, event.organizer, event.slug)
    return release


def shift_stage(
    event: Event, user: User, stage: Stage, from_at: datetime, minutes: int, is_now: bool, seen: str
) -> Release:
    """The rest of the stage's night so many minutes later, published at once; what else is pending stays so."""
    with transaction.atomic():
        lock(event)
        plan = plan_shift(event, stage, from_at, minutes, is_now)
        if not plan.moves:
            raise Problem(_("Nothing is left to move on this stage tonight."), "nothing_changed", 409)
        if plan.seen != seen:
            raise Problem(str(STALE), "timetable_changed", 409)
        if any(new.shown.ends_at <= new.shown.starts_at for _old, new in plan.moves):
            raise Problem(_("A slot would be over before it begins."), "invalid", 400, field="minutes")
        _shift_edits(event, plan)
        published = [Line(old.code, old.published, new.published) for old, new in plan.moves if old.published]
        release = _release(event, user, difference(published), is_pending_kept=True)
        note(user, "shift_stage", stage.name, event.organizer, event.slug)
    return release


def plan_shift(event: Event, stage: Stage, from_at: datetime, minutes: int, is_now: bool) -> Shift:
    """What `shift_stage` would do, and what that collides with."""
    names = dict(event.stages.values_list("code", "name"))
    return shift(working_copy(event), names, event.zone, stage.code, from_at, minutes, is_now)


def _shift_edits(event: Event, plan: Shift) -> None:
    """What is pending for the moved slots, and what is new there, moves along."""
    after = {new.code: new for _old, new in plan.moves}
    edits = list(SlotEdit.objects.filter(event=event).select_related("slot"))
    moved = []
    for edit in edits:
        line = after.get(edit.slot.code if edit.slot else edit.code)
        entry = line and (line.entry or line.published)
        if entry:
            edit.starts_at, edit.ends_at, edit.version = entry.starts_at, entry.ends_at, edit.version + 1
            moved.append(edit)
    SlotEdit.objects.bulk_update(moved, ["starts_at", "ends_at", "version"], batch_size=500)


def _release(event: Event, user: User, lines: list[Line], is_pending_kept: bool = False) -> Release:
    """Make the lines true, keep what changed, and say it."""
    stages = {stage.code: stage for stage in event.stages.select_related("event")}
    names = {code: stage.name for code, stage in stages.items()}
    cancelled = [line.code for line in lines if line.entry is None]
    changes = [change_of(line, names) for line in lines]
    told = [dict(change) for change in changes]
    # A cancelled slot takes its stars with it; those who had them are still to be told.
    stars: dict[str, list[int]] = {}
    for code, guest in Star.objects.filter(slot__code__in=cancelled).values_list("slot__code", "guest_id"):
        stars.setdefault(code, []).append(guest)
    for change in changes:
        if its := stars.get(change["slotId"]):
            change["stars"] = its
    _apply(event, lines, {code: stage.pk for code, stage in stages.items()}, is_pending_kept)
    release = Release.objects.create(event=event, changes=changes, published_by=user)
    plan_reminders([line.code for line in lines if line.published and line.entry])
    _say(event, stages, told)
    return release


def _apply(event: Event, lines: Iterable[Line], stages: dict[str, int], is_pending_kept: bool) -> None:
    codes = [line.code for line in lines]
    slots = Slot.objects.select_related("stage", "dj").in_bulk(codes, field_name="code")
    new, changed, gone = [], [], []
    for line in lines:
        slot = slots.get(line.code)
        if line.entry is None:
            gone.append(line.code)
        elif slot is None:
            new.append(_fill(Slot(code=line.code), line.entry, stages))
        elif entry_of(slot) != line.entry:
            changed.append(_fill(slot, line.entry, stages))
    if not is_pending_kept:
        SlotEdit.objects.filter(event=event, slot__code__in=codes).delete()
        SlotEdit.objects.filter(event=event, slot=None, code__in=codes).delete()
    Slot.objects.filter(code__in=gone).delete()
    Slot.objects.bulk_create(new, batch_size=500)
    fields = ["stage", "starts_at", "ends_at", "dj", "dj_name", "title", "kind"]
    Slot.objects.bulk_update(changed, fields, batch_size=100)


def _fill(slot: Slot, entry: Entry, stages: dict[str, int]) -> Slot:
    slot.stage_id, slot.dj_id = stages[entry.stage], entry.dj_id
    slot.starts_at, slot.ends_at = entry.starts_at, entry.ends_at
    slot.dj_name, slot.title, slot.kind = entry.dj_name, entry.title, entry.kind
    return slot


def _say(event: Event, stages: dict[str, Stage], changes: list[Change]) -> None:
    """Phones at the event hear what changed; on the touched stages also who is next now."""
    now = timezone.now()
    publish(topics.event(event.slug), messages.schedule_changed(event.slug, changes[:MOST_TOLD], len(changes)))
    for code in sorted({code for change in changes for code in stages_of(change)} & set(stages)):
        publish(topics.stage(code), stage_state(stages[code], now))

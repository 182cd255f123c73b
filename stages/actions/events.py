"""An organizer's event with its stages: set up, change, publish, archive, do it again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone
from django.utils.translation import gettext

from accounts.activity import note
from accounts.models import Organizer, User
from events.actions import create_event
from events.models import Event
from pika.errors import Problem
from pika.live import messages, topics
from pika.live.publish import publish
from stages.actions.sessions import end_session
from stages.actions.stages import create_stage
from stages.models import Session, Slot, Stage
from stages.serializers import stage_state
from stages.state import CLOSED
from stages.wall_time import same_clock

SAME_SUBMIT = timedelta(minutes=10)


@dataclass(frozen=True)
class StageLine:
    """A stage as it shall be; without a `code` it is a new one. `is_set_over`: who is live there may be ended."""

    name: str
    code: str = ""
    is_closed: bool = False
    is_removed: bool = False
    is_set_over: bool = False


# --- Set up and change ----------------------------------------------------------------------------------
def create_weekend(
    organizer: Organizer, fields: dict[str, Any], lines: Iterable[StageLine], by: User | None = None
) -> Event:
    """A draft with its stages. The same name and days again within minutes is the same event: a double submit."""
    with transaction.atomic():
        Organizer.objects.select_for_update().get(pk=organizer.pk)
        days = {name: fields[name] for name in ("name", "starts_on", "ends_on")}
        twins = organizer.events.filter(**days, created_at__gt=timezone.now() - SAME_SUBMIT)
        if twin := twins.first():
            return twin
        event = create_event(organizer, **days, time_zone=fields["time_zone"], by=by)
        _change(event, fields, lines)
    return event


def change_weekend(event: Event, fields: dict[str, Any], lines: Iterable[StageLine], by: User | None = None) -> None:
    """Problem (409), `field` its code: a stage that was played on cannot go, a live one closes only when told so."""
    with transaction.atomic():
        _change(Event.objects.select_for_update().get(pk=event.pk), fields, lines)
        note(by, "change_event", event, event.organizer, event.slug)


def _change(event: Event, fields: dict[str, Any], lines: Iterable[StageLine]) -> None:
    shown = (event.name, event.time_zone)
    for name, value in fields.items():
        setattr(event, name, value)
    event.save()
    stages = {stage.code: stage for stage in event.stages.all()}
    for stage in stages.values():
        stage.event = event
    position = 0
    for line in lines:
        if line.is_removed:
            if line.code in stages:
                _remove(stages[line.code])
            continue
        if line.code and line.code not in stages:
            words = gettext("Somebody has removed the stage %(stage)s meanwhile. Please look again.")
            raise Problem(words % {"stage": line.name}, "stage_not_found", 409, field=line.code)
        stage = stages[line.code] if line.code else create_stage(event, line.name)
        was = (stage.name, stage.is_closed, *shown)
        stage.name, stage.is_closed, stage.position = line.name, line.is_closed, position
        stage.save(update_fields=["name", "is_closed", "position"])
        position += 1
        if line.is_closed and line.code:
            _end_sets(stage, line.is_set_over)
        if was != (stage.name, stage.is_closed, event.name, event.time_zone):
            _say_state(stage)


def _remove(stage: Stage) -> None:
    code = stage.code
    try:
        with transaction.atomic():
            stage.delete()
    except ProtectedError:
        words = gettext("There was music on %(stage)s, and it stays in the history: close the stage instead.")
        raise Problem(words % {"stage": stage.name}, "stage_in_use", 409, field=code) from None
    publish(topics.stage(code), messages.stage_state(code, CLOSED, None, None))


def _end_sets(stage: Stage, is_told_so: bool) -> None:
    """A closed stage has no DJ; whoever is live there must be meant."""
    for session in stage.sessions.live():
        if not is_told_so:
            words = gettext("%(dj)s is live on %(stage)s. Say that the set ends, or leave the stage open.")
            raise Problem(words % {"dj": session.dj_name, "stage": stage.name}, "still_live", 409, field=stage.code)
        session.stage = stage
        end_session(session, Session.Ended.CLOSED)


def _say_state(stage: Stage) -> None:
    """Phones on a public stage hear what it is now; also makes them ask anew for its name."""
    if stage.event.status != Event.Status.DRAFT:
        publish(topics.stage(stage.code), stage_state(stage, timezone.now()))


# --- Draft → published → archived, and back ----------------------------------------------------------------
def publish_event(event: Event, by: User | None = None) -> None:
    """The public may see it: a draft, or one that was over. Problem (409): the organizer may not, yet or any more."""
    if not event.organizer.is_approved:
        if event.organizer.suspended_at:
            words = gettext("Your organization is suspended: nothing of it can be public now. Please write to us.")
        else:
            words = gettext("Your organization is not approved yet: your event stays a draft until then.")
        raise Problem(words, "not_approved", 409)
    _turn(event, Event.Status.PUBLISHED, "publish_event", by)


def unpublish_event(event: Event, by: User | None = None) -> None:
    """A draft again, that nobody sees. Problem (409): while somebody is live."""
    if live := Session.objects.live().filter(stage__event=event).select_related("stage").first():
        words = gettext("%(dj)s is live on %(stage)s: the event cannot disappear now.")
        assert live.stage
        raise Problem(words % {"dj": live.dj_name, "stage": live.stage.name}, "still_live", 409)
    _turn(event, Event.Status.DRAFT, "unpublish_event", by)


def archive_event(event: Event, by: User | None = None) -> None:
    """It is over: its stages are closed, and who is still live there is ended."""
    if event.status == Event.Status.DRAFT:
        raise Problem(gettext("This event was never public: there is nothing to archive."), "invalid", 409)
    _turn(event, Event.Status.ARCHIVED, "archive_event", by)


def _turn(event: Event, status: Event.Status, verb: str, by: User | None) -> None:
    if event.status == status:
        return
    with transaction.atomic():
        event.status = status
        event.save(update_fields=["status"])
        note(by, verb, event, event.organizer, event.slug)
        for stage in event.stages.all():
            stage.event = event
            if status == Event.Status.ARCHIVED:
                _end_sets(stage, is_told_so=True)
            if status == Event.Status.DRAFT:
                publish(topics.stage(stage.code), messages.stage_state(stage.code, CLOSED, None, None))
            _say_state(stage)


# --- Again ------------------------------------------------------------------------------------------------
def duplicate_event(event: Event, name: str, starts_on: date, by: User | None = None) -> Event:
    """A draft like this one, from `starts_on`: stages with new codes, and the timetable at the same times of day."""
    later = starts_on - event.starts_on
    its = ("time_zone", "venue", "wifi", "description", "colour", "is_booth_open")
    fields = {"name": name, "starts_on": starts_on, "ends_on": event.ends_on + later}
    fields |= {field: getattr(event, field) for field in its}
    before = list(event.stages.prefetch_related("slots"))
    asked_at = timezone.now()
    with transaction.atomic():
        again = create_weekend(event.organizer, fields, [StageLine(stage.name) for stage in before], by)
        if again.created_at < asked_at:
            return again  # a double submit
        for old, new in zip(before, again.stages.all(), strict=True):
            Slot.objects.bulk_create(_later(slot, new, later, event.zone) for slot in old.slots.all())
    return again


def _later(slot: Slot, stage: Stage, later: timedelta, zone: ZoneInfo) -> Slot:
    starts_at, ends_at = (same_clock(at, later, zone) for at in (slot.starts_at, slot.ends_at))
    if ends_at <= starts_at:  # in the hour that spring takes away
        ends_at = starts_at + (slot.ends_at - slot.starts_at)
    its = {"dj_id": slot.dj_id, "dj_name": slot.dj_name, "title": slot.title, "kind": slot.kind}
    return Slot(stage=stage, starts_at=starts_at, ends_at=ends_at, **its)

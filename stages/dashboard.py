"""An event's stages at a glance, for its public page and for those who run it; as many queries for 30 as for one."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, OuterRef, Subquery, Window
from django.db.models.functions import RowNumber
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.access import manages
from accounts.models import User
from events.models import Event
from pika.live import topics
from pika.live.broker import broker
from pika.live.messages import Message
from stages import timetable
from stages.models import Session, Slot, Stage
from stages.serializers import play_of, session_of, slot_of, stage_of
from stages.state import AWAY, CHANGING, CLOSED, RECONNECTING, WAITING, StageNow, stages_now
from stages.timetable_access import working_copy

SLOTS_SHOWN = 4
WARNINGS_SHOWN = 5
LATE = timedelta(minutes=5)


@dataclass
class Floor:
    """A stage as it is now: the stage, its state, and the same as the pages' scripts know it."""

    stage: Stage
    now: StageNow
    slots: list[Slot] = field(default_factory=list)
    listeners: int = 0
    warnings: list[str] = field(default_factory=list)

    @property
    def snapshot(self) -> Message:
        """What SUBSCRIBE would tell of it, but for the history."""
        now = self.now
        return {
            "stage": stage_of(self.stage) | {"timeZone": self.stage.event.time_zone},
            "state": now.state,
            "session": session_of(now.session) if now.session else None,
            "play": play_of(now.play) if now.play else None,
            "recent": [],
            "nextSlot": slot_of(now.next_slot),
            "listeners": self.listeners,
        }


def floors_of(event: Event, at: datetime) -> list[Floor]:
    """Every stage with what plays on it."""
    stages = list(event.stages.all())
    for stage in stages:
        stage.event = event
    now = stages_now(stages, at)
    return [Floor(stage, now[stage.pk]) for stage in stages]


def next_slots(event: Event, at: datetime) -> dict[int, list[Slot]]:
    """The next few of each stage, with the one that runs; one query."""
    turn = Window(RowNumber(), partition_by="stage_id", order_by=["starts_at", "id"])
    slots = Slot.objects.filter(stage__event=event, ends_at__gt=at).annotate(turn=turn)
    by_stage: dict[int, list[Slot]] = defaultdict(list)
    for slot in slots.filter(turn__lte=SLOTS_SHOWN).select_related("dj").order_by("starts_at", "id"):
        by_stage[slot.stage_id].append(slot)
    return by_stage


# --- The dashboard -------------------------------------------------------------------------------------------
def dashboard_of(user: User, event: Event, at: datetime) -> dict[str, Any]:
    """All of it."""
    floors, slots = floors_of(event, at), next_slots(event, at)
    for floor in floors:
        floor.slots = slots[floor.stage.pk]
        floor.listeners = broker().count_listeners(topics.stage(floor.stage.code), set())
        floor.warnings = _warnings_of(floor, at)
    lines = working_copy(event)
    wrong = _timetable_warnings(event, lines, floors, at)
    return {
        "event": event,
        "organizer": event.organizer,
        "is_crew": not manages(user, event.organizer_id),
        "floors": floors,
        "listeners": sum(floor.listeners for floor in floors),
        "warnings": wrong[:WARNINGS_SHOWN],
        "more_warnings": max(0, len(wrong) - WARNINGS_SHOWN),
        "unpublished": len(timetable.difference(lines)),
        "announcements": event.announcements.counted()[:3],
        "at": at,
    }


def _warnings_of(floor: Floor, at: datetime) -> list[str]:
    """What somebody should look after now, on this stage."""
    now, zone, found = floor.now, floor.stage.event.zone, []
    if now.state == CLOSED:
        return []
    if now.state in {RECONNECTING, AWAY}:
        found.append(_("%(dj)s has lost the connection.") % {"dj": now.dj_name})
    for slot in floor.slots:
        clock = f"{slot.starts_at.astimezone(zone):%H:%M}"
        if slot.kind == Slot.Kind.SOCIAL and slot.starts_at + LATE < at and now.state in {WAITING, CHANGING}:
            found.append(_("%(dj)s should play since %(time)s, and nobody is live.") % {"dj": slot.who, "time": clock})
        if slot.starts_at > at:
            if slot.kind == Slot.Kind.SOCIAL and not slot.dj_id and _is_nobody(slot.dj_name):
                found.append(_("Nobody is down to play at %(time)s.") % {"time": clock})
            break  # only the next one: the others are the timetable's business
    return found


def _is_nobody(name: str) -> bool:
    return name.strip().casefold() in timetable.NOBODY_YET


def _timetable_warnings(event: Event, lines: list[timetable.Line], floors: Iterable[Floor], at: datetime) -> list[str]:
    """Overlaps and DJs in two places, from now on, in order of time."""
    names = {floor.stage.code: floor.stage.name for floor in floors}
    found = timetable.warnings(lines, names, event.zone)
    coming = [line for line in lines if line.code in found and line.shown.ends_at > at]
    return [f"{_place(line, names, event)}: {'; '.join(found[line.code])}" for line in coming]


def _place(line: timetable.Line, names: dict[str, str], event: Event) -> str:
    entry = line.shown
    starts_at = date_format(entry.starts_at.astimezone(event.zone), _("D H:i"))
    return ", ".join(filter(None, [starts_at, names.get(entry.stage), entry.who]))


# --- The form's rows ------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class StagesToEdit:
    """An event's stages as rows of its form; `facts` are what the page says beside each, by code."""

    initial: list[dict[str, Any]]
    facts: dict[str, dict[str, Any]]

    def with_facts(self, rows: Any) -> Any:
        """`rows`, each with its stage's facts."""
        for row in rows:
            row.facts = self.facts.get(row["code"].value() or "", {})
        return rows


def stages_to_edit(event: Event) -> StagesToEdit:
    """One query."""
    sets = Session.objects.filter(stage=OuterRef("pk")).order_by().values("stage").annotate(n=Count("pk")).values("n")
    live = Session.objects.live().filter(stage=OuterRef("pk")).order_by("-started_at").values("dj_name")[:1]
    stages = list(event.stages.annotate(sets=Subquery(sets), playing=Subquery(live), slot_count=Count("slots")))
    initial = [
        {"code": stage.code, "name": stage.name, "position": n, "is_closed": stage.is_closed}
        for n, stage in enumerate(stages, 1)
    ]
    return StagesToEdit(initial, {stage.code: _facts(stage) for stage in stages})


def _facts(stage: Any) -> dict[str, Any]:
    n = stage.slot_count
    loses = ngettext("Its %(n)s slot goes, too.", "Its %(n)s slots go, too.", n) % {"n": n} if n else ""
    return {"stage": stage, "is_played_on": bool(stage.sets), "playing": stage.playing, "loses": loses}

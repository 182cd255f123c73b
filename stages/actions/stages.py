"""Set up a floor: stages and the lines of their timetable."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from events.models import Event
from pika.errors import Problem
from pika.live import topics
from pika.live.publish import publish
from stages.models import Slot, Stage
from stages.serializers import stage_state


def create_stage(event: Event, name: str) -> Stage:
    """A new stage at the end of the event's list, with a code of its own for ever."""
    for _ in range(5):
        try:
            with transaction.atomic():
                return Stage.objects.create(event=event, name=name, position=event.stages.count())
        except IntegrityError:  # one in 887 million codes was taken
            continue
    raise Problem(gettext("No free code was found, please try again"), "no_code", 503, retry_after=1)


def add_slot(stage: Stage, starts_at: datetime, ends_at: datetime, dj_name: str = "", title: str = "") -> Slot:
    """A line of the timetable; phones on the stage hear if it is the next one."""
    if ends_at <= starts_at:
        raise Problem(gettext("endsAt: the slot ends before it starts"), "invalid", field="endsAt")
    if not (dj_name or title):
        raise Problem(gettext("djName: say who plays, or give a title"), "invalid", field="djName")
    with transaction.atomic():
        slot = Slot.objects.create(stage=stage, starts_at=starts_at, ends_at=ends_at, dj_name=dj_name, title=title)
        publish(topics.stage(stage.code), stage_state(stage, timezone.now()))
    return slot

"""Stars: a device wants to be there, and is reminded in time."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import push
from accounts.models import Guest
from pika.jobs import actions as jobs
from stages.access import not_muted
from stages.models import Slot, Stage, Star
from stages.wall_time import show_clock


def _due_at(slot: Slot) -> datetime:
    return slot.starts_at - timedelta(seconds=settings.REMIND_BEFORE)


@transaction.atomic
def star(guest: Guest, slot: Slot, now: datetime) -> None:
    """The device wants to be there. Twice is once; within the last ten minutes nobody needs to be reminded."""
    is_late = now >= _due_at(slot)
    Star.objects.get_or_create(
        guest=guest, slot=slot, defaults={"reminded_start_at": slot.starts_at if is_late else None}
    )
    if not is_late:
        plan_reminders([slot.code])


def unstar(key: str, slot: Slot) -> None:
    """Of this device and the others of its user. Twice is once."""
    Star.objects.filter(slot=slot, guest__in=Guest.objects.speaking(key)).delete()


def plan_reminders(codes: Iterable[str]) -> None:
    """A durable job for each starred slot of these; it asks for itself how late it is."""
    for slot in Slot.objects.filter(code__in=list(codes), stars__isnull=False).distinct():
        due_at = max(_due_at(slot), timezone.now())
        if due_at < slot.starts_at:
            jobs.enqueue("remind_slot", slot.code, due_at=due_at)
            jobs.hasten("remind_slot", slot.code, due_at=due_at)


def remind(code: str, now: datetime) -> datetime | None:
    """Tell those who starred the slot, each once for each start; when to come again, if it is too early."""
    slot = Slot.objects.filter(stage__in=Stage.objects.public(), code=code).select_related("stage__event", "dj").first()
    if slot is None or now >= slot.starts_at:
        return None
    if now < _due_at(slot):
        return _due_at(slot)
    with transaction.atomic():
        stars = Star.objects.select_for_update().filter(slot=slot).exclude(reminded_start_at=slot.starts_at)
        guests = list(stars.values_list("guest_id", flat=True))
        Star.objects.filter(slot=slot, guest__in=guests).update(reminded_start_at=slot.starts_at)
        event, minutes = slot.stage.event, max(1, round((slot.starts_at - now).total_seconds() / 60))
        at = show_clock(slot.starts_at, event.zone)
        push.push(
            not_muted(Guest.objects.filter(pk__in=guests), event),
            title=_("%(who)s at %(time)s") % {"who": slot.dj_name or slot.who, "time": at},
            body=_("%(stage)s, in %(minutes)s min") % {"stage": slot.stage.name, "minutes": minutes},
            url=f"/s/{slot.stage.code}",
            tag=f"slot-{slot.code}",
            ttl=max(60, int((slot.starts_at - now).total_seconds())),
            topic=f"slot-{slot.code}",
            is_urgent=False,
        )
    return None

"""The timetable's working copy, its slots and DJs, fetched and authorised in one step."""

from datetime import datetime

from django.core.signing import BadSignature, Signer
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext

from accounts.models import Guest, User
from events.models import Event
from pika.errors import Problem
from stages.access import slots_of
from stages.djs import Djs
from stages.models import Slot, SlotEdit, Stage, Star
from stages.timetable import Line, overlay

_stars = Signer(salt="pika.stars")


def working_copy(event: Event) -> list[Line]:
    """The event's timetable as it will be, with what is published beside it; two queries."""
    edits = SlotEdit.objects.filter(event=event).select_related("stage", "dj", "slot", "edited_by")
    return overlay(slots_of(event), edits)


def line_for_manager(event: Event, code: str) -> Line:
    """A line of the working copy of an event one manages."""
    for line in working_copy(event):
        if line.code == code:
            return line
    raise Problem(gettext("Slot not found"), "slot_not_found", 404, field="slotId")


def public_slot(code: str) -> Slot:
    """A published slot of a stage that anybody may see."""
    slots = Slot.objects.filter(stage__in=Stage.objects.public()).select_related("stage__event", "dj")
    slot = slots.filter(code=code).first()
    if slot is None:
        raise Problem(gettext("Slot not found"), "slot_not_found", 404, field="slotId")
    return slot


def known_djs(event: Event) -> QuerySet[User]:
    """Who may be meant by a name alone: members of the house, and those it booked before by their e-mail.

    Not everybody with an account: a slot opens the booth, and anybody may call themselves Ana.
    """
    booked = Q(slots__stage__event__organizer=event.organizer_id)
    members = Q(memberships__organizer=event.organizer_id)
    return User.objects.filter(booked | members, is_active=True).exclude(name="").distinct().order_by("name", "pk")


def users_by_email(emails: set[str]) -> dict[str, User]:
    """Those with an account, by e-mail; one query."""
    return {user.email: user for user in User.objects.filter(email__in=emails, is_active=True)}


def djs_for(event: Event, emails: set[str]) -> Djs:
    """Whom people mean at this event; two queries."""
    return Djs(list(known_djs(event)), users_by_email(emails) if emails else {})


def users_of(ids: set[int]) -> dict[int, User]:
    """These users, by id."""
    return User.objects.in_bulk(ids)


def stars_of(key: str, event: Event) -> QuerySet[Slot]:
    """The event's slots that this device or its user starred, in order."""
    return slots_of(event).filter(
        Exists(Star.objects.filter(slot=OuterRef("pk"), guest__in=Guest.objects.speaking(key)))
    )


def stars_key(key: str) -> str:
    """The secret part of the address of one person's calendar: it shows stars and can do nothing else."""
    return _stars.sign(key)


def guest_of_stars(shown: str) -> str:
    """Whose calendar it is; Problem (404) for a key that is not one of ours."""
    try:
        return _stars.unsign(shown)
    except BadSignature:
        raise Problem(gettext("Calendar not found"), "calendar_not_found", 404, field="key") from None


def changed_at(event: Event) -> datetime:
    """When the timetable was last published."""
    return event.releases.values_list("published_at", flat=True).first() or event.created_at

"""Set up an event."""

from contextlib import suppress
from datetime import date

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext

from accounts.activity import note
from accounts.models import Guest, Organizer, User
from events.models import Event, Mute
from pika.codes import new_code
from pika.errors import Problem


def create_event(
    organizer: Organizer,
    name: str,
    starts_on: date,
    ends_on: date,
    time_zone: str,
    description: str = "",
    publish: bool = False,
    by: User | None = None,
) -> Event:
    """A draft, or at once public where the organizer is approved (Problem otherwise)."""
    if publish and not organizer.is_approved:
        raise Problem(gettext("Your organization is not approved yet: save it as a draft"), "not_approved", 409)
    status = Event.Status.PUBLISHED if publish else Event.Status.DRAFT
    slug = slugify(name)[:50] or new_code().lower()
    for its in (slug, f"{slug}-{new_code(5).lower()}"):
        event = Event(
            organizer=organizer,
            name=name,
            slug=its,
            starts_on=starts_on,
            ends_on=ends_on,
            time_zone=time_zone,
            description=description,
            status=status,
        )
        with suppress(IntegrityError), transaction.atomic():  # somebody has an event of that name
            event.save()
            note(by, "create_event", event, organizer, event.slug)
            return event
    raise Problem(gettext("No free name was found, please try again"), "no_code", 503, retry_after=1)


def mute(guest: Guest, event: Event, is_muted: bool) -> None:
    """This device wants no push of the event, or wants it again; also when it subscribes anew."""
    if is_muted:
        Mute.objects.get_or_create(guest=guest, event=event)
    else:
        Mute.objects.filter(guest=guest, event=event).delete()

"""Set up an event."""

from datetime import date

from django.utils.text import slugify

from accounts.models import Organizer
from events.models import Event
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
) -> Event:
    """A draft, or at once public where the organizer is approved (Problem otherwise)."""
    if publish and not organizer.is_approved:
        raise Problem("Your organization is not approved yet: save it as a draft", "not_approved", 409)
    slug = slugify(name)[:50] or new_code().lower()
    if Event.objects.filter(slug=slug).exists():
        slug = f"{slug}-{new_code(5).lower()}"
    return Event.objects.create(
        organizer=organizer,
        name=name,
        slug=slug,
        starts_on=starts_on,
        ends_on=ends_on,
        time_zone=time_zone,
        description=description,
        status=Event.Status.PUBLISHED if publish else Event.Status.DRAFT,
    )

"""Events, fetched and authorised in one step; Problem (404) for what one may not know."""

from django.utils.translation import gettext

from accounts.models import User
from events.models import Event
from pika.errors import Problem


def public_event(slug: str) -> Event:
    """An event anybody may see."""
    event = Event.objects.public().filter(slug=slug).first()
    if event is None:
        raise Problem(gettext("Event not found"), "event_not_found", 404, field="eventId")
    return event


def event_for_member(user: User, slug: str) -> Event:
    """An event, draft or public, of an organizer that `user` works for, also as crew: to look, not to change."""
    event = Event.objects.of_member(user).select_related("organizer").filter(slug=slug).first()
    if event is None:
        raise Problem(gettext("Event not found"), "event_not_found", 404, field="eventId")
    return event


def shown_event(slug: str) -> Event:
    """An event anybody may read of: public now, or over."""
    event = Event.objects.shown().filter(slug=slug).first()
    if event is None:
        raise Problem(gettext("Event not found"), "event_not_found", 404, field="eventId")
    return event


def event_for_manager(user: User, slug: str) -> Event:
    """An event, draft or public, of an organizer that `user` manages."""
    event = Event.objects.managed_by(user).filter(slug=slug).first()
    if event is None:
        raise Problem(gettext("Event not found"), "event_not_found", 404, field="eventId")
    return event

"""Events, fetched and authorised in one step; Problem (404) for what one may not know."""

from accounts.models import User
from events.models import Event
from pika.errors import Problem


def public_event(slug: str) -> Event:
    """An event anybody may see."""
    event = Event.objects.public().filter(slug=slug).first()
    if event is None:
        raise Problem("Event not found", "event_not_found", 404, field="eventId")
    return event


def event_for_manager(user: User, slug: str) -> Event:
    """An event, draft or public, of an organizer that `user` manages."""
    event = Event.objects.managed_by(user).filter(slug=slug).first()
    if event is None:
        raise Problem("Event not found", "event_not_found", 404, field="eventId")
    return event

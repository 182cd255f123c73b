"""The timetable for people's calendars."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from icalendar import Calendar
from icalendar import Event as Entry

from events.models import Event
from stages.models import Slot


def calendar_of(event: Event, slots: Iterable[Slot], name: str, base: str, changed_at: datetime) -> bytes:
    """An iCalendar of these slots, in UTC; the same bytes while nothing changes."""
    calendar = Calendar()
    calendar.add("prodid", "-//Pika!//timetable//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("x-wr-timezone", event.time_zone)
    calendar.add("refresh-interval", timedelta(minutes=15), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", timedelta(minutes=15))
    for slot in slots:
        entry = Entry()
        entry.add("uid", f"{slot.code}@pika")
        entry.add("dtstamp", changed_at)
        entry.add("dtstart", slot.starts_at)
        entry.add("dtend", slot.ends_at)
        entry.add("summary", " · ".join(dict.fromkeys(filter(None, [slot.who, slot.title]))) or event.name)
        entry.add("location", ", ".join(filter(None, [slot.stage.name, event.venue])))
        entry.add("categories", [slot.get_kind_display()])
        entry.add("url", f"{base}/s/{slot.stage.code}")
        calendar.add_component(entry)
    return bytes(calendar.to_ical())

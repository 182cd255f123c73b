"""The timetable as dancers read it: the page, and calendars to subscribe to."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from accounts.guests import with_guest
from events.access import shown_event
from events.models import Event
from stages import access
from stages.board import board, times
from stages.ical import calendar_of
from stages.models import Slot
from stages.timetable import Line, overlay
from stages.timetable_access import changed_at, guest_of_stars, stars_key, stars_of
from stages.views.floor import public_address
from stages.views.timetable import names_of
from stages.wall_time import night_of


@with_guest
def show_timetable(request: HttpRequest, slug: str) -> HttpResponse:
    """Nights, stages, slots; what plays now and next; one's own stars."""
    event, now = shown_event(slug), timezone.now()
    key = request.guest_key  # type: ignore[attr-defined]
    stages, mine = names_of(event), reverse("stages:show_stars_calendar", args=[slug])
    slots = list(access.slots_of(event))
    lines = overlay(slots, [])
    page = {
        "event": event,
        "nights": board(lines, stages, event.zone),
        "stages": stages,
        "stars": set(stars_of(key, event).values_list("code", flat=True)),
        "now": now,
        "tonight": night_of(now, event.zone),
        "floors": _floors(lines, stages, event, now),
        "calendar": public_address(request, reverse("stages:show_calendar", args=[slug])),
        "star_calendar": f"{public_address(request, mine)}?key={stars_key(key)}",
    }
    return render(request, "stages/timetable.html", page)


def _floors(lines: list[Line], stages: dict[str, str], event: Event, now: datetime) -> list[dict[str, Any]]:
    """On each stage: who plays by the timetable, and who is next."""
    floors = []
    for code, name in stages.items():
        mine = [line for line in lines if line.shown.stage == code and line.shown.ends_at > now]
        current = next((line.shown for line in mine if line.shown.starts_at <= now), None)
        following = next((line.shown for line in mine if line.shown.starts_at > now), None)
        if current or following:
            words = {
                which: times(entry, event.zone) for which, entry in (("now", current), ("next", following)) if entry
            }
            floors.append({"code": code, "name": name, "current": current, "following": following, "times": words})
    return floors


def _calendar(request: HttpRequest, event: Event, slots: list[Slot], name: str) -> HttpResponse:
    body = calendar_of(event, slots, name, public_address(request, "/").rstrip("/"), changed_at(event))
    return HttpResponse(body, content_type="text/calendar; charset=utf-8", headers={"Cache-Control": "no-cache"})


def show_calendar(request: HttpRequest, slug: str) -> HttpResponse:
    """Every slot, for everybody."""
    event = shown_event(slug)
    return _calendar(request, event, list(access.slots_of(event)), event.name)


def show_stars_calendar(request: HttpRequest, slug: str) -> HttpResponse:
    """The slots one person starred; the key in the address says whose."""
    event = shown_event(slug)
    key = guest_of_stars(request.GET.get("key", "")[:200])
    return _calendar(request, event, list(stars_of(key, event)), f"★ {event.name}")

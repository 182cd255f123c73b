"""What the personal dashboard shows, a panel each. One that fails leaves the others alone."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.functional import Promise

from accounts.models import Guest, LoginEvent, User, UserSettings
from events.models import Event
from stages.changes import is_over, merged, sentence
from stages.models import Announcement, Release, Session, Slot, Stage, Visit
from stages.wall_time import show_clock
from tracks import journal
from tracks.models import Like

log = logging.getLogger(__name__)

Name = UserSettings.Panel
MOST_NEWS, MOST_SLOTS, MOST_SONGS, MOST_SETS = 8, 8, 6, 5
NEWS_OF = timedelta(days=60)  # who comes back after a year needs no year of announcements


@dataclass(frozen=True)
class Panel:
    """One of them; `data` is None if it failed."""

    name: str
    label: str | Promise
    data: dict[str, Any] | None

    @property
    def template(self) -> str:
        return f"tracks/panels/{self.name}.html"


@dataclass
class Who:
    """Whose dashboard it is."""

    user: User
    guest: Guest | None
    now: datetime = field(default_factory=timezone.now)


def panels_of(user: User) -> list[Panel]:
    """Those that this person wants to see, in order."""
    hidden = _try("settings", lambda: list(UserSettings.objects.filter(user=user).values_list("hidden_panels")[:1]))
    chosen = set(hidden[0][0] or ()) if hidden else set()
    who = Who(user, _try("guest", lambda: journal.guest_of_user(user)))
    wanted = [name for name in Name if name not in chosen and (name != Name.SETS or user.is_dj)]
    return [Panel(name.value, name.label, _try(name, partial(MAKERS[name], who))) for name in wanted]


def _try(what: str, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except Exception:  # whatever it is: the rest of the page is there
        log.exception("the dashboard's %s failed", what)
        return None


# --- News ----------------------------------------------------------------------------------------------------
def news(who: Who) -> dict[str, Any]:
    """What happened since the login before this one."""
    logins = list(LoginEvent.objects.filter(user=who.user).values_list("logged_in_at", flat=True)[:2])
    since = max(logins[1], who.now - NEWS_OF) if len(logins) > 1 else None
    page: dict[str, Any] = {"since": logins[1] if len(logins) > 1 else None, "items": []}
    if since is None:
        return page
    events = _followed(who.guest)
    page["items"] = sorted(_told(events, since) + _changed(events, since, who.now), key=lambda it: it["at"])[::-1]
    page["items"] = page["items"][:MOST_NEWS]
    page["loved"] = journal.likes_of(who.guest).filter(liked_at__gt=since).count()
    if who.user.is_dj:
        hearts = Like.objects.filter(play__session__dj=who.user, liked_at__gt=since).exclude(guest=who.guest)
        page["hearts"] = hearts.count()
    return page


def _followed(guest: Guest | None) -> list[Event]:
    """The events of the stages and slots this person cares for."""
    if guest is None:
        return []
    its = Q(stages__follows__guest=guest) | Q(stages__slots__stars__guest=guest)
    return list(Event.objects.shown().filter(its).distinct().order_by("-starts_on")[:30])


def _told(events: list[Event], since: datetime) -> list[dict[str, Any]]:
    told = Announcement.objects.filter(event__in=events, created_at__gt=since, cancelled_at=None)
    return [
        {"at": it.created_at, "event": it.event, "text": it.message, "is_urgent": it.priority == "urgent"}
        for it in told.select_related("event")[:MOST_NEWS]
    ]


def _changed(events: list[Event], since: datetime, now: datetime) -> list[dict[str, Any]]:
    """One line for each slot that is another now, and not over."""
    by_event: dict[int, list[Release]] = {}
    releases = Release.objects.filter(event__in=events, published_at__gt=since)
    for release in releases.order_by("published_at", "pk"):
        by_event.setdefault(release.event_id, []).append(release)
    lines = []
    for event in events:
        its = by_event.get(event.pk, [])
        for change in merged(release.changes for release in its):
            if not is_over(change, now):
                lines.append({"at": its[-1].published_at, "event": event, "text": sentence(change, event.zone)})
    return lines


# --- What comes next, songs, numbers, sets ---------------------------------------------------------------------
def coming(who: Who) -> dict[str, Any]:
    """The starred slots that are not over, and (for DJs) their own."""
    public = Slot.objects.filter(stage__in=Stage.objects.public()).select_related("stage__event", "dj")
    is_wanted = Q(stars__guest=who.guest) if who.guest else Q(pk=None)
    slots = public.filter(is_wanted | Q(dj=who.user)).upcoming(who.now).distinct()[:MOST_SLOTS]
    return {"slots": [_slot(slot, who) for slot in slots]}


def _slot(slot: Slot, who: Who) -> dict[str, Any]:
    event = slot.stage.event
    return {
        "slot": slot,
        "event": event,
        "day": slot.starts_at.astimezone(event.zone).date(),
        "start": show_clock(slot.starts_at, event.zone),
        "end": show_clock(slot.ends_at, event.zone),
        "is_own": slot.dj_id == who.user.pk,
        "is_now": slot.starts_at <= who.now,
    }


def songs(who: Who) -> dict[str, Any]:
    """The last ones this person loved."""
    last = journal.likes_of(who.guest).select_related("play__session__stage__event").order_by("-liked_at", "-pk")
    return {"likes": list(last[:MOST_SONGS])}


def numbers(who: Who) -> dict[str, Any]:
    """How much there was."""
    likes = journal.likes_of(who.guest).aggregate(songs=Count("pk"), djs=Count("play__session__dj", distinct=True))
    visits = Visit.objects.filter(guest=who.guest) if who.guest else Visit.objects.none()
    nights = visits.values("night_on", "stage__event").distinct().count()
    events = visits.aggregate(n=Count("stage__event", distinct=True))["n"]
    return {**likes, "nights": nights, "events": events}


def sets(who: Who) -> dict[str, Any]:
    """A DJ's last turns: how many songs, hearts, and people who were there."""
    last = list(Session.objects.filter(dj=who.user).order_by("-started_at").values_list("pk", flat=True)[:MOST_SETS])
    told = Q(plays__is_hidden=False, plays__published_at__isnull=False)
    its = (
        Session.objects.filter(pk__in=last)
        .select_related("stage__event")
        .annotate(
            songs=Count("plays", filter=told, distinct=True),
            hearts=Count("plays__likes", filter=told, distinct=True),
        )
        .order_by("-started_at")
    )
    return {"sets": [{"session": session, "people": _people(session)} for session in its]}


def _people(session: Session) -> int | None:
    """Who had the stage's page open meanwhile; a Quick Start does not know."""
    if session.stage is None:
        return None
    until = session.ended_at or timezone.now()
    visits = Visit.objects.filter(stage=session.stage, first_at__lte=until, last_at__gte=session.started_at)
    return visits.aggregate(n=Count("guest", distinct=True))["n"]


MAKERS: dict[Name, Callable[[Who], dict[str, Any]]] = {
    Name.NEWS: news,
    Name.NEXT: coming,
    Name.SONGS: songs,
    Name.NUMBERS: numbers,
    Name.SETS: sets,
}

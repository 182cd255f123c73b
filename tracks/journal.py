"""A person's songs: what they loved, in the order of their nights; searched, counted, a page at a time."""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet

from accounts.models import Guest, User
from events.models import Event
from pika.titles import fold
from stages.models import Play, Stage
from stages.wall_time import night_end, night_of, show_clock
from tracks.links import IDS, RECORDING, link_of
from tracks.models import Like

MOST_WORDS = 8


@dataclass(frozen=True)
class Song:
    """A like as a page shows it."""

    like: Like
    clock: str
    link: str

    @property
    def play(self) -> Play:
        return self.like.play


@dataclass(frozen=True)
class Floor:
    """Where songs were heard in one night: a stage, or (`stage` is None) a DJ's Quick Start."""

    stage: Stage | None
    name: str
    songs: list[Song] = field(default_factory=list)


@dataclass(frozen=True)
class Night:
    """A dance day; it runs to 06:00."""

    day: date
    floors: list[Floor] = field(default_factory=list)


@dataclass(frozen=True)
class Weekend:
    """An event; None: all that was no event's."""

    event: Event | None
    nights: list[Night] = field(default_factory=list)


# --- Whose, and which ------------------------------------------------------------------------------------
def likes_of(guest: Guest | None) -> QuerySet[Like]:
    """What this person loves and may see: a song that its DJ hid is not there."""
    mine = Like.objects.filter(guest=guest) if guest else Like.objects.none()
    return mine.filter(play__is_hidden=False, play__published_at__isnull=False)


def guest_of_user(user: User) -> Guest | None:
    """The guest that owns what this user's devices collected; None before the first."""
    return Guest.objects.filter(user=user).first()


def newest_first(likes: QuerySet[Like]) -> QuerySet[Like]:
    """In the order they were heard, the last one first, with all that a page says of them."""
    return with_recordings(likes).order_by("-play__played_at", "-pk")


def with_recordings(likes: QuerySet[Like]) -> QuerySet[Like]:
    """With where they were heard, and what they are known as."""
    known = likes.select_related("play__session__stage__event", f"play__{RECORDING}")
    return known.prefetch_related(f"play__{IDS}")


def of_event(likes: QuerySet[Like], slug: str) -> QuerySet[Like]:
    """Those of one event."""
    return likes.filter(play__session__stage__event__slug=slug)


def of_night(likes: QuerySet[Like], event: Event, night: date) -> QuerySet[Like]:
    """Those of one dance day of the event."""
    since, until = span_of(night, event.zone)
    return likes.filter(play__session__stage__event=event, play__played_at__gte=since, play__played_at__lt=until)


def span_of(night: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From 06:00 to 06:00."""
    return night_end(date.fromordinal(night.toordinal() - 1), zone), night_end(night, zone)


def found(likes: QuerySet[Like], words: str) -> QuerySet[Like]:
    """Those that say each of these words somewhere: title, artist, DJ, event, stage, note.

    `café` finds `CAFE` in artists and titles; elsewhere only the case does not count.
    """
    for word in words.split()[:MOST_WORDS]:
        spelled = {word} if word.isascii() else {word, word.lower(), word.upper(), word.capitalize(), _bare(word)}
        says = Q()
        for its in spelled:
            says |= Q(play__title__icontains=its) | Q(play__artist__icontains=its) | Q(note__icontains=its)
            says |= Q(play__remix__icontains=its) | Q(play__session__dj_name__icontains=its)
            says |= Q(play__session__stage__name__icontains=its)
            says |= Q(play__session__stage__event__name__icontains=its)
        if folded := fold(word):
            says |= Q(play__identity__contains=folded)
        likes = likes.filter(says)
    return likes


def _bare(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


def events_of(likes: QuerySet[Like]) -> list[tuple[str, str, int]]:
    """(slug, name, songs) of each event, the newest first; what was no event's with an empty slug, last."""
    event = "play__session__stage__event"
    rows = likes.order_by().values_list(f"{event}__slug", f"{event}__name", f"{event}__starts_on")
    counted = rows.annotate(n=Count("pk")).order_by(f"-{event}__starts_on", f"{event}__name")
    events = [(slug or "", name or "", n) for slug, name, _, n in counted]
    return sorted(events, key=lambda event: not event[0])


def nights_of(likes: QuerySet[Like]) -> dict[Event, list[date]]:
    """The events with a song, the newest first, each with its dance days, the last one first."""
    stages = "play__session__stage"
    played = likes.order_by().filter(**{f"{stages}__isnull": False}).values_list(f"{stages}__event", "play__played_at")
    events = Event.objects.in_bulk(list(likes.order_by().values_list(f"{stages}__event", flat=True).distinct()))
    nights: dict[int, set[date]] = {}
    for event, at in played.iterator(2000):
        nights.setdefault(event, set()).add(night_of(at, events[event].zone))
    newest = sorted(nights, key=lambda pk: (events[pk].starts_on, events[pk].name), reverse=True)
    return {events[pk]: sorted(nights[pk], reverse=True) for pk in newest}


# --- As a page shows them ------------------------------------------------------------------------------------
def grouped(likes: Iterable[Like]) -> list[Weekend]:
    """Event, night, stage, song: each group where its first song stands."""
    weekends: dict[int | None, Weekend] = {}
    nights: dict[tuple[int | None, date], Night] = {}
    floors: dict[tuple[int | None, date, int | str], Floor] = {}
    for like in likes:
        session = like.play.session
        stage, event = session.stage, session.stage.event if session.stage else None
        zone = event.zone if event else ZoneInfo("UTC")
        day = night_of(like.play.played_at, zone)
        its = event.pk if event else None
        if its not in weekends:
            weekends[its] = Weekend(event)
        if (its, day) not in nights:
            nights[its, day] = Night(day)
            weekends[its].nights.append(nights[its, day])
        floor = its, day, stage.pk if stage else session.dj_name
        if floor not in floors:
            floors[floor] = Floor(stage, stage.name if stage else session.dj_name)
            nights[its, day].floors.append(floors[floor])
        clock = show_clock(like.play.played_at, zone)
        floors[floor].songs.append(Song(like, clock if event else f"{clock} UTC", link_of(like.play)))
    return list(weekends.values())


def in_order(likes: QuerySet[Like], size: int = 1000) -> Iterator[Like]:
    """As they were heard, the first one first; sorted once, read in parts: 50,000 need no more memory than these."""
    ids = list(likes.order_by("play__played_at", "pk").values_list("pk", flat=True))
    for first in range(0, len(ids), size):
        part = with_recordings(Like.objects.all()).in_bulk(ids[first : first + size])
        yield from (part[pk] for pk in ids[first : first + size] if pk in part)

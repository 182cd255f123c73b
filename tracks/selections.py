"""Which songs leave: of a DJ's set, of a night or an event, the ones somebody loves; with the name they go under."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import chain, groupby

from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext

from accounts.models import Guest
from events.models import Event
from pika.codes import clean_code
from pika.errors import Problem
from stages.models import Play, Session, Stage
from stages.wall_time import night_of
from tracks import journal
from tracks.exports import Line, lines_of_likes, lines_of_plays, once_in_a_row
from tracks.links import IDS, RECORDING
from tracks.models import Like

_A_PART = 1000  # plays read at once
_SHORT = 36  # letters of a name, where a title must not be longer than 100


@dataclass(frozen=True)
class Selection:
    """Songs in the order they were heard, repeats in a row once. `kind` and `ref` say which, each time the same."""

    kind: str
    ref: str
    title: str
    words: tuple[str, ...]  # of the name of a file
    lines: Callable[[], Iterator[Line]]
    size: Callable[[], int]  # with repeats


@dataclass(frozen=True)
class Choice:
    """A part of an event that one may take along: `of` in an address."""

    of: str
    night: date
    stage: Stage | None
    count: int


# --- A set --------------------------------------------------------------------------------------------------------
def of_set(session: Session) -> Selection:
    """What its floor was told, without what the DJ hid."""
    stage, day = session.stage, day_of(session)
    return Selection(
        "set",
        session.code,
        title_of(session, _SHORT),
        (day.isoformat(), stage.name if stage else "", called(session)),
        lambda: once_in_a_row(lines_of_plays(_read(session.plays.public()))),
        session.plays.public().count,
    )


def title_of(session: Session, most: int = 80) -> str:
    """`DJ Marcus – Main Floor, 15 March 2026`; names longer than `most` are cut."""
    who, day = _cut(called(session), most), date_format(day_of(session), gettext("j F Y"))
    return f"{who} – {_cut(session.stage.name, most)}, {day}" if session.stage else f"{who}, {day}"


def called(session: Session) -> str:
    """`DJ Marcus`, also where he says he is Marcus."""
    name = " ".join(session.dj_name.split())
    return name if name.casefold().startswith("dj") else f"DJ {name}"


def day_of(session: Session) -> date:
    """The dance day it began on."""
    return night_of(session.started_at, session.stage.event.zone) if session.stage else session.started_at.date()


# --- A night, an event ----------------------------------------------------------------------------------------------
def of_event(event: Event, of: str = "") -> Selection:
    """All of it; `of` a night (`2026-11-20`), or of that one stage (`2026-11-20/CODE`), or that stage (`CODE`).

    Night by night, stage by stage. Problem (404): it has no such night or stage.
    """
    night, stage = _meant(event, of)
    words = [stage.name] if stage else []
    words += [event.name]
    title = " – ".join(_cut(its, _SHORT) for its in words)
    if night:
        title = f"{title}, {date_format(night, gettext('j F Y'))}"
    return Selection(
        "night" if night else "event",
        "/".join([event.slug, *filter(None, [night.isoformat() if night else "", stage.code if stage else ""])]),
        title,
        (event.name, night.isoformat() if night else "", stage.name if stage else ""),
        lambda: _lines_of_event(event, night, stage),
        lambda: sum(of_day.count() for of_day in _days(event, night, stage)),
    )


def choices_of(event: Event) -> list[Choice]:
    """Each night, and where it had several stages each of them, with the number of plays."""
    counted: Counter[tuple[date, int]] = Counter()
    for stage_id, at in _told(event).values_list("session__stage", "played_at").iterator(_A_PART):
        counted[night_of(at, event.zone), stage_id] += 1
    stages = list(event.stages.all())
    found = []
    for night in sorted({night for night, _ in counted}):
        its = [Choice(f"{night}/{one.code}", night, one, counted[night, one.pk]) for one in stages]
        its = [choice for choice in its if choice.count]
        found.append(Choice(night.isoformat(), night, None, sum(choice.count for choice in its)))
        found += its if len(its) > 1 else []
    return found


def _lines_of_event(event: Event, night: date | None, stage: Stage | None) -> Iterator[Line]:
    for of_day in _days(event, night, stage):
        lines = lines_of_plays(_read(of_day, "session__stage__position", "session__stage_id"))
        floors = groupby(lines, key=lambda line: line.play.session.stage_id)
        yield from chain.from_iterable(once_in_a_row(floor) for _, floor in floors)


def _days(event: Event, night: date | None, stage: Stage | None) -> Iterator[QuerySet[Play]]:
    plays = _told(event).filter(session__stage=stage) if stage else _told(event)
    for day in [night] if night else sorted({choice.night for choice in choices_of(event)}):
        since, until = journal.span_of(day, event.zone)
        yield plays.filter(played_at__gte=since, played_at__lt=until)


def _meant(event: Event, of: str) -> tuple[date | None, Stage | None]:
    day, _slash, code = of[:40].partition("/") if "-" in of[:40] else ("", "", of[:40])
    stage = event.stages.filter(code=clean_code(code)).first() if code else None
    if code and stage is None:
        raise Problem(gettext("Stage not found"), "stage_not_found", 404, field="of")
    return (_night(day) if day else None), stage


def _night(day: str) -> date:
    try:
        night = date.fromisoformat(day)
        date.fromordinal(night.toordinal() - 1)
        date.fromordinal(night.toordinal() + 2)
    except (ValueError, OverflowError):
        raise Problem(gettext("Night not found"), "night_not_found", 404, field="of") from None
    return night


# --- What somebody loves ----------------------------------------------------------------------------------------------
def of_likes(guest: Guest | None, of: str = "") -> Selection:
    """All of it; `of` an event (its slug), a night of it (`slug/2026-11-20`). Problem (404): nothing of it is that."""
    likes, event, night = _loved(guest, of)
    name = event.name if event else ""
    title = gettext("Songs I love")
    if event:
        title = f"{title} – {_cut(name, _SHORT)}"
    if night:
        title = f"{title}, {date_format(night, gettext('j F Y'))}"
    return Selection(
        "likes",
        "/".join(filter(None, [event.slug if event else "", night.isoformat() if night else ""])),
        title,
        (name, night.isoformat() if night else "", gettext("my songs")),
        lambda: once_in_a_row(lines_of_likes(journal.in_order(likes))),
        likes.count,
    )


def _loved(guest: Guest | None, of: str) -> tuple[QuerySet[Like], Event | None, date | None]:
    """The likes that `of` means, its event and its night."""
    likes = journal.likes_of(guest)
    slug, _slash, day = of[:80].partition("/")
    if not slug:
        return likes, None, None
    event = Event.objects.filter(slug=slug, pk__in=likes.values("play__session__stage__event")).first()
    if event is None:
        raise Problem(gettext("Event not found"), "event_not_found", 404, field="of")
    if not day:
        return journal.of_event(likes, slug), event, None
    night = _night(day)
    return journal.of_night(likes, event, night), event, night


# --- Reading ----------------------------------------------------------------------------------------------------
def _told(event: Event) -> QuerySet[Play]:
    return Play.objects.public().filter(session__stage__event=event)


def _read(plays: QuerySet[Play], *first: str) -> Iterator[Play]:
    """In play order, with all that a line says of them; in parts, so that thousands need no more memory than these."""
    whole = plays.select_related("session__stage__event", RECORDING).prefetch_related(IDS)
    return whole.order_by(*first, "played_at", "pk").iterator(_A_PART)


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1].rstrip()}…"

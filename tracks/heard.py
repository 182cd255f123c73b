"""“What was that at 01:10?” What played on a stage while somebody was there, loved or not."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import Guest
from stages.models import Play, Stage, Visit
from stages.wall_time import NIGHT_ENDS, instants, offset_of, read_clock, show_clock
from tracks.links import IDS, RECORDING, link_of
from tracks.models import Like

BEFORE = timedelta(minutes=6)  # a song is heard by who comes in the middle of it
AROUND = timedelta(minutes=10)  # on both sides of a time that somebody remembers
MOST_VISITS, MOST_SONGS = 200, 600


@dataclass(frozen=True)
class Heard:
    """A song as the page shows it; `is_meant`: it is the one that ran at the time somebody asks for."""

    play: Play
    clock: str
    link: str
    is_loved: bool
    is_meant: bool = False


def visits_of(guest: Guest | None) -> list[Visit]:
    """Where this person was, the last night first, in it the stages as they came to them."""
    if guest is None:
        return []
    public = Visit.objects.filter(guest=guest, stage__in=Stage.objects.public())
    return list(public.select_related("stage__event").order_by("-night_on", "-first_at", "pk")[:MOST_VISITS])


def plays_of(visit: Visit, moments: Iterable[datetime] = ()) -> list[Play]:
    """Everything public that played while they were there, and what was running when they came. With `moments` also
    what lies between, and around them: who dances has the phone in a pocket, and we saw it last long before."""
    plays = Play.objects.public().filter(session__stage=visit.stage)
    plays = plays.select_related("session", RECORDING).prefetch_related(IDS)
    since = min([visit.first_at - BEFORE, *(at - AROUND for at in moments)])
    until = max([visit.last_at, *(at + AROUND for at in moments)])
    during = plays.filter(played_at__gte=since, played_at__lte=until).order_by("played_at", "pk")[:MOST_SONGS]
    running = [play for play in plays.filter(played_at__lt=since).newest_first()[:1] if _lasted(play, visit.first_at)]
    return [*running, *during]


def _lasted(play: Play, until: datetime) -> bool:
    return play.duration_ms is not None and play.played_at + timedelta(milliseconds=play.duration_ms) > until


def songs_of(visit: Visit, guest: Guest, around: str = "") -> list[Heard]:
    """What they heard, in order. `around`: a time as somebody types it; Problem (field `around`) if it is none."""
    moments, zone = moments_of(around, visit) if around else [], visit.stage.event.zone
    plays = plays_of(visit, moments)
    meant = {nearest(plays, at).pk for at in moments} if plays else set()
    loved = set(Like.objects.filter(guest=guest, play__in=plays).values_list("play", flat=True))
    return [
        Heard(play, show_clock(play.played_at, zone), link_of(play), play.pk in loved, play.pk in meant)
        for play in plays
    ]


def moments_of(around: str, visit: Visit) -> list[datetime]:
    """When it was that time in the visit's night: once, or twice when the clocks go back, unless they say which."""
    clock, zone = read_clock(around, "around"), visit.stage.event.zone
    day = visit.night_on + timedelta(days=1) if clock.at < NIGHT_ENDS else visit.night_on
    found = instants(day, clock.at, zone) or [datetime.combine(day, clock.at, zone)]
    return [at for at in found if offset_of(at, zone) == clock.offset] or found


def nearest(plays: list[Play], at: datetime) -> Play:
    """The song that ran then: the last one that had begun, unless the first one began later."""
    begun = [play for play in plays if play.played_at <= at]
    return begun[-1] if begun else plays[0]

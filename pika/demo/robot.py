"""A robot DJ per stage: plays its set through the same actions as anybody, then hands over."""

from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from pika.demo.weekend import FLOORS, SLUG, email, set_of
from pika_dj.tracks import HeardTrack
from stages.actions import plays, sessions
from stages.actions.plays import Heard
from stages.models import Session, Slot, Stage

SONGS_PER_TURN = 9
PAUSE = timedelta(seconds=25)  # between two DJs: the floor sees who is next
NOTES = ("They like it slow tonight.", "Full floor, keep the energy up.", "Two requests for blues.", "")


def turn(code: str, now: datetime) -> datetime | None:
    """Do the next thing on this stage; when to come back, None when the demo's stage is gone."""
    stage = Stage.objects.select_related("event").filter(code=code, event__slug=SLUG).first()
    floor = next((floor for floor in FLOORS if stage and floor.name == stage.name), None)
    if stage is None or floor is None:
        return None
    robots = [email(name) for name in floor.djs]
    mine = stage.sessions.live().filter(dj__email__in=robots).select_related("dj", "stage__event").first()
    if stage.sessions.live().exclude(dj__email__in=robots).exists():
        # A person plays: robots are polite.
        if mine:
            sessions.end_session(mine)
        return now + PAUSE
    if mine is None:
        mine = _take_over(stage, robots, now)
    elif mine.plays.count() >= SONGS_PER_TURN:
        sessions.end_session(mine, note=NOTES[mine.pk % len(NOTES)])
        return now + PAUSE
    return _play_next(mine, now)


def _take_over(stage: Stage, robots: list[str], now: datetime) -> Session:
    last = stage.sessions.filter(dj__email__in=robots).order_by("-started_at").select_related("dj").first()
    first = robots.index(last.dj.email) + 1 if last else 0
    order = [User.objects.get(email=robots[(first + n) % len(robots)]) for n in range(3)]
    _write_timetable(stage, order, now)
    if last is None:
        _remember_the_evening_so_far(stage, order[-1], now)
    return sessions.go_live(order[0], order[0].name, stage)[0]


def _write_timetable(stage: Stage, order: list[User], now: datetime) -> None:
    """Who plays now and who is next, as an organizer would have planned it."""
    length = timedelta(minutes=SONGS_PER_TURN * 3.8 / settings.DEMO_SPEED)
    stage.slots.filter(ends_at__gt=now).delete()
    Slot.objects.bulk_create(
        Slot(stage=stage, starts_at=now + n * length, ends_at=now + (n + 1) * length, dj=dj, dj_name=dj.name)
        for n, dj in enumerate(order)
    )


def _remember_the_evening_so_far(stage: Stage, dj: User, now: datetime) -> None:
    """The first page a newcomer opens has a past: the DJ before played eight songs."""
    before, _ = sessions.go_live(dj, dj.name, stage)
    past = set_of(dj.email.partition("@")[0])[:8]
    heard = [_heard(before, n, track, now - timedelta(minutes=4 * (8 - n))) for n, track in enumerate(past)]
    plays.play_all(before, heard)
    sessions.end_session(before, note="Left them at 98 bpm.")


def _play_next(session: Session, now: datetime) -> datetime:
    tracks = set_of(session.dj.email.partition("@")[0])
    done = session.plays.count()
    turns_before = Session.objects.filter(dj=session.dj, pk__lt=session.pk).count()
    track = tracks[(turns_before * SONGS_PER_TURN + done) % len(tracks)]
    plays.play(session, _heard(session, done, track, now))
    seconds = (track.duration_ms or 210_000) / 1000 / settings.DEMO_SPEED
    return timezone.now() + timedelta(seconds=seconds)


def _heard(session: Session, number: int, track: HeardTrack, at: datetime) -> Heard:
    fields = {"title": track.title, "artist": track.artist, "remix": track.remix, "duration_ms": track.duration_ms}
    return Heard(uuid5(NAMESPACE_URL, f"pika-demo:{session.code}:{number}"), at, fields)

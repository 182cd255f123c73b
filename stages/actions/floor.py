"""What dancers do on a stage: follow it, wish for a tempo, say thank you."""

from collections.abc import Collection, Mapping
from datetime import date, datetime

from django.conf import settings
from django.db.models import Count
from django.utils.translation import gettext

from accounts.models import Guest
from pika.errors import Problem
from pika.limits import over_limit
from pika.live import messages, topics
from pika.live.broker import broker
from pika.live.publish import publish
from stages.models import Follow, Play, Session, Stage, Tempo, Visit


def guests_by_key(keys: Collection[str]) -> dict[str, int]:
    """{key: id} of whom these devices speak for, which may be the same for some; who is new gets a row."""
    Guest.objects.bulk_create([Guest(key=key) for key in keys], ignore_conflicts=True, batch_size=500)
    return {key: home or pk for key, pk, home in Guest.objects.filter(key__in=keys).values_list("key", "pk", "home")}


def follow_all(seen: Mapping[tuple[str, str], datetime]) -> None:
    """Write down that devices follow stages, and were there this night: {(guest key, stage code): last seen}.

    Idempotent; the first time stays.
    """
    codes = {code for _, code in seen}
    guests = guests_by_key({key for key, _ in seen})
    stages = {stage.code: stage for stage in Stage.objects.filter(code__in=codes).select_related("event")}
    follows: dict[tuple[int, int], tuple[datetime, datetime]] = {}  # phone and tablet of one person are one row
    visits: dict[tuple[int, int, date], tuple[datetime, datetime]] = {}
    for (key, code), at in seen.items():
        if key in guests and (stage := stages.get(code)):
            its = guests[key], stage.pk
            night = *its, stage.event.dance_day(at)
            follows[its] = _spanned(follows.get(its), at)
            visits[night] = _spanned(visits.get(night), at)
    Follow.objects.bulk_create(
        [Follow(guest_id=g, stage_id=s, first_at=first, last_at=last) for (g, s), (first, last) in follows.items()],
        update_conflicts=True,
        unique_fields=["guest", "stage"],
        update_fields=["last_at"],
        batch_size=500,
    )
    Visit.objects.bulk_create(
        [
            Visit(guest_id=g, stage_id=s, night_on=night, first_at=first, last_at=last)
            for (g, s, night), (first, last) in visits.items()
        ],
        update_conflicts=True,
        unique_fields=["guest", "stage", "night_on"],
        update_fields=["last_at"],
        batch_size=500,
    )


def _spanned(known: tuple[datetime, datetime] | None, at: datetime) -> tuple[datetime, datetime]:
    return (min(known[0], at), max(known[1], at)) if known else (at, at)


def _current_play(session: Session) -> Play:
    play = session.plays.public().newest_first().first() if session.is_live else None
    if play is None:
        raise Problem(gettext("Nothing plays right now"), "nothing_plays", 409)
    play.session = session
    return play


def wish_tempo(guest: Guest, session: Session, preference: str) -> None:
    """This device wants the current song faster, slower, is happy (perfect) or takes its wish back (clear).

    The DJ hears totals only, and of complaints only when enough of the floor share them.
    """
    play = _current_play(session)
    if preference == "clear":
        Tempo.objects.filter(play=play, guest=guest).delete()
    else:
        Tempo.objects.update_or_create(play=play, guest=guest, defaults={"preference": preference})
    totals = dict.fromkeys(("faster", "slower", "perfect"), 0)
    for row in play.tempos.values("preference").annotate(n=Count("pk")):
        totals[row["preference"]] = row["n"]
    topic = topics.stage(session.stage.code) if session.stage else topics.session(session.code)
    floor = max(1, broker().count_listeners(topic, set()))
    if totals["faster"] + totals["slower"] <= floor * settings.LIVE_NEGATIVE_TEMPO_SHARE:
        totals["faster"] = totals["slower"] = 0
    publish(topics.booth(session.code), messages.tempo_feedback(session.code, str(play.uuid), **totals))


def say_thanks(who: str, session: Session, reaction: str = "thank_you") -> None:
    """A thank-you for the DJ; each device every 20 s."""
    if wait := over_limit("thanks", who, 1, 20):
        raise Problem(
            gettext("Thank you! Once more in %(wait)s s.") % {"wait": wait}, "too_often", 429, retry_after=wait
        )
    publish(topics.booth(session.code), messages.reaction_received(session.code, reaction))

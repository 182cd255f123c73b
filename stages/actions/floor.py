"""What dancers do on a stage: follow it, wish for a tempo, say thank you."""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.conf import settings
from django.db.models import Count

from accounts.models import Guest
from pika.errors import Problem
from pika.limits import over_limit
from pika.live import messages, topics
from pika.live.broker import broker
from pika.live.publish import publish
from stages.models import Follow, Play, Session, Stage, Tempo


def guests_by_key(keys: Collection[str]) -> dict[str, int]:
    """{key: id} of these devices; who is new gets a row."""
    Guest.objects.bulk_create([Guest(key=key) for key in keys], ignore_conflicts=True, batch_size=500)
    return dict(Guest.objects.filter(key__in=keys).values_list("key", "pk"))


def follow_all(seen: Mapping[tuple[str, str], datetime]) -> None:
    """Write down that devices follow stages: {(guest key, stage code): last seen}. Idempotent."""
    codes = {code for _, code in seen}
    guests = guests_by_key({key for key, _ in seen})
    stages = dict(Stage.objects.filter(code__in=codes).values_list("code", "pk"))
    Follow.objects.bulk_create(
        [
            Follow(guest_id=guests[key], stage_id=stages[code], first_at=at, last_at=at)
            for (key, code), at in seen.items()
            if key in guests and code in stages
        ],
        update_conflicts=True,
        unique_fields=["guest", "stage"],
        update_fields=["last_at"],
        batch_size=500,
    )


def _current_play(session: Session) -> Play:
    play = session.plays.public().newest_first().first() if session.is_live else None
    if play is None:
        raise Problem("Nothing plays right now", "nothing_plays", 409)
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
        raise Problem(f"Thank you! Once more in {wait} s.", "too_often", 429, retry_after=wait)
    publish(topics.booth(session.code), messages.reaction_received(session.code, reaction))

"""What is played: take it in, tell the floor, take it back."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from pika.errors import Problem
from pika.jobs import actions as jobs
from pika.live import messages, topics
from pika.live.publish import publish
from pika.titles import identity
from stages.actions.telling import is_silenced, say, say_state, tell_play
from stages.models import Play, Session
from stages.serializers import track_of
from stages.state import current_session

TAKEN = gettext_lazy("This play id is in use by another session")

# Told of plays (of one session) that were recorded or corrected, inside their transaction; they raise nothing. The
# apps to the right know more about a recording than its name.
recognisers: list[Callable[[list[Play]], None]] = []


@dataclass(frozen=True)
class Heard:
    """A play as the DJ's program tells it; times are the DJ's own."""

    uuid: UUID | None
    played_at: datetime | None
    fields: dict[str, Any]
    is_hidden: bool = False
    is_replay: bool = False


def play(session: Session, heard: Heard, sent_at: datetime | None = None) -> tuple[Play, bool]:
    """Record one play and tell the floor. The same uuid again is the same play: (it, False).

    Problem (409): the uuid belongs to another session.
    """
    its, is_new = play_all(session, [heard], sent_at)[0]
    if its is None:
        raise Problem(str(TAKEN), "play_id_taken", 409, field="playId")
    return its, is_new


def play_all(
    session: Session, many: Iterable[Heard], sent_at: datetime | None = None
) -> list[tuple[Play | None, bool]]:
    """Record plays in this order: (the play, whether it is new) for each, (None, False) where its uuid is taken.

    The floor hears only the newest of them.
    """
    now = timezone.now()
    skew = _skew(now, sent_at)
    wanted = list(many)
    uuids = [heard.uuid or uuid4() for heard in wanted]
    try:  # nearly always all are new, and asking first would cost every play a query
        return _record(session, wanted, uuids, {}, now, skew)
    except IntegrityError:
        known = Play.objects.only("uuid", "session_id").in_bulk(uuids, field_name="uuid")
    return _record(session, wanted, uuids, known, now, skew)


def _record(
    session: Session, wanted: list[Heard], uuids: list[UUID], known: dict[UUID, Play], now: datetime, skew: timedelta
) -> list[tuple[Play | None, bool]]:
    known = dict(known)
    with transaction.atomic():
        # This write is also the lock: what the socket and the outbox bring at once comes in turn, and after
        # the pause or the end that was there first.
        Session.objects.filter(pk=session.pk).update(active_at=now)
        session.refresh_from_db(fields=["is_paused", "delay_seconds", "ended_at", "stopped_at"])
        results: list[tuple[Play | None, bool]] = []
        fresh = []
        for heard, uuid in zip(wanted, uuids, strict=True):
            if there := known.get(uuid):
                there.session = session if there.session_id == session.pk else there.session
                results.append((there if there.session_id == session.pk else None, False))
                continue
            known[uuid] = _made(session, heard, uuid, now, skew)  # twice in one batch is once, too
            fresh.append(known[uuid])
            results.append((known[uuid], True))
        Play.objects.bulk_create(fresh)
        if fresh:
            _recognise(fresh)
            _tell_or_wait(session, fresh, now)
    return results


def _recognise(plays: list[Play]) -> None:
    for recognise in recognisers:
        recognise(plays)


def _skew(now: datetime, sent_at: datetime | None) -> timedelta:
    """How far the DJ's clock is off; small differences are the network's, a century is nobody's clock."""
    skew = now - sent_at if sent_at else timedelta()
    is_clock = settings.LIVE_CLOCK_SKEW < abs(skew.total_seconds()) < 100 * 365 * 86400
    return skew if is_clock else timedelta()


def _corrected(played_at: datetime | None, skew: timedelta, now: datetime) -> datetime:
    try:
        return min(played_at + skew, now) if played_at else now
    except OverflowError:  # year 1 or 9999
        return now


def _made(session: Session, heard: Heard, uuid: UUID, now: datetime, skew: timedelta) -> Play:
    # What comes after the end is history: neither delay nor pause hold it back any more.
    is_open = not heard.is_hidden and not (session.is_live and (session.is_paused or session.delay_seconds))
    fields = heard.fields
    return Play(
        uuid=uuid,
        session=session,
        **fields,
        identity=identity(fields.get("artist", ""), fields["title"], fields.get("remix", "")),
        # Nothing was played in the future, whatever a clock without `sentAt` says.
        played_at=_corrected(heard.played_at, skew, now),
        received_at=now,
        published_at=now if is_open else None,
        is_hidden=heard.is_hidden,
        is_replay=heard.is_replay,
    )


def _tell_or_wait(session: Session, fresh: list[Play], now: datetime) -> None:
    newest = max((p for p in fresh if not p.is_hidden), key=lambda p: (p.played_at, p.pk), default=None)
    if newest is None or not session.is_live:
        return
    for late in fresh:
        if session.delay_seconds and not late.is_hidden and not session.is_paused:
            due_at = now + timedelta(seconds=session.delay_seconds)
            jobs.enqueue("tell_play", str(late.uuid), due_at=due_at)
    if newest.published_at:
        tell_play(session, newest)
    _warn_of_repeat(session, newest)


def publish_in_time(play: Play) -> None:
    """The floor may know of it: now, or when the session's delay is over for it."""
    due_at = play.received_at + timedelta(seconds=play.session.delay_seconds)
    if due_at > timezone.now():
        jobs.enqueue("tell_play", str(play.uuid), due_at=due_at)
        jobs.hasten("tell_play", str(play.uuid), due_at)
        return
    play.published_at = timezone.now()
    play.save(update_fields=["published_at"])
    if play.session.is_live:
        tell_play(play.session, play)


def tell_delayed(uuid: str) -> None:
    """The delay of a play is over: the floor may know, unless the DJ thought better of it."""
    with transaction.atomic():
        play = Play.objects.select_related("session__stage__event__organizer").filter(uuid=uuid).first()
        if play is None or play.is_hidden or play.published_at or play.session.is_paused:
            return
        play.published_at = timezone.now()
        play.save(update_fields=["published_at"])
        if play.session.is_live:
            tell_play(play.session, play)


def _warn_of_repeat(session: Session, play: Play) -> None:
    """Tell the DJ if this recording was heard at the event before."""
    track = Play.objects.filter(pk=play.pk).values_list("link__track", flat=True).first()
    if before := heard_before(session, play, track):
        told = messages.repeat_warning(session.code, str(play.uuid), track_of(play), **told_of_repeat(before))
        publish(topics.booth(session.code), told)


def about_to_play(session: Session, fields: dict[str, Any]) -> Play:
    """What such a play would be; it is not recorded."""
    return _made(session, Heard(None, None, fields), uuid4(), timezone.now(), timedelta())


def heard_before(session: Session, play: Play, track: int | None) -> Play | None:
    """When this recording was heard last at the session's event: the `track` that it is known to be; by name, as far
    as that is not known to be another. Consecutive rows are one play."""
    if not session.stage:
        return None
    same_name = Q(identity=play.identity) if play.identity else Q(pk__in=[])
    same = Q(link__track=track) | same_name & Q(link=None) if track else same_name
    plays = Play.objects.filter(same, session__stage__event=session.stage.event)
    plays = plays.filter(is_hidden=False, played_at__lt=play.played_at - timedelta(minutes=2))
    return plays.select_related("session__stage__event__organizer").newest_first().first()


def told_of_repeat(before: Play) -> dict[str, Any]:
    """Where and when it was, also in words."""
    stage, dj = before.session.stage, before.session.dj_name
    assert stage
    at = before.played_at.astimezone(stage.event.zone)
    words = f"played {at:%A %H:%M} on {stage.name} by {dj}"
    return {"played_at": before.played_at, "stage_name": stage.name, "dj_name": dj, "words": words}


def stop(session: Session) -> None:
    """The music stopped; the last song stays on the screens."""
    if not session.is_live:
        return
    with transaction.atomic():
        session.stopped_at = session.active_at = timezone.now()
        session.save(update_fields=["stopped_at", "active_at"])
        if is_silenced(session):
            return
        publish(topics.session(session.code), messages.track_stopped(session.code))
        if session.stage and (current := current_session(session.stage)) and current.pk == session.pk:
            publish(topics.stage(session.stage.code), messages.track_stopped(session.code))


def correct(session: Session, fields: dict[str, Any]) -> Play:
    """Better words for the track that plays (METADATA_UPDATED)."""
    with transaction.atomic():
        play = session.plays.newest_first().first()
        if play is None:
            raise Problem(gettext("Nothing plays yet"), "nothing_plays", 409)
        play.session = session
        for name, value in fields.items():
            setattr(play, name, play.features | value if name == "features" else value)
        play.identity = identity(play.artist, play.title, play.remix)
        play.save(update_fields=[*fields, "identity"])  # and nothing else: a hide may come at the same time
        _recognise([play])
        if play.published_at and not play.is_hidden:
            say(session, messages.metadata_updated(session.code, str(play.uuid), track_of(play)))
    return play


def hide(play: Play, hidden: bool) -> None:
    """Take a play out of everything public, or bring it back. It stays in the licensing report."""
    session = play.session
    with transaction.atomic():
        if not Play.objects.filter(pk=play.pk).exclude(is_hidden=hidden).update(is_hidden=hidden):
            return
        play.is_hidden = hidden
        was_told = play.published_at is not None
        if not hidden and play.published_at is None and not session.is_paused:
            publish_in_time(play)
        say(session, messages.track_hidden(session.code, str(play.uuid), hidden))
        if session.is_live:
            if was_told and not hidden:
                tell_play(session, play)
            say_state(session)

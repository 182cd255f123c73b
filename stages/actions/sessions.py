"""A DJ's turn: go live, be lost and found, change settings, end."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext

from accounts.activity import note
from accounts.models import User
from pika.codes import new_code
from pika.errors import Problem
from pika.jobs import actions as jobs
from pika.live import messages, topics
from pika.live.publish import publish
from stages.actions.announcements import cancel_all
from stages.actions.plays import publish_in_time
from stages.actions.polls import end_polls
from stages.actions.telling import say, say_state
from stages.models import Session, Stage
from stages.serializers import now_playing
from stages.state import lost_since, stage_now


def go_live(
    dj: User,
    dj_name: str = "",
    stage: Stage | None = None,
    code: str = "",
    delay_seconds: int | None = None,
    has_socket: bool = False,
) -> tuple[Session, bool]:
    """The session and whether it is new. Coming back with the code of one's own live session resumes it.

    With `has_socket` a socket stands behind it, and losing that one will be noticed.

    Problem: the account is gone (401), the code is another DJ's (404), the session is over (409), too many at once
    (429).
    """
    if code and Session.objects.filter(code=code).exists():
        return _resume(code, dj, delay_seconds), False
    _check_room(dj)
    now = timezone.now()
    try:
        with transaction.atomic():
            # Locked: an account that is deleted this very moment either sees the set and stays, or is gone before it.
            if not User.objects.select_for_update(no_key=True).filter(pk=dj.pk, is_active=True).first():
                raise Problem(gettext("Please log in, or send your token."), "unauthenticated", 401)
            session = Session.objects.create(
                code=code or new_code(8),
                dj=dj,
                dj_name=(dj_name or dj.name or "DJ")[:80],
                stage=stage,
                delay_seconds=delay_seconds or 0,
                seen_at=now if has_socket else None,
            )
            look_at = now + timedelta(seconds=settings.LIVE_LOST_AFTER if has_socket else 3600)
            jobs.enqueue("watch_session", session.code, due_at=look_at)
            publish(
                topics.SYSTEM,
                messages.session_started(session.code, session.dj_name, stage.code if stage else None),
            )
            if stage:
                publish(topics.stage(stage.code), messages.dj_live(session.code, session.dj_name, stage.code))
                say_state(session)  # a Quick Start has nobody yet who could hear it
            _note(dj, "go_live", session)
    except IntegrityError:  # two sockets of one program registered at once
        return _resume(code, dj, delay_seconds), False
    return session, True


def _resume(code: str, dj: User, delay_seconds: int | None) -> Session:
    session = Session.objects.select_related("stage__event__organizer").get(code=code)
    if session.dj_id != dj.pk:
        raise Problem(gettext("Session not found"), "session_not_found", 404, field="sessionId")
    if not session.is_live:
        raise Problem(gettext("This session is over"), "session_over", 409, field="sessionId")
    if delay_seconds is not None and delay_seconds != session.delay_seconds:
        session.delay_seconds = delay_seconds
        session.save(update_fields=["delay_seconds"])
    return session


def _check_room(dj: User) -> None:
    live = Session.objects.live().aggregate(all=Count("pk"), mine=Count("pk", filter=Q(dj=dj)))
    if live["mine"] >= settings.LIVE_SESSIONS_PER_DJ:
        raise Problem(gettext("You have too many live sessions. End one first."), "too_many_sessions", 429)
    if live["all"] >= settings.LIVE_SESSIONS_MAX:
        raise Problem(gettext("Too many sessions are live. Please try again soon."), "server_full", 503, retry_after=30)


def heard_from(codes: Iterable[str]) -> None:
    """The sockets of these sessions are there. One that was lost is found, and the floor hears it."""
    now = timezone.now()
    live = Session.objects.live().filter(code__in=list(codes))
    with transaction.atomic():
        # Locked first: a socket that closes at this very moment loses it afterwards, not in between.
        list(live.select_for_update(of=("self",)).order_by("pk").values_list("pk"))
        found = list(live.filter(away_at__isnull=False).select_related("stage__event__organizer"))
        first_time = list(live.filter(seen_at=None).values_list("code", flat=True))
        live.update(seen_at=now, away_at=None)
        for code in {session.code for session in found} | set(first_time):
            jobs.hasten("watch_session", code, now + timedelta(seconds=settings.LIVE_LOST_AFTER + 1))
        for session in found:
            session.seen_at, session.away_at = now, None
            say_state(session)


def lose(code: str) -> None:
    """The DJ's last socket closed: not an end, the grace begins."""
    now = timezone.now()
    with transaction.atomic():
        if not Session.objects.live().filter(code=code, away_at=None).update(away_at=now):
            return
        session = Session.objects.select_related("stage__event__organizer").get(code=code)
        jobs.hasten("watch_session", code, now + timedelta(seconds=settings.LIVE_GRACE))
        say_state(session)


def update_session(session: Session, changes: dict[str, Any]) -> Session:
    """Change delay (s), pause or the note for the next DJ."""
    with transaction.atomic():
        was_paused = session.is_paused
        for name, value in changes.items():
            setattr(session, name, value)
        session.active_at = timezone.now()
        session.save(update_fields=["active_at", *changes])
        if was_paused and not session.is_paused:
            _tell_the_song_that_plays(session)
        if was_paused != session.is_paused:
            say_state(session)
    return session


def _tell_the_song_that_plays(session: Session) -> None:
    """After a pause the floor hears what plays now; what played meanwhile stays between the DJ and us."""
    newest = session.plays.filter(is_hidden=False).newest_first().first()
    if newest and newest.published_at is None and session.is_live:
        newest.session = session
        publish_in_time(newest)


def end_session(session: Session, why: str = Session.Ended.BY_DJ, note: str | None = None) -> None:
    """It is over; the stage goes on with the next one still live, or waits. Twice is once."""
    now = timezone.now()
    with transaction.atomic():
        changes: dict[str, Any] = {"ended_at": now, "ended_why": why, "away_at": None}
        if note is not None:
            changes["note"] = note
        if not Session.objects.live().filter(pk=session.pk).update(**changes):
            return
        for name, value in changes.items():
            setattr(session, name, value)
        end_polls(session)
        cancel_all(session)
        say(session, messages.session_ended(session.code))
        publish(topics.SYSTEM, messages.session_ended(session.code))
        left = stage_now(session.stage, now) if session.stage else None
        if session.stage and left and left.play and left.session and left.play.session_id == left.session.pk:
            publish(topics.stage(session.stage.code), now_playing(left.play))
        say_state(session)  # last: NOW_PLAYING by itself would mean live
        if why == Session.Ended.BY_DJ:
            _note(session.dj, "end_set", session)


def _note(dj: User, verb: str, session: Session) -> None:
    event = session.stage.event if session.stage else None
    note(dj, verb, session.stage or "Quick Start", event.organizer if event else None, event.slug if event else "")


def watch(code: str, now: datetime) -> datetime | None:
    """Look after one live session; when to look again, None when it is over.

    Ends what is stale, notices a server that died with the DJ's socket, tells the floor when the
    grace is over.
    """
    session = Session.objects.live().select_related("stage__event__organizer").filter(code=code).first()
    if session is None:
        return None
    if session.is_stale(now):
        end_session(session, Session.Ended.STALE)
        return None
    lost_at = lost_since(session, now)
    if lost_at is None:
        soon = settings.LIVE_LOST_AFTER if session.seen_at else 3600
        return now + timedelta(seconds=soon)
    if session.away_at is None:
        with transaction.atomic():
            # Unless its socket gave a sign of life since we looked.
            silent = Session.objects.live().filter(pk=session.pk, seen_at=session.seen_at, away_at=None)
            if silent.update(away_at=lost_at):
                session.away_at = lost_at
                say_state(session)
    grace_ends_at = lost_at + timedelta(seconds=settings.LIVE_GRACE)
    if now < grace_ends_at:
        return grace_ends_at
    say_state(session)
    return now + timedelta(hours=1)

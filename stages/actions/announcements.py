"""Tell people something: an organizer the event or some of its stages, a DJ the own listeners; and who saw it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import manages
from accounts.activity import note
from accounts.models import Guest, User
from accounts.push import phones, push
from events.models import Event
from pika.codes import new_long_code
from pika.errors import Problem
from pika.limits import over_limit
from pika.live import messages, topics
from pika.live.messages import Message
from pika.live.publish import publish
from stages import access
from stages.actions.floor import guests_by_key
from stages.models import Announcement, Seen, Session, Stage
from stages.serializers import announcement_received
from stages.state import current_session

log = logging.getLogger(__name__)
Priority = Announcement.Priority


@dataclass(frozen=True)
class Draft:
    """What an organizer wants to tell. No `stages`: the whole event. Without `ends_at` the priority decides."""

    message: str
    priority: str = Priority.INFO
    stages: Sequence[Stage] = ()
    is_push: bool = False
    ends_at: datetime | None = None


@dataclass(frozen=True)
class Audience:
    """Whom it reaches: devices that follow, and of these the ones a push may wake (`to_wake`)."""

    people: int
    phones: int
    to_wake: QuerySet[Guest] | None


# --- Organizers -----------------------------------------------------------------------------------------
def audience_of(event: Event, draft: Draft, at: datetime) -> Audience:
    """The one query of the preview and of the sending."""
    guests = access.followers(draft.stages or event.stages.all(), access.doors_open_at(event))
    if not draft.is_push:
        return Audience(guests.count(), 0, None)
    to_wake = access.not_muted(guests, event)
    return Audience(guests.count(), phones(to_wake, draft.priority == Priority.URGENT, at).count(), to_wake)


def check(event: Event, author: User, draft: Draft, now: datetime) -> None:
    """Problem, if nobody would or should hear this."""
    if event.organizer.suspended_at:
        words = _("“%(name)s” is suspended: nobody can hear this until that is over.")
        raise Problem(words % {"name": event.organizer}, "suspended", 409)
    if not Event.objects.public().filter(pk=event.pk).exists() or event.dance_day(now) > event.ends_on + timedelta(1):
        if event.status == Event.Status.DRAFT or not event.organizer.is_approved:
            raise Problem(_("Nobody can hear this yet: publish the event first."), "event_not_public", 409)
        raise Problem(_("This event is over: nobody listens any more."), "event_over", 409)
    if draft.priority == Priority.URGENT and not manages(author, event.organizer_id):
        words = _("Only an owner or a manager may send something urgent. Choose “important”, or ask one of them.")
        raise Problem(words, "managers_only", 403, field="priority")
    if draft.ends_at and draft.ends_at <= now:
        words = _("This time has passed. Choose a later one, or none: then the priority decides.")
        raise Problem(words, "invalid", field="endsAt")
    if draft.ends_at and (draft.ends_at - now).total_seconds() > settings.ANNOUNCEMENT_SECONDS_MOST:
        words = _("An announcement is shown for 24 hours at most. Choose an earlier time.")
        raise Problem(words, "invalid", field="endsAt")


def end_of(draft: Draft, now: datetime) -> datetime:
    return draft.ends_at or now + timedelta(seconds=settings.ANNOUNCEMENT_SECONDS[draft.priority])


def announce(event: Event, author: User, draft: Draft, code: str = "") -> tuple[Announcement, bool]:
    """Tell it, and whether that was new: the same `code` (made by the form) again is the same announcement.

    Problem (409): the code was used for something else.
    """
    now = timezone.now()
    check(event, author, draft, now)
    audience = audience_of(event, draft, now)
    try:
        with transaction.atomic():
            announcement = Announcement.objects.create(
                code=code or new_long_code(),
                event=event,
                author=author,
                message=draft.message,
                priority=draft.priority,
                created_at=now,
                ends_at=end_of(draft, now),
                people=audience.people,
                phones=audience.phones,
            )
            announcement.stages.set(draft.stages)
            if audience.to_wake is not None:
                _wake(announcement, audience.to_wake, event.name, _page_of(event, draft.stages))
            _say(announcement, announcement_received(announcement))
            note(author, "announce", announcement, event.organizer, event.slug)
    except IntegrityError:
        same = Announcement.objects.filter(code=code, event=event, message=draft.message, priority=draft.priority)
        if (known := same.first()) is None:
            words = _("Something else was sent from this form already. Look at it once more, then send.")
            raise Problem(words, "announcement_id_taken", 409, field="announcementId") from None
        return known, False
    return announcement, True


def _page_of(event: Event, stages: Sequence[Stage]) -> str:
    """What a tap on the notification opens."""
    if len(stages) == 1:
        return reverse("stages:show_stage", args=[stages[0].code])
    return reverse("stages:show_event", args=[event.slug])


# --- DJs ----------------------------------------------------------------------------------------------------
def tell_listeners(session: Session, message: str, seconds: int, is_push: bool = False) -> Announcement:
    """A DJ tells who hears the session, for `seconds`; it takes the place of the one before.

    The stage's phones hear it, too, if this DJ is the one they hear. A push goes to those who came during the session.
    """
    stage, now, who = session.stage, timezone.now(), str(session.dj_id)
    access.check_open(stage)
    wait = over_limit("tell", who, settings.DJ_ANNOUNCEMENTS_PER_MINUTE, 60)
    if not wait and is_push:
        wait = over_limit("tell-push", who, settings.DJ_PUSHES_PER_HOUR, 3600)
    if wait:
        raise Problem(
            _("That is too much at once. Once more in %(wait)s s.") % {"wait": wait}, "too_often", 429, retry_after=wait
        )
    with transaction.atomic():
        # This write is also the lock: of two at once, the second takes the place of the first.
        if not Session.objects.live().filter(pk=session.pk).update(active_at=now):
            raise Problem(_("This session is over"), "session_over", 409, field="sessionId")
        cancel_all(session)
        ends_at = now + timedelta(seconds=seconds)
        announcement = Announcement.objects.create(
            session=session, author_id=session.dj_id, message=message, created_at=now, ends_at=ends_at
        )
        if stage and (current := current_session(stage)) and current.pk == session.pk:
            announcement.stages.add(stage)
            _count_and_wake(announcement, session, stage, is_push)
        _say(announcement, announcement_received(announcement))
    return announcement


def _count_and_wake(announcement: Announcement, session: Session, stage: Stage, is_push: bool) -> None:
    guests = access.followers([stage], session.started_at)
    announcement.people = guests.count()
    if is_push:
        to_wake = access.not_muted(guests, stage.event)
        announcement.phones = phones(to_wake, False, announcement.created_at).count()
        _wake(announcement, to_wake, session.dj_name, reverse("stages:show_stage", args=[stage.code]))
    announcement.save(update_fields=["people", "phones"])


def cancel_all(session: Session) -> None:
    """What the session's DJ said is gone from every screen."""
    for announcement in session.announcements.showing(timezone.now()):
        announcement.session = session
        cancel(announcement)


# --- Both -----------------------------------------------------------------------------------------------------
def cancel(announcement: Announcement, by: User | None = None) -> bool:
    """It disappears from every screen. Twice is once; False, too, when its time was up already."""
    now = timezone.now()
    with transaction.atomic():
        showing = Announcement.objects.filter(pk=announcement.pk, cancelled_at=None, ends_at__gt=now)
        if not showing.update(cancelled_at=now):
            return False
        _say(announcement, messages.announcement_cancelled(announcement.code, now))
        if event := announcement.event:
            note(by, "cancel_announcement", announcement, event.organizer, event.slug)
    return True


def _say(announcement: Announcement, message: Message) -> None:
    """On the stages' own topics, which their phones hear without a hole and their snapshots follow; not on the event's.

    Who listens to a session (a Quick Start, a 0.3 client) hears what its stage hears.
    """
    stages = announcement.stages.all()
    if announcement.session:
        sessions = [announcement.session.code]
    else:
        stages = stages or Stage.objects.filter(event=announcement.event)
        sessions = list(Session.objects.live().filter(stage__in=stages).values_list("code", flat=True))
    for stage in stages:
        publish(topics.stage(stage.code), message)
    for code in sessions:
        publish(topics.session(code), message)


def _wake(announcement: Announcement, guests: QuerySet[Guest], title: str, url: str) -> None:
    """Send the push. That it fails must not keep the announcement from the screens."""
    told: dict[str, Any] = {
        "title": title,
        "body": announcement.message,
        "url": url,
        "tag": announcement.code,
        "topic": announcement.code,
        "ttl": max(1, round((announcement.ends_at - announcement.created_at).total_seconds())),
        "is_urgent": announcement.priority == Priority.URGENT,
    }
    try:
        with transaction.atomic():
            announcement.push = push(guests, **told)
            announcement.save(update_fields=["push"])
    except Exception:  # whatever it is: the floor is told
        log.exception("could not push announcement %s", announcement.code)
        announcement.push = None


def see_all(seen: Mapping[tuple[str, str], datetime]) -> None:
    """Write down that devices showed announcements: {(guest key, announcement code): when}. Idempotent."""
    guests = guests_by_key({key for key, _ in seen})
    known = dict(Announcement.objects.filter(code__in={code for _, code in seen}).values_list("code", "pk"))
    rows = [
        Seen(announcement_id=known[code], guest_id=guests[key], seen_at=at)
        for (key, code), at in seen.items()
        if code in known
    ]
    Seen.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)

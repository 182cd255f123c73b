"""A DJ asks the floor: start, vote, tell how it stands, end, cancel."""

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import Guest
from pika.errors import Problem
from pika.jobs import actions as jobs
from pika.live import messages, topics
from pika.live.broker import broker
from pika.live.chores import how_often
from stages.actions.telling import say
from stages.models import Poll, PollVote, Session
from stages.serializers import poll_started


class Rejected(Problem):
    """A vote that does not count; `option` is the one of this device that does."""

    def __init__(self, message: str, code: str, field: str, option: int | None = None) -> None:
        super().__init__(message, code, 409, field)
        self.option = option


def start_poll(session: Session, question: str, options: list[str], seconds: int = 60) -> Poll:
    """Ask the floor for `seconds`; it ends by itself. One that still runs in this session ends now."""
    now = timezone.now()
    with transaction.atomic():
        # This write is also the lock: of two starts at once, the second ends the first.
        if not Session.objects.live().filter(pk=session.pk).update(active_at=now):
            raise Problem(gettext("This session is over"), "session_over", 409, field="sessionId")
        end_polls(session)
        poll = Poll.objects.create(
            session=session,
            question=question,
            options=options,
            created_at=now,
            ends_at=now + timedelta(seconds=seconds),
        )
        jobs.enqueue("end_poll", poll.code, due_at=poll.ends_at)
        say(session, poll_started(poll))
    return poll


def end_polls(session: Session) -> None:
    """What still runs in this session is over."""
    for poll in Poll.objects.filter(session=session, ended_at=None):
        poll.session = session
        end_poll(poll)


def end_poll(poll: Poll, is_cancelled: bool = False) -> None:
    """It is over: the floor hears the last state of the votes, or that it was cancelled. Twice is once."""
    with transaction.atomic():
        # Votes lock the row, too: who was confirmed is in the count, and nobody comes after it.
        running = Poll.objects.filter(pk=poll.pk, ended_at=None)
        if not running.update(ended_at=timezone.now(), is_cancelled=is_cancelled):
            return
        say(poll.session, messages.poll_ended(poll.code, poll.tally(), is_cancelled))


def end_in_time(code: str) -> None:
    """The time of a poll is up."""
    poll = Poll.objects.select_related("session__stage__event__organizer").filter(code=code, ended_at=None).first()
    if poll:
        end_poll(poll)


def vote(guest: Guest, poll: Poll, option: int) -> None:
    """This device's answer. The first one counts, the same again is the same vote.

    Rejected (409): another one counts already, or the poll is over. Problem: there is no such option.
    """
    if option >= len(poll.options):
        raise Problem(gettext("optionIndex: this poll has no such answer"), "invalid", field="optionIndex")
    with transaction.atomic():
        now = Poll.objects.select_for_update().get(pk=poll.pk)
        mine = PollVote.objects.filter(poll=poll, guest=guest).first()
        if mine is None:
            if now.ended_at or now.ends_at <= timezone.now():
                raise Rejected(gettext("This poll is over"), "poll_over", "pollId")
            mine = PollVote.objects.create(poll=poll, guest=guest, option=option)
    if mine.option != option:
        words = gettext("You voted for “%(option)s” already. The first vote counts.")
        raise Rejected(words % {"option": poll.options[mine.option]}, "already_voted", "optionIndex", mine.option)


def tell_votes(codes: Iterable[str]) -> set[str]:
    """Tell the floor how these polls stand, less often the larger it is; the codes of those that need not wait.

    What is over was told with its end.
    """
    done = set(codes)
    running = Poll.objects.running(timezone.now()).filter(code__in=done)
    for poll in running.select_related("session__stage__event__organizer"):
        stage = poll.session.stage
        floor = topics.stage(stage.code) if stage else topics.session(poll.session.code)
        listeners = broker().count_listeners(floor, set())
        every = how_often(settings.LIVE_POLL_EVERY, listeners, settings.LIVE_POLL_EVERY_MOST)
        if broker().may_tell(f"poll:{poll.code}", every - 0.1):
            say(poll.session, messages.poll_update(poll.code, poll.tally()), keep=False)
        else:
            done.discard(poll.code)
    return done

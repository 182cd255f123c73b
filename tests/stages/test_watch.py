"""Sessions nobody looks after: grace, lost servers, forgotten laptops."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from pika.jobs import actions as jobs
from stages.actions import sessions
from stages.models import Session, Slot
from stages.state import stage_now

pytestmark = pytest.mark.django_db


def live(user, stage, **fields):
    session, _ = sessions.go_live(user, user.name, stage)
    Session.objects.filter(pk=session.pk).update(**fields)
    return session


def later(**ahead):
    return time_machine.travel(timezone.now() + timedelta(**ahead), tick=False)


def test_after_the_grace_the_dj_is_away_but_the_session_goes_on(marcus, stage):
    session = live(marcus, stage, seen_at=timezone.now())
    sessions.lose(session.code)
    assert stage_now(stage, timezone.now()).state == "reconnecting"
    with later(seconds=91):
        jobs.run_due()
        assert stage_now(stage, timezone.now()).state == "away"
        sessions.heard_from([session.code])
        assert stage_now(stage, timezone.now()).state == "between_songs"


def test_a_server_that_died_with_the_djs_socket_is_noticed(marcus, stage):
    session = live(marcus, stage)
    sessions.heard_from([session.code])
    with later(seconds=40):
        assert stage_now(stage, timezone.now()).state == "reconnecting"
        jobs.run_due()
        session.refresh_from_db()
        assert session.away_at is not None


def test_a_program_that_never_had_a_socket_is_not_lost(marcus, stage):
    live(marcus, stage)
    with later(hours=1):
        jobs.run_due()
        assert stage_now(stage, timezone.now()).state == "between_songs"


@pytest.mark.parametrize(
    ("age", "idle", "is_over"),
    [(7.9, 7.9, False), (8.1, 4.1, True), (8.1, 3.9, False), (23.9, 0.1, False), (24.1, 0.1, True)],
)
def test_a_forgotten_session_ends(marcus, stage, age, idle, is_over):
    now = timezone.now()
    session = live(marcus, stage, started_at=now - timedelta(hours=age), active_at=now - timedelta(hours=idle))
    sessions.watch(session.code, now)
    session.refresh_from_db()
    assert (session.ended_at is not None, session.ended_why) == (is_over, "stale" if is_over else "")


def test_the_watch_comes_back_until_the_session_is_over(marcus, stage):
    session = live(marcus, stage)
    with later(hours=25):
        jobs.run_due()
    session.refresh_from_db()
    assert session.ended_why == "stale"
    assert jobs.Job.objects.get(kind="watch_session").state == "done"


def test_the_page_says_who_is_next(marcus, stage):
    now = timezone.now()
    Slot.objects.create(
        stage=stage, starts_at=now + timedelta(minutes=30), ends_at=now + timedelta(hours=2), dj_name="Ana"
    )
    session = live(marcus, stage)
    assert stage_now(stage, now).next_slot.who == "Ana"
    sessions.end_session(session)
    after = stage_now(stage, now)
    assert (after.state, after.next_slot.who) == ("changing", "Ana")
    with later(hours=-3):
        assert stage_now(stage, timezone.now()).state == "waiting"
    with later(hours=1):
        assert (stage_now(stage, timezone.now()).state, stage_now(stage, timezone.now()).next_slot.who) == (
            "changing",
            "Ana",
        )


def test_a_closed_stage_says_so(marcus, stage):
    live(marcus, stage)
    stage.is_closed = True
    assert stage_now(stage, timezone.now()).state == "closed"

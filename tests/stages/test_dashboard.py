"""The weekend on one page: what plays, what is next, what somebody should look after."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.access import digest
from pika.live import topics
from pika.live.broker import broker
from stages.dashboard import dashboard_of
from stages.models import Announcement, Session, Slot, SlotEdit
from stages.state import stage_now, stages_now

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def board(event, elena):
    """What Elena sees now (or at another time)."""
    return lambda at=None: dashboard_of(elena, type(event).objects.get(), at or timezone.now())


def slot(stage: Any, start: timedelta, **fields: Any) -> Slot:
    starts_at = timezone.now() + start
    return Slot.objects.create(
        stage=stage, starts_at=starts_at, ends_at=starts_at + HOUR, **{"dj_name": "Ana", **fields}
    )


def test_each_stage_has_its_next_four_slots_and_the_one_that_runs(board, stage, other_stage):
    mine = [slot(stage, HOUR * n - HOUR / 2, dj_name=f"DJ {n}") for n in range(6)]
    slot(stage, -HOUR * 3)
    hers = slot(other_stage, HOUR)
    main, blues = board()["floors"]
    assert (main.slots, blues.slots) == (mine[:4], [hers])


def test_a_dj_who_lost_the_connection_is_a_warning(board, stage, marcus, dj):
    its = dj(marcus, stage)
    its.play("Dinah")
    assert board()["floors"][0].warnings == []
    Session.objects.update(away_at=timezone.now())
    assert board()["floors"][0].warnings == ["Marcus has lost the connection."]


def test_a_next_slot_without_a_dj_is_a_warning_but_a_workshop_has_none(board, stage, other_stage, event):
    soon = slot(stage, HOUR, dj_name="TBA")
    slot(other_stage, HOUR, dj_name="", title="Technique", kind="workshop")
    main, blues = board()["floors"]
    time = f"{soon.starts_at.astimezone(event.zone):%H:%M}"
    assert (main.warnings, blues.warnings) == ([f"Nobody is down to play at {time}."], [])


def test_a_dj_who_does_not_come_is_a_warning(board, stage, event, marcus, dj):
    its = slot(stage, -timedelta(minutes=10))
    time = f"{its.starts_at.astimezone(event.zone):%H:%M}"
    assert board()["floors"][0].warnings == [f"Ana should play since {time}, and nobody is live."]
    dj(marcus, stage).play("Dinah")
    assert board()["floors"][0].warnings == []


def test_a_closed_stage_warns_of_nothing(board, stage):
    slot(stage, -timedelta(minutes=10))
    type(stage).objects.update(is_closed=True)
    assert board()["floors"][0].warnings == []


def test_overlaps_of_the_timetable_are_shown_from_now_on(board, stage, event):
    slot(stage, HOUR * 2, dj_name="Ana")
    slot(stage, HOUR * 2.5, dj_name="Jun")
    slot(stage, -HOUR * 5, dj_name="Old")
    slot(stage, -HOUR * 4.5, dj_name="Older")
    page = board()
    assert len(page["warnings"]) == 2
    assert ["Main Floor, Ana: Overlaps with Jun" in page["warnings"][0], page["more_warnings"]] == [True, 0]


def test_the_last_announcements_are_there_and_no_djs(board, event, stage, elena, marcus, dj):
    ends_at = timezone.now() + HOUR
    its = [Announcement.objects.create(event=event, author=elena, message=f"{n}", ends_at=ends_at) for n in range(4)]
    session = Session.objects.get(code=dj(marcus, stage).session_id)
    Announcement.objects.create(session=session, author=marcus, message="Mine", ends_at=ends_at)
    assert list(board()["announcements"]) == its[:0:-1]


def test_listeners_are_counted(board, stage):
    broker().count_listeners(topics.stage(stage.code), {digest("sarah"), digest("tom")})
    page = board()
    assert (page["floors"][0].listeners, page["listeners"]) == (2, 2)


def test_many_stages_are_seen_as_each_by_itself(event, stage, other_stage, marcus, ana, dj):
    his, hers = dj(marcus, stage), dj(ana, stage)
    his.play("One")
    hers.play("Two")
    slot(stage, -HOUR / 2)
    nxt = slot(stage, HOUR)
    current = slot(other_stage, -HOUR / 2)
    at = timezone.now()
    now = stages_now([stage, other_stage], at)
    assert now == {it.pk: stage_now(it, at) for it in (stage, other_stage)}
    assert (now[stage.pk].dj_name, now[stage.pk].play.title, now[stage.pk].next_slot) == ("Ana", "Two", nxt)
    assert (now[other_stage.pk].state, now[other_stage.pk].next_slot) == ("changing", current)


def test_the_page_leads_everywhere_an_organizer_needs_to_go(client, elena, event, stage):
    client.force_login(elena, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = client.get("/organize/e/wcs-budapest/").content.decode()
    base = "/organize/e/wcs-budapest"
    wanted = [f"{base}/{it}" for it in ("timetable", "announce", "posters", "edit", "preview", f"posters/{stage.code}")]
    wanted += ["/organize/wcs-budapest/", "/organize/wcs-budapest/members", f"/s/{stage.code}", f"/s/{stage.code}/wall"]
    assert [path for path in wanted if f'href="{path}"' not in page] == []


def test_what_is_not_published_of_the_timetable_is_counted(board, stage, event):
    start = timezone.now() + HOUR
    SlotEdit.objects.create(event=event, stage=stage, starts_at=start, ends_at=start + HOUR, dj_name="Ana")
    assert board()["unpublished"] == 1

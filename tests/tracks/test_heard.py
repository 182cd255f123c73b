"""“What was that at 01:10?” What played where somebody was, loved or not."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pika.live.hub import hub
from stages.actions.floor import follow_all
from stages.consumers import chores
from stages.consumers.floor import follows
from stages.models import Follow, Visit
from tests.tracks.conftest import EVENING
from tracks.models import Like

pytestmark = pytest.mark.django_db
PAGE = "/me/songs/heard"


def titles(answer):
    return re.findall(r'class="of" dir="auto">(.*?)</p>', answer.content.decode())


def meant(answer):
    return re.findall(r'id="meant".*?class="of" dir="auto">(.*?)</p>', answer.content.decode(), flags=re.S)


def at(minutes):
    return EVENING + timedelta(minutes=minutes)


def was_there(phone, stage, *minutes):
    for one in minutes:
        follow_all({(phone.key, stage.code): at(one)})


# --- Being there -----------------------------------------------------------------------------------------
def test_a_visit_begins_with_the_first_look_and_ends_with_the_last(sarah, stage):
    was_there(sarah, stage, 0, 30, 90)
    assert list(Visit.objects.values_list("night_on", "first_at", "last_at")) == [(date(2026, 11, 20), at(0), at(90))]
    assert list(Follow.objects.values_list("first_at", "last_at")) == [(at(0), at(90))]


def test_a_night_runs_to_six_and_each_stage_has_its_own(sarah, stage, other_stage):
    six = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)  # 06:00 in Budapest
    seen = {(sarah.key, stage.code): six - timedelta(seconds=1), (sarah.key, other_stage.code): six}
    follow_all(seen)
    follow_all(seen)
    assert list(Visit.objects.order_by("night_on").values_list("stage__name", "night_on")) == [
        ("Main Floor", date(2026, 11, 20)),
        ("Blues Room", date(2026, 11, 21)),
    ]


def test_two_devices_of_one_person_are_one_visitor_in_one_write(sarah, phone_of, user, stage):
    tablet = phone_of()
    sarah.log_in(user)
    tablet.log_in(user)
    follow_all({(sarah.key, stage.code): at(0), (tablet.key, stage.code): at(40), ("f" * 64, stage.code): at(5)})
    spans = Visit.objects.order_by("first_at").values_list("guest__user", "first_at", "last_at")
    assert list(spans) == [(user.pk, at(0), at(40)), (None, at(5), at(5))]


@pytest.mark.django_db(transaction=True)
def test_a_visit_lasts_as_long_as_the_page_is_open(dancer, stage):
    phone = dancer(stage)
    phone.all_heard()
    hub_loop, done = hub.loop, []

    async def five_minutes():
        follows.clear()
        for _ in range(chores.STAY_TURNS):
            await chores.stay()
        done.extend(code for _, code in follows)

    import asyncio

    asyncio.run_coroutine_threadsafe(five_minutes(), hub_loop).result(10)
    assert done == [stage.code]


@pytest.mark.django_db(transaction=True)
def test_leaving_is_written_down(dancer, server, stage):
    phone = dancer(stage)
    phone.all_heard()
    follow_all({(key, code): at(0) for key, code in [*follows] or [("e" * 64, stage.code)]})
    phone.close()
    from tests.conftest import _wait_until_idle

    _wait_until_idle()
    assert Visit.objects.filter(stage=stage, last_at__gt=at(0)).count() >= 1


# --- What played ---------------------------------------------------------------------------------------------
def test_everything_that_played_while_she_was_there_loved_or_not(sarah, stage, other_stage, a_set, a_play, love, ana):
    his, hers, elsewhere = a_set(stage), a_set(stage, ana), a_set(other_stage)
    was_there(sarah, stage, 10, 60)
    a_play(his, "Long before", minutes=3)
    love(sarah, a_play(his, "Running when she came", minutes=5))
    a_play(his, "Hidden", minutes=20, is_hidden=True)
    a_play(hers, "By Ana", minutes=30)
    a_play(elsewhere, "On another floor", minutes=31)
    a_play(his, "The last", minutes=60)
    a_play(his, "When she had gone", minutes=61)
    answer = sarah.get(PAGE)
    assert titles(answer) == ["Running when she came", "By Ana", "The last"]
    assert re.findall(r'heart" aria-pressed="(\w+)"', answer.content.decode()) == ["true", "false", "false"]
    assert "DJ Ana" in answer.content.decode()


@pytest.mark.parametrize(("minutes_long", "found"), [(9, ["Epic"]), (4, []), (None, [])])
def test_a_long_song_that_still_ran_counts(sarah, stage, a_set, a_play, minutes_long, found):
    a_play(a_set(stage), "Epic", minutes=0, duration_ms=minutes_long and minutes_long * 60_000)
    was_there(sarah, stage, 8)
    assert titles(sarah.get(PAGE)) == found


@pytest.mark.parametrize(
    ("typed", "song"),
    [("01:10", "At 01:08"), ("0110", "At 01:08"), ("1.10", "At 01:08"), ("23:30", "At 23:20"), ("22:00", "At 23:00")],
)
def test_a_time_leads_to_the_song_that_ran_then_also_after_midnight(sarah, stage, a_set, a_play, typed, song):
    its = a_set(stage)
    for minutes in (0, 20, 60, 128, 131):
        a_play(its, f"At {EVENING + timedelta(minutes=60 + minutes):%H:%M}", minutes=minutes)
    was_there(sarah, stage, 0, 180)
    assert meant(sarah.get(PAGE, {"around": typed})) == [song]


@pytest.mark.parametrize(("typed", "song"), [("01:10", "At 01:08"), ("22:15", "At 22:10"), ("23:30", "At 23:20")])
def test_a_time_when_her_phone_was_in_a_pocket_leads_to_the_song_that_ran_then(
    sarah, stage, a_set, a_play, typed, song
):
    its = a_set(stage)
    for minutes in (-50, 0, 20, 38, 70, 128, 131, 160):
        a_play(its, f"At {EVENING + timedelta(minutes=60 + minutes):%H:%M}", minutes=minutes)
    was_there(sarah, stage, 0, 40)
    assert titles(sarah.get(PAGE)) == ["At 23:00", "At 23:20", "At 23:38"]
    assert meant(sarah.get(PAGE, {"around": typed})) == [song]
    assert "At 01:40" not in titles(sarah.get(PAGE, {"around": typed}))


def test_a_time_that_came_twice_leads_to_both_songs(sarah, stage, a_set, a_play):
    its, night = a_set(stage), datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
    for half_hours in range(4):
        a_play(its, f"Song {half_hours}", at=night + timedelta(minutes=30 * half_hours))
    follow_all({(sarah.key, stage.code): night})
    follow_all({(sarah.key, stage.code): night + timedelta(hours=2)})
    assert meant(sarah.get(PAGE, {"around": "02:30"})) == ["Song 1", "Song 3"]
    assert meant(sarah.get(PAGE, {"around": "02:30 +01:00"})) == ["Song 3"]  # as the page itself writes it


def test_a_time_that_never_came_leads_to_the_next_song_there_was(sarah, stage, a_set, a_play):
    its, night = a_set(stage), datetime(2027, 3, 28, 0, 30, tzinfo=UTC)  # 01:30; at 02:00 it is 03:00
    a_play(its, "Before", at=night)
    a_play(its, "After", at=night + timedelta(minutes=60))
    follow_all({(sarah.key, stage.code): night})
    follow_all({(sarah.key, stage.code): night + timedelta(hours=2)})
    assert meant(sarah.get(PAGE, {"around": "02:30"})) == ["After"]


def test_no_time_at_all_is_said_by_the_field_and_the_songs_stay(sarah, stage, a_set, a_play):
    a_play(a_set(stage), "Song", minutes=1)
    was_there(sarah, stage, 0, 5)
    answer = sarah.get(PAGE, {"around": "late"})
    assert (answer.status_code, titles(answer)) == (422, ["Song"])
    assert "“late” is no time. Type it like 22:00." in answer.content.decode()
    german = sarah.get(PAGE, {"around": "late"}, headers={"Accept-Language": "de"}).content.decode()
    assert "„late“ ist keine Uhrzeit. Schreib sie so: 22:00." in german


def test_other_floors_and_nights_are_one_tap_away(sarah, stage, other_stage, a_set, a_play):
    was_there(sarah, stage, 0, 30)
    was_there(sarah, other_stage, 10)
    was_there(sarah, stage, 24 * 60)
    a_play(a_set(other_stage), "Slow", minutes=9)
    answer = sarah.get(PAGE, {"stage": other_stage.code.lower(), "night": "2026-11-20"})
    assert titles(answer) == ["Slow"]
    assert f'href="?stage={stage.code}&amp;night=2026-11-20"' in answer.content.decode()
    assert f'href="?stage={stage.code}&amp;night=2026-11-21"' in answer.content.decode()


def test_where_she_was_not_is_not_there(sarah, phone_of, stage, a_set, a_play):
    tom = phone_of()
    was_there(tom, stage, 0, 30)
    a_play(a_set(stage), "Tom's", minutes=5)
    assert titles(sarah.get(PAGE)) == []
    for query in ({"stage": stage.code}, {"stage": stage.code, "night": "2026-11-20"}, {"night": "someday"}):
        assert sarah.get(PAGE, query).status_code == 404
    assert "remembers everything that played there" in sarah.get(PAGE).content.decode()


def test_a_heart_given_later_counts_like_any_other(sarah, stage, a_set, a_play):
    play = a_play(a_set(stage), minutes=5)
    was_there(sarah, stage, 0, 30)
    back = f"{PAGE}?stage={stage.code}&night=2026-11-20"
    for _ in range(2):
        answer = sarah.post(f"/me/songs/{play.uuid}/add", {"back": back})
        assert answer["Location"] == f"{back}#p-{play.uuid}"
    assert list(Like.objects.values_list("play", "guest")) == [(play.pk, sarah.guest.pk)]
    sarah.post(f"/me/songs/{play.uuid}/remove", {"back": back})
    assert Like.objects.count() == 0


def test_too_many_hearts_are_told_when_again(sarah, stage, a_set, a_play, settings):
    its = a_set(stage)
    plays = [a_play(its, f"Song {n}", minutes=n) for n in range(2 * settings.LIKES_PER_MINUTE + 1)]
    answers = [sarah.post(f"/me/songs/{play.uuid}/add") for play in plays]
    assert [answer.status_code for answer in answers[: settings.LIKES_PER_MINUTE]] == [302] * settings.LIKES_PER_MINUTE
    assert answers[-1].status_code == 429
    assert re.search(r"Try again in \d+ s", answers[-1].content.decode())


def test_a_long_night_costs_as_many_questions_as_a_short_one(sarah, stage, a_set, a_play, django_assert_num_queries):
    its = a_set(stage)
    was_there(sarah, stage, 0, 300)
    a_play(its, minutes=1)
    with CaptureQueriesContext(connection) as one:
        sarah.get(PAGE)
    for n in range(29):
        a_play(its, f"Song {n}", minutes=5 + n)
        follow_all({(sarah.key, stage.code): at(24 * 60 * (n - 40))})
    with django_assert_num_queries(len(one)):
        assert len(titles(sarah.get(PAGE))) == 30
    assert len(one) <= 5

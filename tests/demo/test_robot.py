"""Elena's weekend is alive before anybody comes."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import User
from pika.demo import robot
from pika.demo.weekend import FLOORS, describe, set_of
from pika.jobs.models import Job
from stages.actions import plays, sessions
from stages.actions.plays import Heard
from stages.models import Play, Session, Stage
from stages.state import stage_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def main_floor(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    call_command("demo")
    return Stage.objects.select_related("event").get(name="Main Floor")


def test_making_it_twice_changes_nothing(main_floor):
    before = (User.objects.count(), Stage.objects.count(), Job.objects.count(), describe())
    call_command("demo")
    assert (User.objects.count(), Stage.objects.count(), Job.objects.count(), describe()) == before
    assert [stage.name for stage in Stage.objects.all()] == [floor.name for floor in FLOORS]


def test_every_set_can_be_read():
    assert {dj: len(set_of(dj)) >= 18 for floor in FLOORS for dj in floor.djs} == {
        dj: True for floor in FLOORS for dj in floor.djs
    }


def test_the_first_turn_plays_a_song_with_a_past_and_a_future(main_floor):
    again_at = robot.turn(main_floor.code, timezone.now())
    now = stage_now(main_floor, timezone.now())
    assert (now.state, now.dj_name, now.next_slot.who) == ("live", "Marcus", "Ana")
    assert Play.objects.filter(session__stage=main_floor).count() == 9
    assert timedelta(seconds=20) < again_at - timezone.now() < timedelta(minutes=3)


def test_a_turn_ends_and_the_next_dj_comes(main_floor):
    for _ in range(robot.SONGS_PER_TURN):
        robot.turn(main_floor.code, timezone.now())
    robot.turn(main_floor.code, timezone.now())
    assert stage_now(main_floor, timezone.now()).state == "changing"
    robot.turn(main_floor.code, timezone.now())
    assert stage_now(main_floor, timezone.now()).dj_name == "Ana"


def test_a_robot_makes_room_for_a_person(main_floor, marcus):
    robot.turn(main_floor.code, timezone.now())
    person, _ = sessions.go_live(marcus, "Marcus himself", main_floor)
    plays.play(person, Heard(None, None, {"title": "Live"}))
    robot.turn(main_floor.code, timezone.now())
    assert [s.dj_name for s in Session.objects.live().filter(stage=main_floor)] == ["Marcus himself"]

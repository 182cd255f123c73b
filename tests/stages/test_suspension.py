"""An organizer suspended while live: nobody hears or sees anything of theirs, nothing is lost, and all comes back."""

import time
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.actions import lift, suspend
from pika.jobs import actions as jobs
from pika.live.broker import broker
from pika.live.messages import iso
from stages.models import Play, Session, Stage
from stages.state import stage_now

pytestmark = pytest.mark.django_db(transaction=True)
WORDS = "“WCS Budapest” is suspended: the floor hears nothing until that is over. Your set stays open."


@pytest.fixture
def suspended(organizer):
    """`suspended()` and `suspended(False)`: as Kryspin's click does it, with the worker that follows."""

    def turn(is_suspended=True):
        assert suspend(organizer, "Three complaints") if is_suspended else lift(organizer)
        assert jobs.run_due() == 1
        broker().settle()
        time.sleep(0.1)

    return turn


def test_phones_that_are_there_are_told_that_it_is_closed(dj, dancer, marcus, stage, suspended):
    his, sarah = dj(marcus, stage), dancer(stage)
    his.play("One")
    sarah.hear("NOW_PLAYING")
    suspended()
    told = sarah.hear("STAGE_STATE")
    assert (told["state"], told["stageId"], told["nextSlot"], "djName" in told) == ("closed", stage.code, None, False)


def test_whoever_comes_or_comes_back_finds_nothing(dj, dancer, client, marcus, stage, event, suspended, server):
    his = dj(marcus, stage)
    play = his.play("One")["playId"]
    dancer(stage)  # its snapshot is kept for newcomers
    suspended()
    late = dancer()
    assert late.follow(stage.code)["code"] == "stage_not_found"
    assert late.follow(session=his.session_id)["code"] == "session_not_found"
    assert late.ask("SEND_LIKE", playId=play)["code"] == "play_not_found"
    assert late.ask("SEND_TEMPO_REQUEST", sessionId=his.session_id, preference="faster")["code"] == "session_not_found"
    late.send({"type": "GET_SESSIONS"})
    assert late.hear("SESSIONS_LIST")["sessions"] == []
    late.send({"type": "VALIDATE_SESSION", "sessionId": his.session_id})
    late.hear("SESSION_EXPIRED")
    pages = [
        f"/s/{stage.code}",
        f"/s/{stage.code}/wall",
        f"/s/{stage.code}/overlay",
        f"/s/{stage.code}/qr.svg",
        f"/l/{his.session_id}",
        f"/api/v1/stages/{stage.code}",
        f"/api/v1/events/{event.slug}/stages",
        f"/api/v1/events/{event.slug}/schedule",
    ]
    assert {path: client.get(path).status_code for path in pages} == dict.fromkeys(pages, 404)
    assert stage.name not in client.get("/").content.decode()


def test_the_dj_is_refused_with_a_clear_sentence_and_the_floor_hears_nothing(dj, dancer, marcus, stage, suspended):
    his, sarah = dj(marcus, stage), dancer(stage)
    play = his.play("One")["playId"]
    suspended()
    sarah.all_heard()
    refused = his.play("Two")
    assert (refused["code"], refused["error"], refused["retryAfter"]) == ("suspended", WORDS, 60)
    about = {"sessionId": his.session_id}
    assert his.ask("START_POLL", **about, question="Faster?", options=["Yes", "No"])["code"] == "suspended"
    # What is between the DJ and us goes on, and is not told.
    for kind, fields in {
        "METADATA_UPDATED": {"track": {"title": "One (better)"}},
        "HIDE_TRACK": {"playId": play, "hidden": True},
        "UPDATE_SESSION": {"isPaused": True, "note": "For later"},
        "TRACK_STOPPED": {},
    }.items():
        assert his.ask(kind, **about, **fields)["type"] == "ACK", kind
    told = [it for it in sarah.all_heard() if it["type"] != "LISTENER_COUNT"]
    assert {it["state"] for it in told if it["type"] == "STAGE_STATE"} <= {"closed"}
    assert {it["type"] for it in told} <= {"STAGE_STATE"}
    assert list(Play.objects.values_list("title", flat=True)) == ["One (better)"]


def test_the_api_asks_programs_to_wait_so_that_no_track_is_lost(dj, client, marcus, stage, suspended, token_of):
    his = dj(marcus, stage)
    suspended()
    body = {"plays": [{"playId": "0d9f2a4e-6c1b-4b7a-9a53-3f1f6f0c7a11", "playedAt": iso(timezone.now())}]}
    body["plays"][0]["track"] = {"title": "One"}
    headers = {"Authorization": f"Bearer {token_of(marcus)}"}

    def send():
        path = f"/api/v1/sessions/{his.session_id}/plays"
        return client.post(path, body, content_type="application/json", headers=headers)

    refused = send()
    assert (refused.status_code, refused["Retry-After"]) == (503, "61")
    assert refused.json()["error"] == {"code": "suspended", "message": WORDS, "retryAfter": 60}
    suspended(False)
    assert send().json()["results"][0]["status"] == "created"


def test_nobody_goes_live_there_and_who_comes_back_is_told_why(dj, dancer, marcus, ana, stage, suspended, token_of):
    his = dj(marcus, stage)
    suspended()
    new = dancer().ask("REGISTER_SESSION", token=token_of(ana), stageId=stage.code)
    assert (new["code"], new["error"]) == ("suspended", WORDS)
    again = {"sessionId": his.session_id, "token": token_of(marcus)}
    assert dancer().ask("REGISTER_SESSION", **again, stageId=stage.code)["code"] == "suspended"
    assert dancer().ask("REGISTER_SESSION", **again)["type"] == "ACK"
    assert his.end()["type"] == "ACK", "leaving is always possible"


def test_everything_comes_back(dj, dancer, client, marcus, stage, suspended):
    his, sarah = dj(marcus, stage), dancer(stage)
    his.play("One")
    suspended()
    sarah.all_heard()
    suspended(False)
    told = sarah.hear("STAGE_STATE")
    assert (told["state"], told["djName"]) == ("live", "Marcus")
    snapshot = dancer(stage).hear("SNAPSHOT")
    assert (snapshot["state"], snapshot["play"]["track"]["title"]) == ("live", "One")
    assert client.get(f"/s/{stage.code}").status_code == 200
    his.play("Two")
    assert sarah.hear("NOW_PLAYING")["track"]["title"] == "Two"
    assert Session.objects.live().count() == 1


def test_a_delayed_track_and_a_poll_that_runs_out_say_nothing_meanwhile(dj, dancer, marcus, stage, suspended):
    his, sarah = dj(marcus, stage, delaySeconds=30), dancer(stage)
    his.play("Late")
    assert his.ask("START_POLL", sessionId=his.session_id, question="Faster?", options=["Yes", "No"])["type"] == "ACK"
    suspended()
    sarah.all_heard()
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        jobs.run_due()
    assert {it["type"] for it in sarah.all_heard()} <= {"LISTENER_COUNT", "STAGE_STATE"}
    suspended(False)
    snapshot = dancer(stage).hear("SNAPSHOT")
    assert (snapshot["play"]["track"]["title"], snapshot["poll"]) == ("Late", None)


def test_who_hears_the_session_alone_is_told_that_it_ended(dj, dancer, marcus, stage, suspended):
    his = dj(marcus, stage)
    sarah = dancer(session=his.session_id)
    suspended()
    assert sarah.hear("SESSION_ENDED")["sessionId"] == his.session_id
    assert Session.objects.live().count() == 1


def test_another_organizers_floor_goes_on(dj, dancer, marcus, ana, stage, stranger, event, suspended):
    other = stranger.organizers.get()
    theirs = other.events.create(
        name="Other", slug="other", starts_on=event.starts_on, ends_on=event.ends_on, status="published"
    ).stages.create(name="Their floor")
    hers, tom = dj(ana, theirs), dancer(theirs)
    suspended()
    hers.play("Theirs")
    assert tom.hear("NOW_PLAYING")["track"]["title"] == "Theirs"
    assert stage_now(Stage.objects.get(pk=stage.pk), timezone.now()).state == "closed"

"""Delay, pause, handover, repeat guard, tempo, thanks: what a DJ can steer and hear."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from pika.jobs import actions as jobs
from pika.live.messages import iso
from stages.models import Play

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_delayed_track_is_told_when_its_time_comes(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage, delaySeconds=60), dancer(stage)
    his.play("Soon")
    assert [m for m in sarah.all_heard() if m["type"] == "NOW_PLAYING"] == []
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        jobs.run_due()
    assert sarah.hear("NOW_PLAYING")["track"]["title"] == "Soon"


def test_a_track_hidden_during_its_delay_is_never_told(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage, delaySeconds=60), dancer(stage)
    play_id = his.play("Never")["playId"]
    his.ask("HIDE_TRACK", sessionId=his.session_id, playId=play_id)
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        jobs.run_due()
    assert [m["type"] for m in sarah.all_heard() if m["type"] == "NOW_PLAYING"] == []
    assert Play.objects.get().published_at is None


def test_a_pause_keeps_tracks_between_the_dj_and_us(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    his.ask("UPDATE_SESSION", sessionId=his.session_id, isPaused=True)
    assert sarah.hear("STAGE_STATE")["state"] == "between_songs"
    his.play("Private")
    his.play("Still playing")
    his.ask("UPDATE_SESSION", sessionId=his.session_id, isPaused=False)
    assert sarah.hear("NOW_PLAYING")["track"]["title"] == "Still playing"
    assert [p["track"]["title"] for p in dancer(stage).hear("SNAPSHOT")["recent"]] == ["Still playing"]


def test_the_next_dj_gets_the_note_and_the_last_ten_plays(dj, dancer, marcus, ana, stage):
    his = dj(marcus, stage)
    for number in range(12):
        his.play(f"Song {number}")
    sarah = dancer(stage)
    sarah.ask("SEND_TEMPO_REQUEST", sessionId=his.session_id, preference="faster")
    his.ask("UPDATE_SESSION", sessionId=his.session_id, note="They are tired, go slow")
    his.end()
    handover = dj(ana, stage).hear("SESSION_REGISTERED")["handover"]
    assert (handover["djName"], handover["note"]) == ("Marcus", "They are tired, go slow")
    assert [play["track"]["title"] for play in handover["plays"]] == [f"Song {n}" for n in range(11, 1, -1)]
    assert handover["plays"][0]["tempo"] == {"faster": 1, "perfect": 0, "slower": 0}


def test_a_repeat_is_told_to_the_dj_alone(dj, dancer, marcus, ana, stage, other_stage):
    his, hers, sarah = dj(marcus, stage), dj(ana, other_stage), dancer(stage)
    at = timezone.now() - timedelta(hours=1)
    hers.play("Señorita", "Justin Timberlake", playedAt=iso(at))
    his.play("SENORITA (Official Video)", "Justin Timberlake")
    local = at.astimezone(stage.event.zone)
    assert his.hear("REPEAT_WARNING")["words"] == f"played {local:%A %H:%M} on Blues Room by Ana"
    assert [m for m in sarah.all_heard() if m["type"] == "REPEAT_WARNING"] == []


def test_a_remix_is_another_recording(dj, marcus, ana, stage, other_stage):
    his, hers = dj(marcus, stage), dj(ana, other_stage)
    hers.play("Señorita", "Justin Timberlake", playedAt=iso(timezone.now() - timedelta(hours=1)))
    his.play("Señorita (Eli Iwasa Remix)", "Justin Timberlake")
    his.play("Señorita", "Shawn Mendes & Camila Cabello")
    assert [m for m in his.all_heard() if m["type"] == "REPEAT_WARNING"] == []


def test_tempo_wishes_reach_the_dj_as_totals_and_start_again_with_the_next_song(dj, dancer, marcus, stage):
    his, sarah, tom = dj(marcus, stage), dancer(stage), dancer(stage)
    his.play("Fast")
    sarah.ask("SEND_TEMPO_REQUEST", sessionId=his.session_id, preference="slower")
    tom.ask("SEND_TEMPO_REQUEST", sessionId=his.session_id, preference="perfect")
    his.hear("TEMPO_FEEDBACK")
    told = his.hear("TEMPO_FEEDBACK")
    assert [told[name] for name in ("faster", "slower", "perfect", "total")] == [0, 1, 1, 2]
    sarah.ask("SEND_TEMPO_REQUEST", sessionId=his.session_id, preference="clear")
    assert his.hear("TEMPO_FEEDBACK")["total"] == 1
    assert [m["type"] for m in tom.all_heard() if m["type"] == "TEMPO_FEEDBACK"] == []
    his.play("Next")
    tom.hear("TEMPO_RESET")
    tom.ask("SEND_TEMPO_REQUEST", sessionId=his.session_id, preference="perfect")
    assert his.hear("TEMPO_FEEDBACK")["total"] == 1


def test_a_single_complaint_on_a_full_floor_is_not_shown(dj, dancer, marcus, stage):
    his = dj(marcus, stage)
    his.play("Perfect for most")
    floor = [dancer(stage) for _ in range(8)]
    import pika.live.broker

    pika.live.broker.broker().count_listeners(f"stage.{stage.code}", {str(n) for n in range(8)})
    floor[0].ask("SEND_TEMPO_REQUEST", sessionId=his.session_id, preference="slower")
    assert his.hear("TEMPO_FEEDBACK")["slower"] == 0


def test_a_wish_for_silence_is_refused(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    answer = sarah.ask("SEND_TEMPO_REQUEST", sessionId=his.session_id, preference="faster")
    assert answer["error"] == "Nothing plays right now"


def test_thanks_reach_the_dj_once_per_song(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    assert sarah.ask("SEND_REACTION", sessionId=his.session_id, reaction="thank_you")["type"] == "ACK"
    assert his.hear("REACTION_RECEIVED")["reaction"] == "thank_you"
    again = sarah.ask("SEND_REACTION", sessionId=his.session_id, reaction="thank_you")
    assert again["code"] == "too_often"
    assert again["error"].startswith("Thank you!")


def test_listeners_are_counted_once_per_device(dj, dancer, marcus, stage):
    dj(marcus, stage)
    sarah = dancer(stage)
    token = sarah.follow(stage.code)["guestToken"]
    dancer(stage, guestToken=token)
    dancer(stage)
    dancer(stage, display=True)
    while (count := sarah.hear("LISTENER_COUNT")["count"]) != 2:
        assert count < 3
    assert count == 2


def test_corrected_words_reach_the_floor(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    his.play("Track 01", "")
    his.ask("METADATA_UPDATED", sessionId=his.session_id, track={"title": "Crazy", "artist": "Seal"})
    assert sarah.hear("METADATA_UPDATED")["track"] == {"title": "Crazy", "artist": "Seal"}
    assert dancer(stage).hear("SNAPSHOT")["play"]["track"]["title"] == "Crazy"

"""A track's way from the DJ to the phones on the stage."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from pika.live.messages import iso
from stages.models import Play, Session

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_dancer_hears_what_the_dj_plays(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    assert sarah.hear("SNAPSHOT")["state"] == "between_songs"
    play_id = his.play("Uptown Funk", "Mark Ronson feat. Bruno Mars")["playId"]
    heard = sarah.hear("NOW_PLAYING")
    assert heard["track"] == {"title": "Uptown Funk", "artist": "Mark Ronson feat. Bruno Mars"}
    assert (heard["playId"], heard["djName"], heard["stageId"]) == (play_id, "Marcus", stage.code)


def test_whoever_comes_later_gets_it_in_one_snapshot(dj, dancer, marcus, stage):
    his = dj(marcus, stage)
    his.play("One")
    his.play("Two")
    snapshot = dancer(stage).hear("SNAPSHOT")
    assert snapshot["state"] == "live"
    assert snapshot["play"]["track"]["title"] == "Two"
    assert [play["track"]["title"] for play in snapshot["recent"]] == ["Two", "One"]
    assert snapshot["session"]["djName"] == "Marcus"


def test_the_current_dj_is_the_one_with_the_latest_track(dj, dancer, marcus, ana, stage):
    his, hers = dj(marcus, stage), dj(ana, stage)
    sarah = dancer(stage)
    his.play("His")
    assert sarah.hear("NOW_PLAYING")["djName"] == "Marcus"
    hers.play("Hers")
    assert sarah.hear("NOW_PLAYING")["djName"] == "Ana"
    hers.end()
    sarah.hear("SESSION_ENDED")
    assert sarah.hear("NOW_PLAYING")["track"]["title"] == "His"
    his.end()
    assert dancer(stage).hear("SNAPSHOT")["state"] == "waiting"


def test_an_older_play_is_history_only(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    his.play("Now")
    his.play("Earlier", playedAt=iso(timezone.now() - timedelta(minutes=4)))
    titles = [m["track"]["title"] for m in sarah.all_heard() if m["type"] == "NOW_PLAYING"]
    assert titles == ["Now"]
    recent = dancer(stage).hear("SNAPSHOT")["recent"]
    assert [play["track"]["title"] for play in recent] == ["Now", "Earlier"]


def test_the_same_uuid_is_one_play(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    play_id = str(uuid.uuid4())
    assert his.play("Once", playId=play_id)["playId"] == play_id
    assert his.play("Once", playId=play_id)["playId"] == play_id
    assert Play.objects.count() == 1
    assert len([m for m in sarah.all_heard() if m["type"] == "NOW_PLAYING"]) == 1


def test_a_uuid_of_another_session_is_refused(dj, marcus, ana, stage):
    play_id = str(uuid.uuid4())
    dj(marcus, stage).play("Mine", playId=play_id)
    answer = dj(ana, stage).play("Stolen", playId=play_id)
    assert (answer["type"], answer["code"]) == ("NACK", "play_id_taken")


def test_a_clock_two_hours_off_is_corrected(dj, marcus, stage):
    ahead = timezone.now() + timedelta(hours=2)
    dj(marcus, stage).play("Late", playedAt=iso(ahead - timedelta(seconds=90)), sentAt=iso(ahead))
    played_at = Play.objects.get().played_at
    assert abs((timezone.now() - timedelta(seconds=90) - played_at).total_seconds()) < 5


def test_nothing_is_played_in_the_future(dj, marcus, stage):
    dj(marcus, stage).play("Tomorrow", playedAt=iso(timezone.now() + timedelta(days=1)))
    assert Play.objects.get().played_at <= timezone.now()


def test_a_hidden_track_disappears_and_comes_back(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    play_id = his.play("Secret")["playId"]
    his.ask("HIDE_TRACK", sessionId=his.session_id, playId=play_id, hidden=True)
    assert sarah.hear("TRACK_HIDDEN")["playId"] == play_id
    snapshot = dancer(stage).hear("SNAPSHOT")
    assert (snapshot["play"], snapshot["recent"], snapshot["state"]) == (None, [], "between_songs")
    his.ask("HIDE_TRACK", sessionId=his.session_id, playId=play_id, hidden=False)
    assert sarah.hear("NOW_PLAYING")["playId"] == play_id


def test_music_that_stops_leaves_the_last_song_on_screen(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    his.play("Last")
    his.ask("TRACK_STOPPED", sessionId=his.session_id)
    sarah.hear("TRACK_STOPPED")
    snapshot = dancer(stage).hear("SNAPSHOT")
    assert (snapshot["state"], snapshot["play"]["track"]["title"]) == ("between_songs", "Last")
    his.play("Next")
    assert dancer(stage).hear("SNAPSHOT")["state"] == "live"


def test_a_lost_dj_is_reconnecting_and_found_again(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    his.play("On")
    his.close()
    assert sarah.hear("STAGE_STATE")["state"] == "reconnecting"
    again = dj(marcus, sessionId=his.session_id)
    assert again.session_id == his.session_id
    assert sarah.hear("STAGE_STATE")["state"] == "live"
    assert Session.objects.count() == 1


def test_two_sockets_of_one_session_are_one_dj(dj, dancer, marcus, stage):
    his = dj(marcus, stage)
    tab = dj(marcus, sessionId=his.session_id)
    his.play("From the program")
    sarah = dancer(stage)
    his.close()
    tab.play("From the tab")
    states = [m["state"] for m in sarah.all_heard() if m["type"] == "STAGE_STATE"]
    assert states == []
    assert [p.title for p in Play.objects.order_by("id")] == ["From the program", "From the tab"]


def test_an_unknown_stage_is_refused_in_plain_words(dancer, dj, marcus, token_of, server):
    sarah = dancer()
    answer = sarah.follow("NOPE99")
    assert (answer["type"], answer["error"], answer["code"]) == ("NACK", "Stage not found", "stage_not_found")
    assert sarah.ask("PING")["type"] == "ACK"
    his = dj(marcus)
    answer = his.ask("REGISTER_SESSION", token=token_of(marcus), stageId="NOPE99")
    assert answer["error"] == "Stage not found"


def test_a_quick_start_needs_no_stage(dj, dancer, marcus):
    his = dj(marcus)
    his.play("Home party")
    sarah = dancer(session=his.session_id)
    kinds = [message["type"] for message in sarah.all_heard()]
    # A total of the whole floor may come at any moment, also in between.
    assert [kind for kind in kinds if kind != "LISTENER_COUNT"][:3] == ["SESSIONS_LIST", "NOW_PLAYING", "SNAPSHOT"]
    assert "LISTENER_COUNT" in kinds[: kinds.index("NOW_PLAYING")]
    his.end()
    assert sarah.hear("SESSION_ENDED")["sessionId"] == his.session_id

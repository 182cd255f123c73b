"""Hearts: one per device and play, kept through dead networks."""

import uuid

import pytest

from accounts.models import Guest
from tracks.models import Like

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_like_reaches_the_dj_with_its_count(dj, dancer, marcus, stage):
    his, sarah, tom = dj(marcus, stage), dancer(stage), dancer(stage)
    play_id = his.play("Loved")["playId"]
    assert sarah.ask("SEND_LIKE", playId=play_id)["isNew"] is True
    assert his.hear("LIKE_RECEIVED")["count"] == 1
    tom.ask("SEND_LIKE", playId=play_id)
    told = his.hear("LIKE_RECEIVED")
    assert (told["count"], told["payload"]["track"]["title"], told["sessionId"]) == (2, "Loved", his.session_id)
    assert [m["type"] for m in sarah.all_heard() if m["type"] == "LIKE_RECEIVED"] == []


def test_liking_twice_is_liking_once(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    play_id = his.play("Loved")["playId"]
    assert [sarah.ask("SEND_LIKE", playId=play_id)["isNew"] for _ in range(2)] == [True, False]
    assert Like.objects.count() == 1


def test_a_like_can_be_taken_back(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    play_id = his.play("Loved")["playId"]
    sarah.ask("SEND_LIKE", playId=play_id)
    sarah.ask("REMOVE_LIKE", playId=play_id)
    his.hear("LIKE_RECEIVED")
    assert his.hear("LIKE_RECEIVED")["count"] == 0
    assert Like.objects.count() == 0


def test_a_03_client_likes_by_session_and_name(dj, dancer, marcus):
    his = dj(marcus)
    his.play("Song", "Band")
    sarah = dancer(session=his.session_id, clientId="pika_dancer_1")
    track = {"title": "Song", "artist": "Band", "bpm": 100}
    assert sarah.ask("SEND_LIKE", sessionId=his.session_id, payload={"track": track})["type"] == "ACK"
    assert his.hear("LIKE_RECEIVED")["count"] == 1


def test_what_was_liked_offline_is_sent_later_and_counted(dj, dancer, marcus, stage):
    his = dj(marcus, stage)
    ids = [his.play(f"Song {n}")["playId"] for n in range(3)]
    sarah = dancer(stage)
    sarah.ask("SEND_LIKE", playId=ids[0])
    tracks = [{"playId": play_id} for play_id in [*ids, str(uuid.uuid4())]]
    answer = sarah.ask("SEND_BULK_LIKE", payload={"tracks": tracks})
    assert (answer["liked"], answer["known"], answer["missing"]) == (2, 1, 1)
    again = sarah.ask("SEND_BULK_LIKE", payload={"tracks": tracks})
    assert (again["liked"], again["known"], again["missing"]) == (0, 3, 1)
    assert Like.objects.count() == 3


def test_likes_belong_to_the_device_and_come_back_with_it(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    token = sarah.follow(stage.code)["guestToken"]
    play_id = his.play("Loved")["playId"]
    sarah.ask("SEND_LIKE", playId=play_id)
    sarah.close()
    assert dancer(stage, guestToken=token).hear("SNAPSHOT")["likes"] == [play_id]
    assert dancer(stage).hear("SNAPSHOT")["likes"] == []
    assert Guest.objects.filter(likes__play__uuid=play_id).count() == 1


def test_a_forged_guest_token_is_refused(dancer, stage):
    assert dancer().follow(stage.code, guestToken="me:forged")["code"] == "bad_guest"


def test_a_hidden_or_unknown_track_cannot_be_liked(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    play_id = his.play("Secret")["playId"]
    his.ask("HIDE_TRACK", sessionId=his.session_id, playId=play_id)
    assert sarah.ask("SEND_LIKE", playId=play_id)["error"] == "Track not found"
    assert sarah.ask("SEND_LIKE", playId=str(uuid.uuid4()))["error"] == "Track not found"


def test_ten_hearts_a_minute_are_enough(dj, dancer, marcus, stage, settings):
    his, sarah = dj(marcus, stage), dancer(stage)
    play_id = his.play("Loved")["playId"]
    codes = [sarah.ask("SEND_LIKE", playId=play_id).get("code") for _ in range(2 * settings.LIKES_PER_MINUTE + 1)]
    assert "too_often" in codes
    assert codes[: settings.LIKES_PER_MINUTE] == [None] * settings.LIKES_PER_MINUTE

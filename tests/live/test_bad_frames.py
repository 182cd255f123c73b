"""Nothing a client sends makes a traceback, and every refusal is in plain words."""

import json
import logging

import pytest
from websockets.exceptions import ConnectionClosed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_tracebacks(caplog):
    caplog.set_level(logging.ERROR)
    yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def said(socket, frame):
    socket.send(frame)
    return socket.read()


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", "not_json"),
        ("", "not_json"),
        ("[]", "no_type"),
        ("null", "no_type"),
        ('{"type": 5}', "no_type"),
        ('{"type": "NONSENSE"}', "unknown_type"),
        ('{"type": "PING", "messageId": 5}', "bad_message_id"),
        ('{"type": "PING", "messageId": {"a": 1}}', "bad_message_id"),
        ("[" * 5000, "not_json"),
        ('{"type": "SUBSCRIBE"}', "invalid"),
        ('{"type": "SUBSCRIBE", "stageId": {"$ne": 1}}', "invalid"),
        ('{"type": "SUBSCRIBE", "stageId": "A", "sessionId": "B"}', "invalid"),
        ('{"type": "SUBSCRIBE", "sessionId": "NOPE"}', "session_not_found"),
        ('{"type": "REGISTER_SESSION"}', "unauthenticated"),
        ('{"type": "REGISTER_SESSION", "token": "pika_wrong"}', "bad_token"),
        ('{"type": "REGISTER_SESSION", "token": "x", "sessionId": "a b"}', "invalid"),
        ('{"type": "BROADCAST_TRACK", "sessionId": "AAAA", "track": {"title": "x"}}', "unauthenticated"),
        ('{"type": "SEND_LIKE"}', "invalid"),
        ('{"type": "SEND_LIKE", "playId": "12"}', "invalid"),
        ('{"type": "SEND_BULK_LIKE", "payload": {"tracks": "all"}}', "invalid"),
        ('{"type": "SEND_TEMPO_REQUEST", "sessionId": "NOPE", "preference": "louder"}', "invalid"),
    ],
)
def test_a_wrong_frame_is_refused_and_the_socket_stays(dancer, frame, code):
    sarah = dancer()
    answer = said(sarah, frame)
    assert (answer["type"], answer["code"]) == ("NACK", code)
    assert answer["error"]
    assert said(sarah, '{"type": "PING"}')["type"] == "PONG"


def test_bytes_are_refused(dancer):
    assert said(dancer(), b"\x00\x01")["code"] == "not_json"


def test_a_frame_over_10_kb_closes_with_1009(dancer):
    sarah = dancer()
    sarah.send(json.dumps({"type": "PING", "padding": "x" * 11_000}))
    assert sarah.close_code() == 1009


def test_a_frame_of_nearly_10_kb_is_fine(dancer):
    assert said(dancer(), json.dumps({"type": "PING", "padding": "x" * 10_000}))["type"] == "PONG"


def test_a_hundred_frames_at_once_are_slowed_down_in_words(settings, dancer):
    settings.LIVE_FRAMES_PER_SECOND = 0.1  # however long this machine takes for a hundred
    sarah = dancer()
    for _ in range(100):
        sarah.send('{"type": "PING"}')
    answers = [sarah.read() for _ in range(100)]
    refused = [answer for answer in answers if answer["type"] == "NACK"]
    assert refused
    assert {answer["code"] for answer in refused} == {"too_many"}
    assert all(answer["retryAfter"] > 0 for answer in refused)


def test_a_flood_is_hung_up_on(dancer):
    sarah = dancer()
    with pytest.raises(ConnectionClosed) as hung_up:
        for _ in range(1000):
            said(sarah, '{"type": "PING"}')
    assert hung_up.value.rcvd.code == 1008


@pytest.mark.parametrize(
    ("track", "words"),
    [
        ({}, "track.title: This field is required."),
        ({"title": ""}, "track.title: This field may not be blank."),
        ({"title": "x" * 501}, "track.title: Ensure this field has no more than 500 characters."),
        ({"title": "a", "artist": ["b"]}, "track.artist: Not a valid string."),
        ({"title": "a", "bpm": "fast"}, "track.bpm: A valid number is required."),
        ({"title": "a", "bpm": 1000}, "track.bpm: Ensure this value is less than or equal to 300."),
        ({"title": "a\x00b"}, "track.title: Null characters are not allowed."),
        ("a", "track: Invalid data. Expected a dictionary, but got str."),
    ],
)
def test_a_wrong_track_says_what_is_wrong(dj, marcus, track, words):
    his = dj(marcus)
    answer = his.ask("BROADCAST_TRACK", sessionId=his.session_id, track=track)
    assert (answer["type"], answer["error"]) == ("NACK", words)


def test_a_title_of_ten_thousand_characters_is_refused_in_words(dj, marcus):
    assert "500 characters" in dj(marcus).play("x" * 9_500)["error"]


def test_an_artist_may_be_missing(dj, marcus):
    his = dj(marcus)
    answer = his.ask("BROADCAST_TRACK", sessionId=his.session_id, track={"title": "Only a title"})
    assert answer["type"] == "ACK"


@pytest.mark.parametrize("played_at", [1e30, -1e30, "yesterday", "0001-01-01T00:00:00Z", True, [], "2026-13-01"])
def test_an_impossible_time_is_refused(dj, marcus, played_at):
    answer = dj(marcus).play("When?", playedAt=played_at)
    assert (answer["type"], answer["code"]) == ("NACK", "invalid")


def test_milliseconds_are_a_time_too(dj, marcus):
    assert dj(marcus).play("Then", playedAt=1_571_676_282_000)["type"] == "ACK"


def test_half_an_emoji_is_refused_or_kept_but_never_breaks(dj, marcus):
    his = dj(marcus)
    his.send({"type": "BROADCAST_TRACK", "messageId": "1", "sessionId": his.session_id, "track": {"title": "a\ud800"}})
    assert his.read()["type"] == "NACK"


def test_the_same_message_id_is_answered_twice_and_done_once(dj, marcus):
    his = dj(marcus)
    first = his.ask("BROADCAST_TRACK", messageId="m1", sessionId=his.session_id, track={"title": "Once"})
    again = his.ask("BROADCAST_TRACK", messageId="m1", sessionId=his.session_id, track={"title": "Once"})
    assert (first["type"], again["type"]) == ("ACK", "ACK")
    from stages.models import Play

    assert Play.objects.count() == 1


def test_a_foreign_page_may_not_open_the_socket(server):
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    with pytest.raises(InvalidStatus) as refused:
        connect(server.ws, origin="https://evil.example")
    assert refused.value.response.status_code == 403


def test_cookies_without_our_origin_are_not_believed(server, marcus, client):
    from tests.cast import Socket

    client.force_login(marcus, backend="allauth.account.auth_backends.AuthenticationBackend")
    cookie = f"sessionid={client.cookies['sessionid'].value}"
    program = Socket(server.ws, additional_headers={"Cookie": cookie})
    assert program.ask("REGISTER_SESSION")["code"] == "unauthenticated"
    page = Socket(server.ws, additional_headers={"Cookie": cookie}, origin=server.url)
    assert page.ask("REGISTER_SESSION")["type"] == "ACK"
    program.close()
    page.close()


def test_a_socket_at_an_unknown_address_is_refused(server):
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    with pytest.raises(InvalidStatus):
        connect(server.ws + "/nowhere")

"""The floor over HTTP, as programs use it."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Guest
from pika.live.messages import iso
from stages.models import Follow, Play, Session, Stage

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(client, token_of):
    """`api(marcus).post("/sessions", {...})` → (status, body)."""

    class Api:
        def __init__(self, user):
            self.headers = {"Authorization": f"Bearer {token_of(user)}"} if user else {}

        def call(self, method, path, body=None):
            answer = getattr(client, method)(
                f"/api/v1{path}", body, content_type="application/json", headers=self.headers
            )
            return answer.status_code, answer.json()

        def get(self, path):
            answer = client.get(f"/api/v1{path}", headers=self.headers)
            return answer.status_code, answer.json()

        def post(self, path, body=None):
            return self.call("post", path, body if body is not None else {})

        def patch(self, path, body):
            return self.call("patch", path, body)

    return Api


def batch(*titles, **more):
    at = timezone.now() - timedelta(hours=1)
    return {
        "sentAt": iso(timezone.now()),
        "plays": [
            {
                "playId": str(uuid.uuid4()),
                "playedAt": iso(at + timedelta(minutes=3 * n)),
                "track": {"title": title, "artist": "Somebody"},
                **more,
            }
            for n, title in enumerate(titles)
        ],
    }


def test_going_live_again_is_the_same_session(api, marcus, stage):
    first, session = api(marcus).post("/sessions", {"stageId": stage.code})
    again, same = api(marcus).post("/sessions", {"sessionId": session["sessionId"]})
    assert (first, again) == (201, 200)
    assert same == session
    assert session["url"].endswith(f"/s/{stage.code}")
    assert session["stage"] == {"stageId": stage.code, "name": "Main Floor", "eventName": "WCS Budapest"}


def test_a_batch_is_recorded_in_order_and_once(api, marcus):
    _, session = api(marcus).post("/sessions")
    path = f"/sessions/{session['sessionId']}/plays"
    plays = batch("One", "Two", "Three")
    status, answer = api(marcus).post(path, plays)
    assert (status, [r["status"] for r in answer["results"]]) == (200, ["created"] * 3)
    _, answer = api(marcus).post(path, plays)
    assert [r["status"] for r in answer["results"]] == ["duplicate"] * 3
    _, listed = api(marcus).get(path)
    assert [play["track"]["title"] for play in listed] == ["One", "Two", "Three"]
    assert [play["playId"] for play in listed] == [play["playId"] for play in plays["plays"]]


def test_a_wrong_play_is_rejected_alone(api, marcus):
    _, session = api(marcus).post("/sessions")
    plays = batch("Good", "", "Also good")
    plays["plays"].append("nonsense")
    _, answer = api(marcus).post(f"/sessions/{session['sessionId']}/plays", plays)
    assert [r["status"] for r in answer["results"]] == ["created", "rejected", "created", "rejected"]
    assert answer["results"][1]["error"] == "track.title: This field may not be blank."


def test_a_late_outbox_is_still_taken(api, marcus):
    _, session = api(marcus).post("/sessions")
    api(marcus).post(f"/sessions/{session['sessionId']}/end")
    _, answer = api(marcus).post(f"/sessions/{session['sessionId']}/plays", batch("Late"))
    assert answer["results"][0]["status"] == "created"
    assert Play.objects.get().published_at is not None


def test_the_times_of_years_ago_are_kept(api, marcus):
    _, session = api(marcus).post("/sessions")
    plays = batch("Old")
    plays["plays"][0]["playedAt"] = "2019-10-21T20:14:42Z"
    api(marcus).post(f"/sessions/{session['sessionId']}/plays", plays)
    assert iso(Play.objects.get().played_at) == "2019-10-21T20:14:42.000Z"


def test_a_play_can_be_hidden_and_settings_changed(api, marcus):
    _, session = api(marcus).post("/sessions")
    path = f"/sessions/{session['sessionId']}"
    plays = batch("Secret")
    api(marcus).post(f"{path}/plays", plays)
    status, play = api(marcus).post(f"{path}/plays/{plays['plays'][0]['playId']}/hide", {"hidden": True})
    assert (status, play["isHidden"]) == (200, True)
    status, changed = api(marcus).patch(path, {"delaySeconds": 30, "isPaused": True, "note": "Slow"})
    assert (changed["delaySeconds"], changed["isPaused"], changed["note"]) == (30, True, "Slow")
    assert api(marcus).patch(path, {"delaySeconds": 601})[0] == 400


@pytest.mark.parametrize("path", ["", "/plays", "/end", "/plays/6f3d2f60-0000-4000-8000-000000000000/hide"])
def test_another_djs_session_is_404_for_a_dj(api, marcus, ana, path):
    _, session = api(marcus).post("/sessions")
    method = api(ana).get if path == "" else api(ana).post
    status, answer = method(f"/sessions/{session['sessionId']}{path}", *([] if path == "" else [{}]))
    assert (status, answer["error"]["code"]) == (404, "session_not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/me"),
        ("post", "/sessions"),
        ("get", "/sessions/ABCD"),
        ("post", "/sessions/ABCD/plays"),
        ("post", "/sessions/ABCD/end"),
        ("post", "/stages"),
        ("post", "/events"),
        ("post", "/events/wcs-budapest/schedule"),
    ],
)
def test_without_a_token_nothing_is_done(api, method, path, event):
    status, answer = getattr(api(None), method)(path)
    assert status == 401
    assert answer["error"]["message"]


def test_a_wrong_token_is_refused_also_where_anybody_may_look(client, stage):
    answer = client.get(f"/api/v1/stages/{stage.code}", headers={"Authorization": "Bearer pika_wrong"})
    assert answer.status_code == 401
    assert answer.json()["error"]["message"].startswith("This token is not valid")


def test_elena_builds_her_weekend(api, elena, organizer):
    status, event = api(elena).post(
        "/events",
        {
            "organizerId": "wcs-budapest",
            "name": "Spring Swing",
            "timeZone": "Europe/Budapest",
            "startsOn": "2027-03-26",
            "endsOn": "2027-03-28",
            "publish": True,
        },
    )
    assert (status, event["eventId"]) == (201, "spring-swing")
    status, stage = api(elena).post("/stages", {"eventId": "spring-swing", "name": "Main Floor"})
    assert (status, stage["url"]) == (201, f"http://testserver/s/{stage['stageId']}")
    slot = {
        "stageId": stage["stageId"],
        "startsAt": "2027-03-27T23:00:00+01:00",
        "endsAt": "2027-03-28T03:30:00+02:00",
        "djName": "Ana",
    }
    assert api(elena).post("/events/spring-swing/schedule", slot)[0] == 201
    _, schedule = api(None).get("/events/spring-swing/schedule")
    assert [(line["djName"], line["startsAt"], line["endsAt"]) for line in schedule] == [
        ("Ana", "2027-03-27T22:00:00.000Z", "2027-03-28T01:30:00.000Z")
    ]
    _, stages = api(None).get("/events/spring-swing/stages")
    assert [line["stageId"] for line in stages] == [stage["stageId"]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"timeZone": "Mars/Olympus"}, "timeZone: There is no time zone “Mars/Olympus”. Try Europe/Budapest."),
        ({"endsOn": "2027-03-01"}, "endsOn: The event ends before it starts."),
        ({"name": ""}, "name: This field may not be blank."),
    ],
)
def test_a_wrong_event_says_what_is_wrong(api, elena, organizer, change, words):
    body = {
        "organizerId": "wcs-budapest",
        "name": "Spring",
        "timeZone": "Europe/Budapest",
        "startsOn": "2027-03-26",
        "endsOn": "2027-03-28",
    }
    status, answer = api(elena).post("/events", body | change)
    assert (status, answer["error"]["message"]) == (400, words)


def test_a_stranger_cannot_touch_the_weekend(api, stranger, event, stage):
    assert api(stranger).post("/stages", {"eventId": event.slug, "name": "Mine"})[0] == 404
    slot = {"stageId": stage.code, "startsAt": "2027-03-27T23:00Z", "endsAt": "2027-03-28T03:00Z", "djName": "X"}
    assert api(stranger).post(f"/events/{event.slug}/schedule", slot)[0] == 404
    assert Stage.objects.count() == 1


def test_a_guest_follows_a_stage(api, stage):
    _, guest = api(None).post("/guests")
    for _ in range(2):
        assert api(None).post(f"/stages/{stage.code.lower()}/subscribe", guest)[0] == 200
    assert Follow.objects.filter(stage=stage).count() == Guest.objects.count() == 1
    assert api(None).post(f"/stages/{stage.code}/subscribe")[0] == 401
    assert api(None).post("/stages/NOPE99/subscribe", guest)[1]["error"]["message"] == "Stage not found"


def test_a_list_costs_the_same_for_one_and_thirty(api, marcus):
    counts = []
    for many in (1, 30):
        _, session = api(marcus).post("/sessions")
        path = f"/sessions/{session['sessionId']}/plays"
        api(marcus).post(path, batch(*[f"Song {n}" for n in range(many)]))
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as queries:
            api(marcus).get(path)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_two_sessions_of_one_dj_are_two(api, marcus):
    api(marcus).post("/sessions")
    api(marcus).post("/sessions")
    assert Session.objects.live().count() == 2


# --- What no honest program sends ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/sessions/%00"),
        ("post", "/sessions/AB%00CD/end"),
        ("get", "/sessions/%00/plays"),
        ("post", "/slots/%00/star"),
        ("post", "/events/wcs-budapest/announcements/%00/cancel"),
        ("get", "/events/wcs%00/stages"),
        ("post", "/sessions/ABCD/plays/no-uuid/hide"),
        ("get", "/nothing/here"),
    ],
)
def test_an_address_that_cannot_be_is_not_found_in_the_words_of_the_api(api, client, marcus, event, method, path):
    assert api(marcus).call(method, path) == (404, {"error": {"code": "not_found", "message": "Not found."}})


def test_a_cookie_with_a_nul_is_no_login(client, marcus):
    client.cookies["sessionid"] = "\0aaaaaaaaa"
    answer = client.get("/api/v1/me")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 100_000])
def test_json_without_a_bottom_is_refused(client, marcus, token_of, body):
    headers = {"Authorization": f"Bearer {token_of(marcus)}"}
    answer = client.post("/api/v1/sessions", body, content_type="application/json", headers=headers)
    assert answer.status_code == 400
    assert answer.json() == {"error": {"code": "parse_error", "message": "This is nested too deeply"}}


def test_a_host_that_cannot_be_is_refused_in_the_words_of_the_api(client):
    answer = client.get("/api/v1/me", headers={"Host": "a b"})
    said = {"code": "bad_request", "message": "This request is not one we understand"}
    assert (answer.status_code, answer.json()) == (400, {"error": said})


def test_what_is_no_play_at_all_is_rejected_alone(api, marcus):
    _, session = api(marcus).post("/sessions")
    wrong = [None, 1, [], {"playId": "\ud83d"}]
    body = batch("Fly")
    status, answer = api(marcus).post(
        f"/sessions/{session['sessionId']}/plays", body | {"plays": wrong + body["plays"]}
    )
    assert status == 200
    assert [result["status"] for result in answer["results"]] == ["rejected"] * 4 + ["created"]
    assert [result["playId"] for result in answer["results"][:4]] == ["", "", "", "?"]


def test_half_an_emoji_is_quoted_as_a_question_mark(api, elena, event):
    status, answer = api(elena).post("/events/wcs-budapest/announcements", {"message": "Hi", "priority": "\ud83d"})
    assert (status, answer["error"]["message"]) == (400, 'priority: "?" is not a valid choice.')

"""A browser or a program subscribes, and the page of what may wake the phone."""

from datetime import time

import pytest
from django.conf import settings as real

from accounts.access import guest_key
from accounts.actions import new_guest_secret
from accounts.models import Guest, PushSubscription
from events.models import Mute
from pika.gateways import webpush

pytestmark = pytest.mark.django_db
API = "/api/v1/push/subscriptions"
OURS = {"Origin": "http://testserver"}


def body_of(phone, **more):
    keys = {"p256dh": phone.p256dh, "auth": phone.auth}
    return {"endpoint": phone.endpoint, "keys": keys, "vapidKey": webpush.server_key()} | more


@pytest.fixture
def cookie(client):
    """The client is a browser that has been here."""
    secret = new_guest_secret()
    client.cookies[real.GUEST_COOKIE] = secret
    return guest_key(secret)


def test_a_page_of_ours_subscribes_with_the_cookie(client, cookie, service):
    assert client.get(API).json() == {"vapidKey": webpush.server_key()}
    answer = client.post(API, body_of(service.phone()), content_type="application/json", headers=OURS)
    assert (answer.status_code, answer.json()) == (201, {"vapidKey": webpush.server_key()})
    assert PushSubscription.objects.get().guest.key == cookie


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
def test_no_other_page_may_use_the_cookie(client, cookie, service, headers):
    answer = client.post(API, body_of(service.phone()), content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "bad_guest")
    assert PushSubscription.objects.count() == 0


def test_a_program_shows_its_guest_token(client, service):
    secret, phone = new_guest_secret(), service.phone()
    answer = client.post(API, body_of(phone, guestToken=secret), content_type="application/json")
    assert answer.status_code == 201
    assert PushSubscription.objects.get().guest.key == guest_key(secret)
    for token, left in (("forged", 1), (secret, 0), (secret, 0)):
        its = {"endpoint": phone.endpoint, "guestToken": token}
        answer = client.delete(API, its, content_type="application/json")
        assert (answer.status_code, PushSubscription.objects.count()) == (204 if token == secret else 401, left)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"endpoint": "http://fcm.googleapis.com/x"}, "endpoint"),
        ({"endpoint": "https://192.168.0.1/x"}, "endpoint"),
        ({"endpoint": "x" * 1001}, "endpoint"),
        ({"keys": {"p256dh": "x", "auth": "x"}}, "p256dh"),
        ({"keys": {}}, "keys.p256dh"),
        ({"keys": None}, "keys"),
        ({"vapidKey": "old"}, "vapidKey"),
        ({"vapidKey": None}, "vapidKey"),
    ],
)
def test_what_is_wrong_is_named(client, service, wrong, field):
    its = body_of(service.phone(), guestToken=new_guest_secret()) | wrong
    answer = client.post(API, its, content_type="application/json")
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (
        409 if wrong.get("vapidKey") else 400,
        [field],
    )
    assert PushSubscription.objects.count() == 0


def test_somebody_who_posts_all_the_time_waits(client, service):
    its = body_of(service.phone(), guestToken=new_guest_secret())
    answers = [client.post(API, its, content_type="application/json") for _ in range(32)]
    assert {answer.status_code for answer in answers} == {201, 429}
    assert answers[-1].json()["error"]["retryAfter"] > 0


# --- The page ---------------------------------------------------------------------------------------------------
def quiet(cookie):
    its = Guest.objects.get(key=cookie)
    return its.quiet_starts_at, its.quiet_ends_at, its.quiet_zone


def test_quiet_hours_are_kept_and_can_be_taken_back(client, cookie):
    form = {"starts_at": "23:30", "ends_at": "08:00", "zone": "Europe/Budapest"}
    assert client.post("/me/notifications", form).status_code == 302
    assert quiet(cookie) == (time(23, 30), time(8), "Europe/Budapest")
    page = client.get("/me/notifications").content.decode()
    assert 'value="23:30"' in page and 'value="Europe/Budapest"' in page
    client.post("/me/notifications", {"starts_at": "", "ends_at": "", "zone": "Europe/Budapest"})
    assert quiet(cookie) == (None, None, "")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"starts_at": "25:00", "ends_at": "08:00", "zone": "UTC"}, "This is no time. Like 23:30"),
        ({"starts_at": "23:00", "ends_at": "", "zone": "UTC"}, "Say both times, or none."),
        ({"starts_at": "", "ends_at": "08:00", "zone": "UTC"}, "Say both times, or none."),
        ({"starts_at": "08:00", "ends_at": "08:00", "zone": "UTC"}, "Both times are the same."),
        ({"starts_at": "23:00", "ends_at": "08:00", "zone": "Europe/Budapst"}, "There is no time zone"),
        ({"starts_at": "23:00", "ends_at": "08:00", "zone": ""}, "By which clock?"),
        ({"starts_at": "23:00", "ends_at": "08:00", "zone": "x" * 99}, "such a long name"),
    ],
)
def test_wrong_quiet_hours_are_told_by_the_field_and_what_was_typed_stays(client, cookie, form, words):
    answer = client.post("/me/notifications", form)
    page = answer.content.decode()
    assert (answer.status_code, words in page, Guest.objects.get().quiet_zone) == (422, True, "")
    assert all(f'value="{typed}"' in page for typed in form.values() if typed)


def test_an_event_is_muted_with_one_tap_from_its_notification_and_that_is_remembered(client, cookie, stage):
    page = client.get(f"/me/notifications?from=/s/{stage.code}").content.decode()
    assert page.index('id="from"') < page.index('id="device"')
    assert f"/e/{stage.event.slug}/mute" in page
    for _ in range(2):
        assert client.post(f"/e/{stage.event.slug}/mute").status_code == 302
    assert [mute.guest.key for mute in Mute.objects.all()] == [cookie]
    assert f"/e/{stage.event.slug}/unmute" in client.get("/me/notifications").content.decode()
    client.post(f"/e/{stage.event.slug}/unmute")
    assert Mute.objects.count() == 0


@pytest.mark.parametrize(
    "path", ["", "/nowhere", "https://evil.example/e/x", "/s/NOPE", "/e/nope", "\x00", "/" + "x" * 999]
)
def test_a_wrong_way_to_the_page_is_no_harm(client, path, db):
    assert client.get("/me/notifications", {"from": path}).status_code == 200


def test_an_event_that_nobody_may_see_cannot_be_muted(client, event):
    event.status = "draft"
    event.save()
    assert client.post(f"/e/{event.slug}/mute").status_code == 404
    assert client.post("/e/nope/mute").status_code == 404
    assert Mute.objects.count() == 0


def test_the_question_names_its_reason_and_has_the_key(client, service):
    page = client.get("/me/notifications/offer?reason=star").content.decode()
    assert "ten minutes before" in page and webpush.server_key() in page
    assert client.get("/me/notifications/offer?reason=<script>").status_code == 200

"""A device's secret that does not hold any more opens nothing, on no wire; the browser that shows it gets another."""

import json

import pytest
from django.conf import settings
from django.core.cache import cache

from accounts.access import guest_key
from accounts.claim import retire, revoke, rotate
from accounts.models import Guest
from stages.models import Follow
from tests.tracks.conftest import a_play, a_set, love, phone_of, sarah, user  # noqa: F401  fixtures
from tracks.models import Like

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_counted():
    cache.clear()


@pytest.fixture
def song(sarah, stage, a_set, a_play, love):  # noqa: F811
    play = a_play(a_set(stage), "Epic")
    love(sarah, play)
    return play


def given(answer):
    cookie = answer.cookies.get(settings.GUEST_COOKIE)
    return guest_key(cookie.value) if cookie else ""


@pytest.mark.parametrize("end", [rotate, revoke, retire])
def test_it_opens_nothing_and_collects_nothing(client, sarah, song, stage, a_set, a_play, end):  # noqa: F811
    other = a_play(a_set(stage), "Later")
    old = sarah.key
    end(old)
    before = Like.objects.count(), Guest.objects.count()
    for path in ("/me/songs", "/me/songs/heard", "/me/songs/export", "/me/songs/export/csv"):
        sarah.cookies[settings.GUEST_COOKIE] = sarah.secret
        assert sarah.get(path).status_code == 401, path
    sarah.cookies[settings.GUEST_COOKIE] = sarah.secret
    assert sarah.post(f"/me/songs/{other.uuid}/add").status_code == 401
    for method, path in (("get", "dancer/likes"), ("post", f"stages/{stage.code}/subscribe")):
        body = {"guestToken": sarah.secret}
        data = body if method == "get" else json.dumps(body)
        answer = getattr(client, method)(f"/api/v1/{path}", data, content_type="application/json")
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "bad_guest"), path
    assert (Like.objects.count(), Guest.objects.count()) == before
    assert not Follow.objects.exists()


@pytest.mark.parametrize("path", ["/me/songs", "/s/{code}"])
def test_who_comes_back_every_year_keeps_her_songs(sarah, song, stage, path):  # noqa: F811
    """A cookie lasts 400 days from the last visit, not from the first one."""
    cookie = sarah.get(path.format(code=stage.code)).cookies[settings.GUEST_COOKIE]
    assert (cookie.value, cookie["max-age"], cookie["httponly"]) == (sarah.secret, 400 * 24 * 3600, True)


def test_the_browser_that_shows_it_is_told_and_begins_anew(sarah, song, stage, a_set, a_play):  # noqa: F811
    other = a_play(a_set(stage), "Later")
    rotate(sarah.key)
    page = sarah.get("/me/songs", headers={"Referer": f"http://testserver/s/{stage.code}"})
    assert "This device got a new secret. Open the page again." in page.content.decode()
    assert f'href="/s/{stage.code}">Back' in page.content.decode()
    assert given(page) not in ("", sarah.key)
    assert sarah.post(f"/me/songs/{other.uuid}/add").status_code == 302
    assert "Later" in sarah.get("/me/songs").content.decode()
    assert "Epic" not in sarah.get("/me/songs").content.decode()


def test_after_a_logout_the_secret_from_before_collects_nothing(sarah, user, song, stage, a_set, a_play):  # noqa: F811
    other = a_play(a_set(stage), "Later")
    sarah.log_in(user)
    assert given(sarah.post("/accounts/logout/")) not in ("", sarah.key)
    sarah.cookies[settings.GUEST_COOKIE] = sarah.secret  # as a tab that was open all the while
    assert sarah.post(f"/me/songs/{other.uuid}/add").status_code == 401
    assert list(Like.objects.values_list("guest__user", "play__title")) == [(user.pk, "Epic")]


def test_a_logout_works_though_the_secret_cannot_be_retired(sarah, user, song, monkeypatch):  # noqa: F811
    sarah.log_in(user)
    monkeypatch.setattr("accounts.claim.timezone", None)
    answer = sarah.post("/accounts/logout/")
    assert answer.status_code == 302
    assert given(answer) not in ("", sarah.key)
    assert sarah.get("/me/").status_code == 302


def test_quiet_hours_are_shown_on_each_of_her_devices_as_they_are_now(sarah, user, phone_of):  # noqa: F811
    hours = {"starts_at": "23:00", "ends_at": "07:00", "zone": "Europe/Budapest"}
    sarah.post("/me/notifications", hours)
    sarah.log_in(user)
    sarah.post("/me/notifications", hours | {"starts_at": "22:00"})
    tablet = phone_of()
    tablet.log_in(user)
    for device in (sarah, tablet):
        page = device.get("/me/notifications").content.decode()
        assert 'value="22:00"' in page
        assert 'value="23:00"' not in page

"""Forms that are sent at the wrong moment: from an old tab, after the login ended, by somebody who may not."""

import re

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tests.conftest import PASSWORD
from tests.tracks.conftest import LOGIN, Phone, a_play, a_set, love, sarah, user  # noqa: F401  fixtures

pytestmark = pytest.mark.django_db
HERE = "http://testserver"


@pytest.fixture(autouse=True)
def nothing_counted():
    cache.clear()


@pytest.fixture
def song(sarah, stage, a_set, a_play, love):  # noqa: F811
    play = a_play(a_set(stage), "Epic")
    love(sarah, play)
    return play


def forget_login(phone):
    """Her login ended meanwhile: it was too long ago, or she signed out everywhere from another device."""
    del phone.cookies[settings.SESSION_COOKIE_NAME]


def back_of(answer):
    return re.findall(r'<a class="btn main" href="([^"]*)">Back', answer.content.decode())


def test_a_form_from_before_a_login_in_another_tab_is_refused_in_words_with_the_way_back(make_user):
    person, browser = make_user("sarah"), Client(enforce_csrf_checks=True)
    page = browser.get("/accounts/login/?next=/me/songs").content.decode()
    secret = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
    form = {"login": person.email, "password": PASSWORD, "csrfmiddlewaretoken": secret}
    came = {"Referer": f"{HERE}/accounts/login/?next=/me/songs", "Accept-Language": "de"}
    assert browser.post("/accounts/login/", form, headers=came).status_code == 302
    again = browser.post("/accounts/login/", form, headers=came)
    assert again.status_code == 403
    assert "Diese Seite ist von vor deiner An- oder Abmeldung" in again.content.decode()
    assert '<a class="btn main" href="/accounts/login/?next=/me/songs"' in again.content.decode()


@pytest.mark.parametrize("what", ["note", "remove", "add"])
def test_who_is_not_logged_in_any_more_comes_back_to_the_page_not_to_the_forms_address(
    sarah,  # noqa: F811
    user,  # noqa: F811
    song,
    what,
):
    sarah.log_in(user)
    forget_login(sarah)
    came = {"Referer": f"{HERE}/me/songs?q=epic"}
    answer = sarah.post(f"/me/songs/{song.uuid}/{what}", {"note": "with Tom"}, headers=came)
    assert answer.url == "/accounts/login/?next=/me/songs%3Fq%3Depic"
    assert "You are not logged in. Log in, then send it once more." in sarah.get(answer.url).content.decode()


def test_the_same_on_pages_for_people_with_an_account(client, make_user):
    client.force_login(make_user("sarah"), backend=LOGIN)
    forget_login(client)
    answer = client.post("/me/profile/dj", {"is_dj": "yes"}, headers={"Referer": f"{HERE}/me/profile"})
    assert answer.url == "/accounts/login/?next=/me/profile"


@pytest.mark.parametrize(
    "said", ["https://evil.example/me", f"{HERE}//evil.example", "//evil.example", "javascript:alert(1)", ""]
)
def test_another_site_is_no_way_back(client, said):
    answer = client.post("/me/profile/dj", headers={"Referer": said} if said else {})
    assert answer.url == "/accounts/login/?next=/me/profile/dj"


def test_too_many_hearts_lead_back_to_the_page_they_were_given_on(sarah, song, settings):  # noqa: F811
    settings.LIKES_PER_MINUTE = 0
    came = {"Referer": f"{HERE}/me/songs/heard?around=01:10"}
    answer = sarah.post(f"/me/songs/{song.uuid}/add", headers=came)
    assert (answer.status_code, back_of(answer)) == (429, ["/me/songs/heard?around=01:10"])


def test_what_can_no_longer_be_undone_is_said_in_these_words(sarah):  # noqa: F811
    answer = sarah.post(reverse("tracks:undo_song"), {"what": "x"}, headers={"Referer": f"{HERE}/me/songs"})
    assert answer.status_code == 404
    assert "This can no longer be undone." in answer.content.decode()
    assert back_of(answer) == ["/me/songs"]


@pytest.mark.parametrize("path", ["/me/songs/undo", "/me/look", "/me/songs/7a0e3f0c-6a53-4d0a-9b4c-2f8c5b1f9d11/add"])
def test_the_address_of_a_form_opened_like_a_page_is_no_empty_page(client, path):
    answer = client.get(path)
    assert answer.status_code == 405
    assert "There is nothing here" in answer.content.decode()


OWN = ["/me/", "/me/songs", "/me/songs/heard", "/me/songs/export", "/me/songs/export/csv", "/me/sets", "/organize/"]


@pytest.mark.parametrize(
    "path", [*OWN, "/me/profile", "/me/logins", "/accounts/email/", "/accounts/tokens/", "/booth/"]
)
def test_after_a_logout_back_shows_nothing_of_hers(client, make_user, path):
    client.force_login(make_user("sarah", is_dj=True), backend=LOGIN)
    answer = client.get(path)
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]


def test_the_floor_comes_back_at_once_for_guests(client, stage):
    assert client.get(f"/s/{stage.code}").headers["Cache-Control"] == "private, no-cache"

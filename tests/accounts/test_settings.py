"""How somebody likes it: saved, kept with every login, and on the device without an account, too."""

import re

import pytest
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from accounts.access import guest_of
from accounts.claim import home_of
from accounts.models import ApiToken, Guest, PushSubscription, User, UserSettings
from accounts.preferences import put
from accounts.push import phones
from stages.models import Session
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
GOOD = {
    "theme": "dark",
    "language": "de",
    "is_notified": "on",
    "panels": ["news", "songs"],
    "default_shuffle": "artist",
    "snapshots_kept": "50",
}


@pytest.fixture
def sarah(make_user):
    return make_user("sarah")


@pytest.fixture
def here(client, sarah):
    client.force_login(sarah)
    return client


def page_of(answer):
    return answer.content.decode()


def cookies_of(client):
    return {name: client.cookies[name].value for name in ("pika_language", "pika_theme") if name in client.cookies}


# --- Settings -----------------------------------------------------------------------------------------------------
def test_settings_are_saved_and_the_device_looks_like_it_at_once(here, sarah):
    answer = here.post("/me/settings", GOOD, follow=True)
    assert ('lang="de"' in page_of(answer), 'class="dark"' in page_of(answer)) == (True, True)
    its = UserSettings.objects.get(user=sarah)
    assert (its.theme, its.language, its.is_notified, its.default_shuffle) == ("dark", "de", True, "artist")
    assert (its.is_auto_snapshot, its.snapshots_kept, its.hidden_panels) == (False, 50, ["next", "numbers", "sets"])
    assert cookies_of(here) == {"pika_language": "de", "pika_theme": "dark"}
    morsel = here.cookies["pika_theme"]
    assert (morsel["max-age"], morsel["samesite"], bool(morsel["httponly"])) == (34560000, "Lax", True)


def test_what_was_never_saved_is_the_default(here):
    page = page_of(here.get("/me/settings"))
    assert ('value="10"' in page, "As on this device" in page) == (True, True)
    assert len(re.findall(r'<input type="checkbox" name="panels"[^>]* checked', page)) == 5
    assert not UserSettings.objects.exists(), "looking changes nothing"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("snapshots_kept", "0", "A whole number from 1 to 50"),
        ("snapshots_kept", "51", "A whole number from 1 to 50"),
        ("snapshots_kept", "many", "A whole number from 1 to 50"),
        ("language", "xx", "Select a valid choice"),
        ("theme", "pink", "Select a valid choice"),
        ("default_shuffle", "", "required"),
        ("panels", ["news", "nonsense"], "Select a valid choice"),
    ],
)
def test_what_cannot_be_is_said_by_its_field_and_nothing_is_saved(here, field, value, words):
    answer = here.post("/me/settings", GOOD | {field: value})
    assert (answer.status_code, words in page_of(answer)) == (422, True)
    assert list(answer.context["form"].errors) == [field]
    assert not UserSettings.objects.exists()
    assert cookies_of(here) == {}


def test_a_login_on_another_device_brings_them_along(here, sarah, client):
    here.post("/me/settings", GOOD)
    here.logout()
    here.cookies.clear()
    cache.clear()
    client.post("/accounts/login/", {"login": sarah.email, "password": PASSWORD})
    assert cookies_of(client) == {"pika_language": "de", "pika_theme": "dark"}


def test_back_to_the_device_takes_the_cookies_away(here):
    here.post("/me/settings", GOOD)
    here.post("/me/settings", GOOD | {"theme": "system", "language": ""})
    assert cookies_of(here) == {"pika_language": "", "pika_theme": ""}
    assert 'class=""' in page_of(here.get("/me/settings"))


def test_what_was_saved_is_said_in_the_language_it_is_from_now_on(here):
    german = {"Accept-Language": "de"}
    for language, said in (("", "Gespeichert."), ("fr", "C’est enregistré."), ("", "Gespeichert."), ("en", "Saved.")):
        answer = here.post("/me/settings", GOOD | {"language": language}, headers=german, follow=True)
        assert said in page_of(answer), language


def test_a_login_works_when_settings_are_broken(sarah, monkeypatch, caplog):
    class Broken:
        def filter(self, **fields):
            raise RuntimeError("pulled plug")

    monkeypatch.setattr(UserSettings, "objects", Broken())
    response = HttpResponse()
    put(response, sarah)
    assert (dict(response.cookies), "could not put the settings" in caplog.text) == ({}, True)


def test_no_notifications_means_none_on_any_of_her_phones(here, sarah, marcus):
    for user in (sarah, marcus):
        PushSubscription.objects.create(guest=home_of(user), endpoint=user.name, endpoint_hash=user.name)
    everybody, now = Guest.objects.all(), timezone.now()
    here.post("/me/settings", {name: value for name, value in GOOD.items() if name != "is_notified"})
    assert [list(phones(everybody, urgent, now).values_list("endpoint", flat=True)) for urgent in (False, True)] == [
        ["Marcus"],
        ["Marcus"],
    ]
    here.post("/me/settings", GOOD)
    assert phones(everybody, False, now).count() == 2


# --- How it looks, with and without an account ----------------------------------------------------------------------
def test_a_guest_chooses_language_and_theme_on_the_floor(client, stage):
    assert 'class=""' in page_of(client.get(f"/s/{stage.code}"))
    answer = client.post("/me/look", {"theme": "light", "next": f"/s/{stage.code}"})
    assert (answer.status_code, answer.url, cookies_of(client)) == (302, f"/s/{stage.code}", {"pika_theme": "light"})
    client.post("/me/look", {"language": "hu"})
    page = page_of(client.get(f"/s/{stage.code}"))
    assert ('class="light"' in page, 'lang="hu"' in page) == (True, True)
    client.post("/me/look", {"theme": "system"})
    assert 'class=""' in page_of(client.get(f"/s/{stage.code}"))
    assert 'lang="hu"' in page_of(client.get(f"/s/{stage.code}"))


def test_the_floor_needs_no_query_for_it(client, stage):
    def queries():
        with CaptureQueriesContext(connection) as asked:
            client.get(f"/s/{stage.code}")
        return len(asked)

    client.get(f"/s/{stage.code}")
    without = queries()
    client.post("/me/look", {"theme": "dark", "language": "de"})
    assert queries() == without


def test_the_booth_stays_dark(client, marcus):
    client.force_login(marcus)
    client.post("/me/look", {"theme": "light"})
    assert 'class="dark booth"' in page_of(client.get("/booth/"))


def test_who_is_logged_in_has_it_on_the_other_devices_too(here, sarah):
    here.post("/me/look", {"language": "fr"})
    assert list(UserSettings.objects.values_list("user", "language", "theme")) == [(sarah.pk, "fr", "system")]


@pytest.mark.parametrize(
    ("said", "leads_to"),
    [("https://evil.example/", "/"), ("//evil.example", "/"), ("", "/"), ("/me/settings", "/me/settings")],
)
def test_it_leads_back_to_a_page_of_ours_only(client, said, leads_to):
    assert client.post("/me/look", {"theme": "dark", "next": said}).url == leads_to


def test_what_does_not_exist_is_not_chosen(client):
    answer = client.post("/me/look", {"language": "xx"}, follow=True)
    assert ("does not exist here" in page_of(answer), cookies_of(client)) == (True, {})
    client.cookies["pika_theme"] = '"><script>'
    assert 'class=""' in page_of(client.get("/"))


def test_cookies_are_for_https_where_the_house_is(client):
    with override_settings(IS_SECURE=True):
        client.post("/me/look", {"theme": "dark"})
    assert bool(client.cookies["pika_theme"]["secure"]) is True


# --- Profile ----------------------------------------------------------------------------------------------------------
def test_the_name_is_changed_and_kept_tidy(here, sarah):
    answer = here.post("/me/profile", {"name": "  DJ\t Sarah  "}, follow=True)
    assert ("Saved." in page_of(answer), User.objects.get(pk=sarah.pk).name) == (True, "DJ Sarah")
    answer = here.post("/me/profile", {"name": "x" * 81})
    assert (answer.status_code, "At most 80 letters" in page_of(answer)) == (422, True)
    assert ("x" * 81 in page_of(answer), User.objects.get(pk=sarah.pk).name) == (True, "DJ Sarah")


def test_becoming_a_dj_is_a_choice_that_can_be_undone(here, sarah):
    assert "Become a DJ" in page_of(here.get("/me/profile"))
    for _ in range(2):
        assert "You are a DJ now" in page_of(here.post("/me/profile/dj", {"is_dj": "yes"}, follow=True))
    assert User.objects.get(pk=sarah.pk).roles == ["dancer", "dj"]
    ApiToken.objects.create(user=sarah, key="a", name="booth", prefix="p", scopes=["live"])
    ApiToken.objects.create(user=sarah, key="b", name="songs", prefix="p", scopes=["songs"])
    here.post("/me/profile/dj")
    assert User.objects.get(pk=sarah.pk).roles == ["dancer"]
    assert list(ApiToken.objects.valid().values_list("name", flat=True)) == ["songs"]


def test_nobody_stops_being_a_dj_while_live(client, marcus):
    client.force_login(marcus)
    Session.objects.create(code="HIS", dj=marcus, dj_name="DJ Marcus")
    assert "End your set first" in page_of(client.post("/me/profile/dj", follow=True))
    assert User.objects.get(pk=marcus.pk).is_dj


def test_every_link_of_the_profile_leads_somewhere(here):
    links = set(re.findall(r'href="(/(?:me|accounts|organize)[^"]*)"', page_of(here.get("/me/profile"))))
    assert len(links) > 8
    assert {link: here.get(link).status_code for link in links if here.get(link).status_code not in (200, 302)} == {}


@pytest.mark.parametrize(
    "path", ["/accounts/logout/", "/accounts/email/", "/accounts/password/change/", "/accounts/2fa/"]
)
def test_who_is_no_dj_is_led_back_to_the_profile_and_hears_nothing_of_a_booth(here, path):
    page = page_of(here.get(path))
    assert ('href="/me/profile"' in page, 'href="/booth/"' in page) == (True, False)


def test_a_dj_who_logs_out_is_told_of_the_set(client, marcus):
    client.force_login(marcus)
    page = page_of(client.get("/accounts/logout/"))
    assert ("A set that is live goes on without you" in page, 'href="/booth/"' in page) == (True, True)


def test_a_guest_that_chose_before_signing_up_keeps_the_choice(client, sarah):
    cache.clear()
    client.post("/me/look", {"language": "pl"})
    client.post("/accounts/login/", {"login": sarah.email, "password": PASSWORD})
    assert cookies_of(client) == {"pika_language": "pl"}
    assert guest_of("0" * 64).user is None

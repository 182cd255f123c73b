"""Dancers from Berlin, Lyon, Budapest and Kraków: the same floor, each in their own words."""

import gzip
import json
import urllib.request
from datetime import date, datetime, timedelta

import pytest
from django.utils import timezone
from websockets.sync.client import connect

from stages.models import Slot

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
SOON = 10_000
SAID = {  # locale: on the floor, its timetable, the journal
    "de-DE": ("gespielt von Marcus", "Ich liebe diesen Song", "Programm", "Deine Songs"),
    "fr-FR": ("joué par Marcus", "J’adore ce morceau", "Programme", "Tes morceaux"),
    "hu-HU": ("játssza: Marcus", "Imádom ezt a dalt", "Program", "A dalaid"),
    "pl-PL": ("gra Marcus", "Kocham tę piosenkę", "Program", "Twoje piosenki"),
}


def get(address, language="", cookie=""):
    headers = {"Accept-Encoding": "gzip", "Accept-Language": language, "Cookie": cookie}
    return urllib.request.urlopen(urllib.request.Request(address, headers=headers))


@pytest.fixture
def from_abroad(browser):
    """`from_abroad("de-DE")`: a page of a phone whose browser asks for that language."""

    def take(locale, **options):
        return browser.new_context(viewport={"width": 360, "height": 740}, locale=locale, **options).new_page()

    return take


# --- By the browser ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("locale", SAID)
def test_who_comes_from_abroad_reads_it_in_their_language(from_abroad, server, event, stage, marcus, dj, locale):
    by, love, timetable, songs = SAID[locale]
    page = from_abroad(locale)
    page.goto(f"{server.url}/s/{stage.code}")
    dj(marcus, stage=stage).play("Shiny Stockings", "Count Basie")

    expect(page.locator("#title")).to_have_text("Shiny Stockings", timeout=SOON)
    expect(page.locator("#dj")).to_have_text(by)
    expect(page.locator("#heart")).to_have_text(love)
    expect(page.locator("html")).to_have_attribute("lang", locale[:2])
    page.goto(f"{server.url}/e/{event.slug}/timetable")
    expect(page.locator("h1")).to_have_text(timetable)
    page.goto(f"{server.url}/me/songs")
    expect(page.locator("h1")).to_have_text(songs)


@pytest.mark.parametrize(
    ("locale", "night"),
    [
        ("en-GB", "Friday 26 March"),
        ("de-DE", "Freitag, 26. März"),
        ("fr-FR", "vendredi 26 mars"),
        ("hu-HU", "március 26., péntek"),
        ("pl-PL", "piątek, 26 marca"),
    ],
)
def test_days_are_said_as_people_say_them(from_abroad, server, event, stage, locale, night):
    event.starts_on, event.ends_on = date(2027, 3, 26), date(2027, 3, 28)
    event.save()
    starts_at = datetime(2027, 3, 26, 22, tzinfo=event.zone)
    Slot.objects.create(stage=stage, dj_name="Ana", starts_at=starts_at, ends_at=starts_at + timedelta(hours=2))
    page = from_abroad(locale)

    page.goto(f"{server.url}/e/{event.slug}/timetable")

    expect(page.locator(".night h2")).to_have_text(night)
    expect(page.locator(".night time")).to_have_text("22:00–00:00")


def test_the_server_and_the_script_say_the_same_time(from_abroad, server, stage, marcus, dj):
    """The page as it came, and as its script draws it: no word may jump."""
    soon = timezone.now() + timedelta(days=2)
    Slot.objects.create(stage=stage, dj_name="Ana", starts_at=soon, ends_at=soon + timedelta(hours=2))
    dj(marcus, stage=stage).play("Shiny Stockings")
    for locale in SAID:
        said = []
        for can_script in (False, True):
            page = from_abroad(locale, java_script_enabled=can_script)
            page.goto(f"{server.url}/s/{stage.code}")
            if can_script:
                expect(page.locator("#here")).to_be_visible(timeout=SOON)
            said.append(page.locator("#next a").inner_text())
        assert said[0] == said[1]


# --- By hand ----------------------------------------------------------------------------------------------
def test_a_language_chosen_by_hand_wins_and_is_remembered(from_abroad, server, stage):
    page = from_abroad("fr-FR")
    page.goto(f"{server.url}/s/{stage.code}")
    page.get_by_role("button", name="Deutsch").click()

    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page).to_have_url(f"{server.url}/s/{stage.code}")
    expect(page.get_by_role("button", name="Deutsch")).to_have_attribute("aria-current", "true")
    kept = page.context.storage_state()
    kept["cookies"] = [cookie for cookie in kept["cookies"] if cookie["expires"] > 0]  # the browser was closed
    page.context.close()

    again = from_abroad("fr-FR", storage_state=kept)
    again.goto(server.url)
    expect(again.locator("h1")).to_have_text("Was läuft gerade?")


def test_a_page_kept_for_the_cellar_is_not_in_the_language_from_before(from_abroad, cable, stage, marcus, dj):
    dj(marcus, stage=stage).play("Shiny Stockings")
    page = from_abroad("en-GB")
    page.goto(f"{cable.url}/s/{stage.code}")
    page.evaluate("navigator.serviceWorker.ready")
    page.reload()  # through the worker, which keeps it
    expect(page.locator("#dj")).to_have_text("played by Marcus", timeout=SOON)
    page.get_by_role("button", name="Polski").click()
    expect(page.locator("#dj")).to_have_text("gra Marcus", timeout=SOON)

    cable.pull()
    page.context.set_offline(True)
    page.reload()

    expect(page.locator("#dj")).to_have_text("gra Marcus")
    expect(page.locator("#net")).to_have_text("Jesteś offline. Serduszka są zachowane.")


def test_a_language_that_does_not_exist_changes_nothing(from_abroad, server):
    page = from_abroad("hu-HU")
    page.goto(server.url)
    page.evaluate("document.querySelector('[name=language]').value = 'tlh'")
    page.locator("[name=language]").first.click()

    expect(page.locator("html")).to_have_attribute("lang", "hu")
    expect(page.locator(".note")).to_have_text("Ez a nyelv vagy kinézet itt nem létezik.")


# --- Caches, sizes, sockets ---------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/", "/s/{code}", "/s/{code}/wall", "/e/{slug}", "/e/{slug}/timetable", "/sw.js"])
def test_no_cache_can_show_it_to_somebody_of_another_language(server, event, stage, path):
    path = path.format(code=stage.code, slug=event.slug)
    for language, cookie in [("pl", ""), ("en", "pika_language=pl")]:
        answer = get(server.url + path, language, cookie)
        assert {"Accept-Language", "Cookie"} <= set(answer.headers["Vary"].split(", "))
        assert answer.headers["Content-Language"] == "pl"


@pytest.mark.parametrize("language", ["en", "de", "fr", "hu", "pl"])
def test_a_full_page_fits_into_the_first_round_trip_in_every_language(server, stage, marcus, dj, language):
    booth = dj(marcus, stage=stage)
    for number in range(21):
        booth.play(f"A Song With a Title of Ordinary Length, No. {number}", f"Orchestra {number}")

    body = get(f"{server.url}/s/{stage.code}", language).read()

    assert gzip.decompress(body).decode().count('class="row"') == 19 + 1  # and the template
    assert len(body) <= 14 * 1024, len(body)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("", "Stage not found"),
        ("de-AT,de;q=0.9", "Floor nicht gefunden"),
        ("fr", "Piste introuvable"),
        ("hu", "Nincs ilyen parkett"),
        ("pl", "Nie znaleziono parkietu"),
        ("tlh", "Stage not found"),
    ],
)
def test_the_socket_refuses_in_the_language_of_the_phone(server, language, words):
    headers = {"Accept-Language": language} if language else {}
    with connect(server.ws, additional_headers=headers) as socket:
        socket.send(json.dumps({"type": "SUBSCRIBE", "stageId": "NEVER9", "messageId": "1"}))
        answer = json.loads(socket.recv(timeout=10))

    assert (answer["error"], answer["code"]) == (words, "stage_not_found")

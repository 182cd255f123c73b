"""Spotify while a DJ says what was played: its search behind what DJs said, and what a pasted link is called there."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from pika.titles import identity
from playlists.models import SpotifyLink
from stages.models import Play, Session
from tests.spotify.standin import Fault, an_id
from tracks.models import Track

pytestmark = pytest.mark.django_db


@pytest.fixture
def played(marcus):
    session = Session.objects.create(code="SET1", dj=marcus, dj_name="Marcus")
    name = {"title": "Song 1", "artist": "Somebody"}
    return Play.objects.create(
        session=session, played_at=timezone.now(), identity=identity("Somebody", "Song 1"), **name
    )


@pytest.fixture
def desk(client, marcus):
    client.force_login(marcus)
    return client


WHERE = "/me/sets/SET1/verify"


def offered(response):
    return re.findall(r'class="offer" name="choice" value="([^"]+)"', response.content.decode())


def test_what_spotify_finds_is_offered_and_chosen_by_its_own_name(desk, linked, played):
    page = desk.get(WHERE)
    assert (offered(page), b"data-more" in page.content) == ([], True)  # the page does not wait for Spotify
    assert b"its search helps here" not in page.content
    found = offered(desk.get(WHERE, {"play": played.uuid, "more": 1}))
    assert len(found) == 5 and f"link:{an_id(1)}" in found
    desk.post(WHERE, {"play": played.uuid, "choice": f"link:{an_id(1)}"})
    track = Track.objects.get()
    assert (track.title, track.isrc, track.sources["isrc"]) == ("Song 1", "XX0000000001", "spotify")
    assert track.spotify_tracks.get().spotify_id == an_id(1)


def test_a_dead_link_is_said_and_nothing_is_made(desk, linked, played, standin):
    standin.dead.add(f"spotify:track:{an_id(3)}")
    page = desk.post(WHERE, {"play": played.uuid, "choice": "paste", "link": f"spotify:track:{an_id(3)}"})
    assert (page.status_code, b"Spotify does not have this track any more." in page.content) == (404, True)
    assert Track.objects.count() == 0


def test_a_spotify_that_is_away_stops_nobody(desk, linked, played, standin):
    standin.close()
    assert desk.get(WHERE, {"play": played.uuid, "more": 1}).status_code == 200
    desk.post(WHERE, {"play": played.uuid, "choice": "paste", "link": an_id(3)})
    assert Track.objects.get().sources["title"] == "dj"


def test_without_a_link_the_page_says_what_it_would_add(desk, played, unconfigured):
    assert b"Where the server is connected to Spotify, its search helps here." in desk.get(WHERE).content
    assert b"data-more" not in desk.get(WHERE).content


# --- When Spotify does not search ---------------------------------------------------------------------------------
HOURS = {"Retry-After": "10800"}
WAIT = "Spotify asks us to wait: its search is back in 3\xa0hours."


@pytest.fixture
def program(client, marcus, token_of):
    """What `pika-dj verify` asks."""
    headers = {"Authorization": f"Bearer {token_of(marcus)}"}
    return lambda play: client.get(f"/api/v1/plays/{play.uuid}/search", headers=headers)


def test_a_search_that_is_to_wait_says_so_and_how_long_and_asks_no_more(desk, linked, played, standin, program):
    standin.faults = [Fault(429, headers=HOURS)]
    first = desk.get(WHERE, {"play": played.uuid, "more": 1})
    again = desk.get(WHERE, {"play": played.uuid, "more": 1}, headers={"X-Requested-With": "fetch"})
    for page in (first, again):
        assert (page.status_code, WAIT in page.content.decode()) == (200, True)
    answer = program(played)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["message"].startswith(WAIT)) == (503, "spotify_wait", True)
    assert 10700 < error["retryAfter"] <= 10800
    assert standin.count("GET", "search") == 1  # who asks on every question is told to wait longer
    # Nothing else waits: a link is taken, under the name of the play, and nobody is asked what it is called there.
    desk.post(WHERE, {"play": played.uuid, "choice": "paste", "link": an_id(3)})
    assert Track.objects.get().sources["title"] == "dj"
    assert standin.count() == 1


def test_a_lookup_that_is_to_wait_takes_the_search_along(desk, linked, played, standin):
    standin.faults = [Fault(429, headers={"Retry-After": "90"})]
    desk.post(WHERE, {"play": played.uuid, "choice": "paste", "link": an_id(3)})
    page = desk.get(WHERE, {"play": played.uuid, "more": 1}).content.decode()
    assert ("its search is back in 2\xa0minutes" in page, standin.count()) == (True, 1)


def test_a_search_is_asked_again_when_the_time_is_over(desk, linked, played, standin, monkeypatch):
    standin.faults = [Fault(429, headers=HOURS)]
    desk.get(WHERE, {"play": played.uuid, "more": 1})
    later = timezone.now() + timedelta(hours=3)
    linked.expires_at = later + timedelta(hours=1)
    linked.save()
    monkeypatch.setattr("playlists.catalogue.timezone.now", lambda: later)
    assert len(offered(desk.get(WHERE, {"play": played.uuid, "more": 1}))) == 5


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (500, "spotify_away", "Spotify does not answer just now"),
        (403, "spotify_refused", "In development mode an app works for five people whom its owner listed"),
        (400, "spotify_refused", "Spotify refused this (400)."),
        ("removed", "spotify_needs_relink", "Link your account again."),
    ],
)
def test_why_nothing_is_found_is_said(desk, linked, played, standin, program, fault, code, words):
    if fault == "removed":
        standin.remove_app()
    else:
        standin.fault_for = lambda call: Fault(fault)
    page = desk.get(WHERE, {"play": played.uuid, "more": 1})
    assert (page.status_code, words in page.content.decode()) == (200, True)
    if fault != "removed":  # after that there is no account to search with
        answer = program(played)
        assert (answer.json()["error"]["code"], answer.status_code) == (code, 503 if code == "spotify_away" else 409)


def test_a_program_searches_what_the_page_finds(linked, played, program, ana, standin):
    found = program(played).json()["suggestions"]
    assert len(found) == 5
    assert {"trackId": "", "link": f"https://open.spotify.com/track/{an_id(1)}", "title": "Song 1"}.items() <= (
        next(its for its in found if its["isrc"] == "XX0000000001")
    ).items()
    SpotifyLink.objects.all().delete()
    answer = program(played)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "no_search")
    assert "Link your Spotify account" in answer.json()["error"]["message"]
    Session.objects.update(dj=ana)
    assert program(played).status_code == 404

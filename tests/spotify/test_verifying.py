"""Spotify while a DJ says what was played: its search behind what DJs said, and what a pasted link is called there."""

import re

import pytest
from django.utils import timezone

from pika.titles import identity
from stages.models import Play, Session
from tests.spotify.standin import an_id
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

"""After a set: the DJ opens its page, takes it along, shares it, makes it a playlist; a stranger sees the page."""

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from pika.jobs import actions as jobs
from playlists.models import Export
from stages.models import Session
from tests.cast import PATIENCE
from tests.spotify.conftest import link, standin  # noqa: F401
from tests.spotify.standin import an_id
from tests.spotify.test_rewriting import songs
from tracks.models import PlayLink, SpotifyTrack, Track

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def expect():
    from playwright.sync_api import expect

    return expect


def test_a_set_gets_a_page_that_its_dj_shares(server, standin, marcus, stage, dj, phone, log_in, expect):  # noqa: F811
    his = dj(marcus, stage)
    for number in (1, 2):
        at = timezone.now() - timedelta(minutes=10 - 4 * number)
        his.play(f"Song {number}", "The Band", playedAt=at.isoformat(), track={"bpm": 80 + 20 * number})
    his.play("White Label", "")
    session = Session.objects.get(code=his.session_id)
    for number, play in enumerate(session.plays.filter(title__startswith="Song").order_by("played_at"), 1):
        track = Track.objects.create(title=play.title, artist="The Band")
        SpotifyTrack.objects.create(track=track, spotify_id=an_id(number))
        PlayLink.objects.create(play=play, track=track, how="own")
    his.end()
    link(standin, marcus)

    # From the list of his sets to the files.
    page = phone()
    log_in(page, marcus)
    page.goto(f"{server.url}/me/sets")
    page.get_by_role("link", name="Take along").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("DJ Marcus – Main Floor, ")
    expect(page.get_by_text("1 song has no link")).to_be_visible()
    with page.expect_download() as loading:
        page.get_by_role("link", name="Spreadsheet (CSV)").click()
    rows = list(csv.DictReader(io.StringIO(loading.value.path().read_text("utf-8-sig"))))
    assert [row["Track Name"] for row in rows] == ["Song 1", "Song 2", "White Label"]

    # One playlist, though he presses twice.
    for _ in range(2):
        page.goto(f"{server.url}/me/sets/{session.code}/export")
        page.locator(".streaming button").click()
        expect(page.get_by_role("heading", name="Exports to Spotify")).to_be_visible()
    while jobs.run_due():
        pass
    page.goto(f"{server.url}/me/exports")
    expect(page.get_by_text("Done", exact=True)).to_be_visible(timeout=PATIENCE * 1500)
    (playlist,) = standin.playlists.values()
    assert playlist.uris == songs(1, 2)

    # The page for everybody, to share.
    page.goto(f"{server.url}/set/{session.code}")
    expect(page.locator(".songs .of")).to_have_text(["Song 1", "Song 2", "White Label"])
    page.evaluate("navigator.share = async (what) => { window.shared = what }")
    page.get_by_role("button", name="Share").click()
    page.wait_for_function("window.shared")
    assert page.evaluate("window.shared.url") == f"{server.url}/set/{session.code}"

    # A stranger.
    other = phone()
    other.goto(f"{server.url}/set/{session.code}")
    expect(other.get_by_role("heading", level=1)).to_contain_text("DJ Marcus")
    expect(other.get_by_role("link", name="Playlist on Spotify")).to_have_attribute(
        "href", Export.objects.get().playlist_url
    )
    expect(other.locator(".tempo")).to_be_attached()
    expect(other.get_by_role("link", name="Take along")).to_have_count(0)
    other.goto(f"{server.url}/me/sets/{session.code}/export")
    expect(other.get_by_label("Password", exact=True)).to_be_visible()


def test_without_a_way_to_share_the_link_is_copied(server, marcus, dj, phone, expect):
    his = dj(marcus)
    his.play("Song")
    his.end()
    page = phone()
    page.add_init_script(
        "delete Navigator.prototype.share; navigator.clipboard.writeText = async (it) => { window.copied = it }"
    )
    page.goto(f"{server.url}/set/{his.session_id}")
    page.get_by_role("button", name="Share").click()
    expect(page.get_by_text("The link is copied")).to_be_visible()
    assert page.evaluate("window.copied") == f"{server.url}/set/{his.session_id}"


def test_axe_finds_nothing_serious(server, browser, marcus, dj, log_in, look):
    his = dj(marcus)
    his.play("Song", "Band", track={"bpm": 100})
    his.end()
    page = browser.new_context(viewport={"width": 360, "height": 740}).new_page()
    log_in(page, marcus)
    for path in (f"/set/{his.session_id}", f"/me/sets/{his.session_id}/export"):
        page.goto(f"{server.url}{path}")
        look(page)

"""Marcus links his Spotify account in the browser, and watches a set become a playlist."""

from datetime import timedelta

import pytest
from django.utils import timezone

from pika.jobs import actions as jobs
from playlists import actions
from playlists.actions import Wanted, export_playlist
from playlists.models import Export, SpotifyLink
from tests.cast import PATIENCE
from tests.spotify.conftest import link, standin  # noqa: F401
from tests.spotify.standin import Fault, an_id

pytestmark = pytest.mark.browser
TITLE = "DJ Marcus – Main Floor, 15 March 2026"


def export(user, count=40):
    songs = [Wanted(an_id(number), f"Somebody – Song {number}") for number in range(count)]
    return export_playlist(user, "set", "ABCDEF", TITLE, "", [*songs, Wanted(None, "Unknown – White Label")])


def test_marcus_links_his_account_and_watches_a_set_become_a_playlist(phone, server, log_in, marcus, standin):  # noqa: F811
    from playwright.sync_api import expect

    page = phone()
    log_in(page, marcus)
    page.goto(f"{server.url}/me/spotify")
    page.get_by_role("button", name="Link your Spotify account").click()
    expect(page.get_by_text("Linked as Marcus.")).to_be_visible()
    assert SpotifyLink.objects.get().account_id == "acc-marcus"

    its = export(marcus)
    page.get_by_role("link", name="Your exports").click()
    expect(page.get_by_text("Waiting its turn")).to_be_visible()
    while jobs.run_due():
        pass
    expect(page.get_by_text("Done", exact=True)).to_be_visible(timeout=PATIENCE * 1500)  # without a reload
    (playlist,) = standin.playlists.values()
    assert len(playlist.rows) == 40
    link = page.get_by_role("link", name="Open on Spotify")
    assert link.get_attribute("href") == f"https://open.spotify.com/playlist/{playlist.id}"
    page.get_by_text("1 song is not in it: why").click()
    expect(page.get_by_text("Unknown – White Label")).to_be_visible()

    Export.objects.filter(pk=its.pk).update(state="waiting")
    page.reload()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled. What is already on Spotify stays there.")).to_be_visible()

    page.goto(f"{server.url}/me/spotify")
    page.get_by_text("Disconnect", exact=True).click()
    page.get_by_role("button", name="Yes, disconnect").click()
    expect(page.get_by_text("Disconnected.", exact=False)).to_be_visible()
    assert not SpotifyLink.objects.exists()


def test_what_spotify_finds_takes_the_place_of_nothing(phone, server, log_in, marcus, dj, standin):  # noqa: F811
    from playwright.sync_api import expect

    link(standin, marcus)
    his = dj(marcus)
    his.play("Song 1", "Somebody")
    page = phone()
    log_in(page, marcus)
    page.goto(f"{server.url}/me/sets/{his.session_id}/verify")
    expect(page.locator(".offer").first).to_contain_text("Song 1")
    expect(page.locator(".nothing")).to_have_count(0)
    expect(page.get_by_text("Show what Spotify finds here")).to_have_count(0)


def test_an_offer_that_slides_under_the_finger_is_not_meant(phone, server, log_in, marcus, dj, standin):  # noqa: F811
    from playwright.sync_api import expect

    link(standin, marcus)
    his = dj(marcus)
    his.play("Song 1", "Somebody")
    page = phone()
    log_in(page, marcus)
    page.add_init_script(
        """const tap = () => {
          const offer = document.querySelector(".offer")
          if (offer) watch.disconnect(), offer.click()
        }
        const watch = new MutationObserver(tap)
        watch.observe(document, {childList: true, subtree: true})"""
    )
    said = []
    page.on("request", lambda it: said.append(it.url) if it.method == "POST" else None)
    page.goto(f"{server.url}/me/sets/{his.session_id}/verify")
    expect(page.locator(".offer").first).to_contain_text("Song 1")
    assert said == []
    page.keyboard.press("1")  # who presses a key has read it
    expect(page.locator("h1")).to_have_text("All done. Thank you!")
    assert len(said) == 1


def test_a_search_that_is_to_wait_says_so_while_a_set_is_said(
    browser,
    server,
    log_in,
    look,
    dj,
    marcus,
    standin,  # noqa: F811
):
    from playwright.sync_api import expect

    link(standin, marcus)
    its = dj(marcus)
    its.play("Nobody Knows It", "Nobody")
    standin.fault_for = lambda call: Fault(429, headers={"Retry-After": "10800"})
    page = browser.new_context(viewport={"width": 360, "height": 740}, locale="en-GB").new_page()
    log_in(page, marcus)
    page.goto(f"{server.url}/me/sets/{its.session_id}/verify")
    expect(page.locator("#unasked")).to_contain_text("Spotify asks us to wait: its search is back in 3 hours.")
    expect(page.locator("#more")).to_have_count(0)
    look(page)
    page.keyboard.press("s")
    expect(page.locator("#done")).to_have_text("1 of 1 done")


def test_axe_finds_nothing_serious(browser, server, log_in, look, marcus, standin):  # noqa: F811
    page = browser.new_context(viewport={"width": 360, "height": 740}).new_page()
    log_in(page, marcus)
    for state in ("not linked", "linked", "dead"):
        if state == "linked":
            show_all(marcus, standin)
        elif state == "dead":
            SpotifyLink.objects.update(needs_relink_at=timezone.now())
        for path in ("/me/spotify", "/me/exports"):
            page.goto(f"{server.url}{path}")
            look(page)


def show_all(marcus, standin):  # noqa: F811
    """An export in each state."""
    link(standin, marcus)
    for number, state in enumerate(Export.State.values):
        export_playlist(marcus, "set", str(number), TITLE, "", [Wanted(an_id(number), "A – B"), Wanted(None, "C – D")])
        stopped = {"state": state, "playlist_url": "https://open.spotify.com/playlist/x", "playlist_id": "x"}
        words = "" if state == "done" else "Spotify asks us to wait. Pika! goes on by itself."
        again_at = timezone.now() + timedelta(hours=9) if state == "writing" else None
        Export.objects.filter(ref=str(number)).update(**stopped, words=words, again_at=again_at)
    assert actions.KIND

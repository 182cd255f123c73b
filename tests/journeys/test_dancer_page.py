"""The page behind the stage's QR, in a real browser: the song, the hearts, the network, the QR that outlives DJs."""

import gzip
import urllib.error
import urllib.request
import uuid
from typing import Any

import pytest

from tracks.models import Like

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = pytest.mark.browser
# Longer than one look at the page needs, shorter than a song.
SOON = 10_000


def open_floor(phone: Any, server: Any, stage: Any) -> Any:
    """A fresh phone on the stage's page, connected: it knows that somebody (itself) is here."""
    page = phone()
    page.goto(f"{server.url}/s/{stage.code}")
    expect(page.locator("#here")).to_be_visible(timeout=SOON)
    return page


def heart(page: Any) -> Any:
    return page.locator("#heart")


def first_response(address: str) -> tuple[int, bytes]:
    """Status and body as they travel: gzip bytes."""
    try:
        answer = urllib.request.urlopen(urllib.request.Request(address, headers={"Accept-Encoding": "gzip"}))
    except urllib.error.HTTPError as refused:
        answer = refused
    assert answer.headers["Content-Encoding"] == "gzip"
    return answer.status, answer.read()


# --- The song ---------------------------------------------------------------------------------------------
def test_a_new_song_appears_without_reload_and_the_last_one_moves_down(phone, server, stage, marcus, dj) -> None:
    booth = dj(marcus, stage=stage)
    booth.play("Shiny Stockings", "Count Basie")
    page = open_floor(phone, server, stage)
    expect(page.locator("#title")).to_have_text("Shiny Stockings")

    booth.play("Corner Pocket", "Count Basie")

    expect(page.locator("#title")).to_have_text("Corner Pocket")
    expect(page.locator("#dj")).to_have_text("played by Marcus")
    expect(page.locator("#state")).to_have_text("Live")
    expect(page.locator("#recent .of")).to_have_text(["Shiny Stockings"])
    expect(page.locator("#said")).to_have_text("Now playing: Corner Pocket, Count Basie")


def test_without_script_the_page_says_it_all(browser, server, stage, marcus, dj) -> None:
    booth = dj(marcus, stage=stage)
    booth.play("Shiny Stockings", "Count Basie")
    booth.play("Corner Pocket", "Count Basie")
    page = browser.new_context(java_script_enabled=False).new_page()

    page.goto(f"{server.url}/s/{stage.code}")

    expect(page.locator("h1")).to_have_text("Main Floor")
    expect(page.locator("#title")).to_have_text("Corner Pocket")
    expect(page.locator("#artist")).to_have_text("Count Basie")
    expect(page.locator("#recent .of")).to_have_text(["Shiny Stockings"])
    expect(heart(page)).to_be_hidden()


def test_a_hidden_track_disappears_everywhere_and_can_come_back(phone, server, stage, marcus, dj) -> None:
    booth = dj(marcus, stage=stage)
    booth.play("Shiny Stockings")
    secret = str(uuid.uuid4())
    booth.play("Secret Weapon", playId=secret)
    page = open_floor(phone, server, stage)
    expect(page.locator("#title")).to_have_text("Secret Weapon")

    booth.ask("HIDE_TRACK", sessionId=booth.session_id, playId=secret, hidden=True)
    expect(page.locator("#title")).to_have_text("Shiny Stockings")
    expect(page.locator("main")).not_to_contain_text("Secret Weapon")
    expect(page.locator("#state")).to_have_text("Between songs")

    booth.ask("HIDE_TRACK", sessionId=booth.session_id, playId=secret, hidden=False)
    expect(page.locator("#title")).to_have_text("Secret Weapon")


def test_two_djs_one_qr(phone, server, stage, marcus, ana, dj) -> None:
    first, second = dj(marcus, stage=stage), dj(ana, stage=stage)
    first.play("Shiny Stockings")
    page = open_floor(phone, server, stage)
    expect(page.locator("#dj")).to_have_text("played by Marcus")

    second.play("Corner Pocket")
    expect(page.locator("#dj")).to_have_text("played by Ana")

    second.end()
    expect(page.locator("#title")).to_have_text("Shiny Stockings")
    expect(page.locator("#recent .of")).to_have_text(["Corner Pocket"])

    first.end()
    expect(page.locator("#state")).to_have_text("Nobody plays right now")
    expect(page.locator("#title")).to_have_text("Corner Pocket")


def test_a_lost_dj_is_back_in_a_moment(phone, server, stage, marcus, dj) -> None:
    booth = dj(marcus, stage=stage)
    booth.play("Shiny Stockings")
    page = open_floor(phone, server, stage)

    booth.close()

    expect(page.locator("#state")).to_have_text("Marcus is back in a moment")
    expect(page.locator("#title")).to_have_text("Shiny Stockings")


def test_right_to_left_and_very_long_titles_stay_on_the_page(phone, server, stage, marcus, dj) -> None:
    booth = dj(marcus, stage=stage)
    page = open_floor(phone, server, stage)
    for title in ("שיר לשלום 🕊", "W" * 500, "Medley " * 71):
        booth.play(title, "A" * 500)
        expect(page.locator("#title")).to_have_text(title.strip())
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert page.locator("#heart").bounding_box()["y"] < 740


def test_the_old_dj_program_s_session_has_a_page_of_its_own(phone, server, marcus, dj) -> None:
    booth = dj(marcus)
    booth.play("Kitchen Song", "Home")
    page = phone()
    page.goto(f"{server.url}/l/{booth.session_id}")
    expect(page.locator("#title")).to_have_text("Kitchen Song")
    expect(page.locator("#here")).to_be_visible()

    booth.play("Second Helping", "Home")
    expect(page.locator("#title")).to_have_text("Second Helping")

    booth.end()
    expect(page.locator("#state")).to_have_text("This set is over. Thank you for dancing!")


# --- Hearts -----------------------------------------------------------------------------------------------
def test_a_heart_survives_a_reload_and_a_forgetful_phone(phone, server, stage, marcus, dj) -> None:
    booth = dj(marcus, stage=stage)
    booth.play("Shiny Stockings", "Count Basie")
    page = open_floor(phone, server, stage)

    heart(page).click()
    expect(heart(page)).to_have_attribute("aria-pressed", "true")
    assert booth.hear("LIKE_RECEIVED")["count"] == 1

    page.reload()
    expect(heart(page)).to_have_attribute("aria-pressed", "true")

    page.evaluate("localStorage.clear()")
    page.reload()
    expect(heart(page)).to_have_attribute("aria-pressed", "true")  # the server knows

    heart(page).click()
    expect(heart(page)).to_have_attribute("aria-pressed", "false")
    assert booth.hear("LIKE_RECEIVED")["count"] == 0


def test_an_offline_heart_is_kept_and_sent_on_return(phone, server, stage, marcus, dj) -> None:
    booth = dj(marcus, stage=stage)
    booth.play("Shiny Stockings")
    booth.play("Corner Pocket")
    page = open_floor(phone, server, stage)

    page.context.set_offline(True)
    expect(page.locator("#net")).to_have_text("You are offline. Your hearts are kept.")
    heart(page).click()
    page.get_by_role("button", name="Love Shiny Stockings").click()
    expect(heart(page)).to_have_attribute("aria-pressed", "true")
    booth.play("Jumpin' at the Woodside")

    page.context.set_offline(False)

    assert {booth.hear("LIKE_RECEIVED")["payload"]["track"]["title"] for _ in range(2)} == {
        "Shiny Stockings",
        "Corner Pocket",
    }
    expect(page.locator("#title")).to_have_text("Jumpin' at the Woodside")
    expect(page.locator("#net")).to_be_hidden()
    expect(page.get_by_role("button", name="Love Corner Pocket")).to_have_attribute("aria-pressed", "true")


def test_a_refused_heart_is_taken_back_with_the_reason(phone, server, stage, marcus, dj, settings) -> None:
    settings.LIKES_PER_MINUTE = 1
    booth = dj(marcus, stage=stage)
    for title in ("Shiny Stockings", "Corner Pocket", "Splanky", "Cute"):
        booth.play(title)
    page = open_floor(phone, server, stage)

    buttons = page.locator("#recent button")
    for number in range(3):  # even if a minute begins in between, one is too many
        buttons.nth(number).click()

    expect(page.locator("#toast")).to_contain_text("That is a lot of hearts.")
    page.wait_for_timeout(500)  # the answers to all three
    page.reload()
    expect(page.locator("#here")).to_be_visible()
    assert page.locator("#recent button[aria-pressed=true]").count() in {1, 2}


def test_tempo_and_thanks_reach_the_dj(phone, server, stage, marcus, dj) -> None:
    booth = dj(marcus, stage=stage)
    booth.play("Shiny Stockings")
    page = open_floor(phone, server, stage)

    page.get_by_role("button", name="Perfect").click()
    assert booth.hear("TEMPO_FEEDBACK")["perfect"] == 1
    expect(page.get_by_role("button", name="Perfect")).to_have_attribute("aria-pressed", "true")

    page.get_by_role("button", name="Thank Marcus").click()
    assert booth.hear("REACTION_RECEIVED")["reaction"] == "thank_you"
    expect(page.locator("#toast")).to_have_text("Marcus hears your thanks")

    booth.play("Corner Pocket")
    expect(page.get_by_role("button", name="Perfect")).to_have_attribute("aria-pressed", "false")


# --- Without network ----------------------------------------------------------------------------------------
def test_a_visited_page_reloads_offline_with_the_last_song_and_takes_hearts(phone, cable, stage, marcus, dj) -> None:
    booth = dj(marcus, stage=stage)
    booth.play("Shiny Stockings")
    page = open_floor(phone, cable, stage)
    page.evaluate("navigator.serviceWorker.ready")
    page.reload()  # now through the worker, which keeps it
    expect(page.locator("#here")).to_be_visible()
    booth.play("Corner Pocket")
    expect(page.locator("#title")).to_have_text("Corner Pocket")

    cable.pull()
    page.context.set_offline(True)
    page.reload()

    expect(page.locator("#title")).to_have_text("Corner Pocket")  # heard after the page was kept
    expect(page.locator("#recent .of")).to_have_text(["Shiny Stockings"])
    expect(page.locator("#net")).to_have_text("You are offline. Your hearts are kept.")
    heart(page).click()
    page.goto(f"{cable.url}/s/NEVER9")
    expect(page.locator("h1")).to_have_text("You are offline")

    cable.plug()
    page.context.set_offline(False)
    page.goto(f"{cable.url}/s/{stage.code}")
    booth.hear("LIKE_RECEIVED")
    expect(heart(page)).to_have_attribute("aria-pressed", "true")


def test_what_was_heard_is_newer_than_the_kept_page_whatever_the_clocks_say(phone, cable, stage, marcus, dj) -> None:
    booth = dj(marcus, stage=stage)
    booth.play("Shiny Stockings")
    page = open_floor(phone, cable, stage)
    page.evaluate("navigator.serviceWorker.ready")
    page.reload()
    expect(page.locator("#here")).to_be_visible()
    # The worker kept the page a moment after the one that is shown was made, or this phone's clock runs behind.
    page.evaluate(
        """async () => {
          const pages = await caches.open("pika-pages");
          const kept = await pages.match(location.pathname);
          const at = /(id="at" content=")(\\d+)/;
          const later = (await kept.text()).replace(at, (_, its, seconds) => its + (Number(seconds) + 60));
          await pages.put(location.pathname, new Response(later, { headers: kept.headers }));
        }"""
    )
    booth.play("Corner Pocket")
    expect(page.locator("#title")).to_have_text("Corner Pocket")
    cable.pull()
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("#title")).to_have_text("Corner Pocket")


# --- The door ---------------------------------------------------------------------------------------------
def test_an_unknown_stage_is_told_in_words(phone, server) -> None:
    status, body = first_response(f"{server.url}/s/NOPE")
    page = phone()
    page.goto(f"{server.url}/s/NOPE")

    assert status == 404
    assert "There is no stage with the code" in gzip.decompress(body).decode()
    expect(page.locator("h1")).to_have_text("There is no stage with the code NOPE")
    expect(page.get_by_label("The code beside the QR")).to_have_value("NOPE")


def test_a_code_typed_with_cold_fingers_leads_to_the_floor(phone, server, stage) -> None:
    page = phone()
    page.goto(server.url)
    page.get_by_label("The code beside the QR").fill(f" {stage.code[:3].lower()}-{stage.code[3:].lower()} ")
    page.get_by_role("button", name="To the floor").click()
    expect(page.locator("h1")).to_have_text("Main Floor")


def test_the_first_response_fits_into_the_first_round_trip(server, stage, marcus, dj) -> None:
    booth = dj(marcus, stage=stage)
    for number in range(21):
        booth.play(f"A Song With a Title of Ordinary Length, No. {uuid.uuid4()}", f"Orchestra {number}")

    status, body = first_response(f"{server.url}/s/{stage.code}")

    assert status == 200
    assert gzip.decompress(body).decode().count('class="row"') == 19 + 1  # and the template
    assert len(body) <= 14 * 1024, len(body)


@pytest.mark.parametrize("path", ["/s/{code}", "/s/{code}/wall", "/", "/s/NOPE"])
def test_axe_finds_nothing_serious(browser, server, stage, marcus, dj, path, look) -> None:
    booth = dj(marcus, stage=stage)
    booth.play("Shiny Stockings", "Count Basie")
    booth.play("Corner Pocket", "Count Basie")
    page = browser.new_context(viewport={"width": 360, "height": 740}, bypass_csp=True).new_page()
    page.goto(server.url + path.format(code=stage.code))
    page.wait_for_load_state("networkidle")

    look(page)


def test_the_wall_and_the_overlay_follow_the_music(browser, server, stage, marcus, dj) -> None:
    booth = dj(marcus, stage=stage)
    wall, overlay = browser.new_context().new_page(), browser.new_context().new_page()
    wall.goto(f"{server.url}/s/{stage.code}/wall")
    overlay.goto(f"{server.url}/s/{stage.code}/overlay")
    expect(overlay.locator("main")).to_be_hidden()

    booth.play("Corner Pocket", "Count Basie")
    expect(wall.locator("#title")).to_have_text("Corner Pocket")
    expect(overlay.locator("#title")).to_have_text("Corner Pocket")
    expect(overlay.locator("main")).to_be_visible()

    booth.ask("TRACK_STOPPED", sessionId=booth.session_id)
    expect(wall.locator("#state")).to_have_text("Between songs")
    expect(overlay.locator("main")).to_be_hidden()
    assert wall.evaluate("document.querySelector('.qr img').naturalWidth") > 0
    assert Like.objects.count() == 0

"""The booth in a real browser: go live, tell the floor, hear the floor, lose the network, hand over."""

import re
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from stages.access import stage_for_dj, stages_for_booth
from stages.models import Play, Slot
from tests.cast import code_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
LATE = 15_000  # ms


@pytest.fixture
def expect():
    from playwright.sync_api import expect

    return expect


@pytest.fixture
def booth(server, phone, log_in, expect):
    """`booth(marcus)`: his phone, logged in, at the door of the booth."""

    def open_booth(user):
        page = phone()
        page.goto(f"{server.url}/booth/")
        assert "/accounts/login/" in page.url
        log_in(page, user)
        page.goto(f"{server.url}/booth/")
        expect(page).to_have_url(re.compile(r"/booth/$"), timeout=10_000)
        return page

    return open_booth


@pytest.fixture
def on_air(booth, expect):
    """`on_air(marcus)`: live on the first stage of the list."""

    def go(user):
        page = booth(user)
        page.get_by_role("button", name="Go live").click()
        expect(page.locator("#live")).to_be_visible()
        return page

    return go


def tell(page, artist, title):
    page.fill("#t-artist", artist)
    page.fill("#t-title", title)
    page.press("#t-title", "Enter")


def end(page):
    page.click("#end")
    page.click("#end-yes")
    page.locator("#over").wait_for()


def test_from_login_to_live_on_ones_own_stage_in_two_taps(booth, stage, other_stage, marcus, dancer, expect):
    now = timezone.now()
    Slot.objects.create(stage=other_stage, dj=marcus, starts_at=now, ends_at=now + timedelta(hours=2))
    sarah = dancer(other_stage)
    started_at = time.monotonic()
    page = booth(marcus)
    page.get_by_role("button", name="Go live on ⁨Blues Room⁩").click()
    expect(page.locator("#where")).to_have_text("Blues Room")
    assert time.monotonic() - started_at < 30
    assert sarah.hear("DJ_LIVE")["djName"] == "Marcus"
    tell(page, "Etta James", "At Last")
    heard = sarah.hear("NOW_PLAYING")
    assert (heard["track"]["artist"], heard["track"]["title"]) == ("Etta James", "At Last")
    expect(page.locator("#song")).to_have_text("At Last")


def test_a_stage_is_found_by_the_code_on_the_poster_however_it_is_typed(booth, stage, other_stage, marcus, expect):
    page = booth(marcus)
    page.fill("#code", f"{other_stage.code[:3].lower()}-{other_stage.code[3:].lower()}")
    page.press("#code", "Enter")
    expect(page.locator("#where")).to_have_text("Blues Room")


def test_the_list_shows_where_one_may_play_and_ones_own_slot_first(
    event, stage, other_stage, marcus, ana, elena, stranger, django_assert_num_queries
):
    now = timezone.now()

    def listed(user):
        with django_assert_num_queries(1):
            return [one.name for one in stages_for_booth(user, now)]

    slot = Slot.objects.create(stage=other_stage, dj=marcus, starts_at=now, ends_at=now + timedelta(hours=2))
    assert listed(marcus) == ["Blues Room", "Main Floor"]
    assert listed(ana) == ["Main Floor", "Blues Room"]
    event.is_booth_open = False
    event.save()
    assert listed(marcus) == ["Blues Room", "Main Floor"]
    assert listed(elena) == ["Main Floor", "Blues Room"]
    assert (listed(ana), listed(stranger)) == ([], [])
    for user in (marcus, elena):
        for one in stages_for_booth(user, now):
            assert stage_for_dj(user, one.code) == one
    other_stage.is_closed = True
    other_stage.save()
    assert listed(marcus) == ["Main Floor"]
    event.starts_on, event.ends_on = event.starts_on + timedelta(days=30), event.ends_on + timedelta(days=30)
    event.save()
    slot.delete()
    assert (listed(marcus), listed(elena)) == ([], ["Main Floor"])
    event.status = "draft"
    event.save()
    assert listed(elena) == []


def test_a_wrong_code_is_said_beside_the_code(booth, stage, marcus, expect):
    page = booth(marcus)
    page.fill("#code", "ZZZZ99")
    page.press("#code", "Enter")
    expect(page.locator("#code_said")).to_contain_text("no stage with this code")
    expect(page.locator("#code")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#code")).to_be_focused()


def test_a_quick_start_has_a_qr_of_its_own(booth, server, marcus, dancer, expect):
    page = booth(marcus)
    page.get_by_role("button", name="Go live").click()
    expect(page.locator("#live")).to_be_visible()
    page.click("#qr-open")
    expect(page.locator("#qr-code")).not_to_be_empty()
    code = page.locator("#qr-code").inner_text()
    assert page.locator("#qr-url").inner_text() == f"{server.url}/l/{code}".removeprefix("http://")
    for _ in range(100):
        if is_drawn := page.locator("#qr-img").evaluate("img => img.complete && img.naturalWidth > 0"):
            break
        page.wait_for_timeout(100)
    assert is_drawn
    page.keyboard.press("Escape")
    expect(page.locator("#qr-big")).to_be_hidden()
    sarah = dancer(session=code)
    tell(page, "Sia", "Elastic Heart")
    assert sarah.hear("NOW_PLAYING")["track"]["title"] == "Elastic Heart"


def test_a_double_click_goes_live_once_and_plays_once(booth, stage, marcus, expect):
    page = booth(marcus)
    page.get_by_role("button", name="Go live").dblclick()
    expect(page.locator("#live")).to_be_visible()
    page.fill("#t-title", "Hello")
    page.locator("#t-play").dblclick()
    expect(page.locator("#song")).to_have_text("Hello")
    expect(page.locator("#plays li")).to_have_count(1)
    expect(page.locator("#t-title_said")).to_be_empty()
    page.reload()
    expect(page.locator("#plays li")).to_have_count(1)
    expect(page.locator("#choose")).to_be_hidden()


def test_what_the_floor_thinks_is_seen_as_numbers(on_air, stage, marcus, dancer, expect):
    page = on_air(marcus)
    tell(page, "Etta James", "At Last")
    expect(page.locator("#song")).to_have_text("At Last")
    sarah, tom = dancer(stage), dancer(stage)
    play = sarah.hear("SNAPSHOT")["play"]
    for phone_of in (sarah, tom):
        assert phone_of.ask("SEND_LIKE", playId=play["playId"])["type"] == "ACK"
        assert phone_of.ask("SEND_REACTION", sessionId=play["sessionId"], reaction="thank_you")["type"] == "ACK"
    sarah.ask("SEND_TEMPO_REQUEST", sessionId=play["sessionId"], preference="perfect")
    tom.ask("SEND_TEMPO_REQUEST", sessionId=play["sessionId"], preference="slower")
    expect(page.locator("#likes")).to_have_text("2")
    expect(page.locator("#thanks")).to_have_text("2")
    expect(page.locator("#tempo-words")).to_have_text("1 slower · 1 perfect · 0 faster")
    expect(page.locator("#listeners")).to_have_text("2")
    page.reload()
    expect(page.locator("#likes")).to_have_text("2")
    expect(page.locator("#thanks")).to_have_text("2")


def test_a_repeat_is_warned_of_and_hidden_with_one_tap(on_air, stage, marcus, ana, dj, dancer, expect):
    hers = dj(ana, stage=stage)
    an_hour_ago = timezone.now() - timedelta(hours=1)
    hers.play("At Last", "Etta James", playedAt=an_hour_ago.isoformat())
    hers.end()
    page = on_air(marcus)
    tell(page, "Norah Jones", "Come Away with Me")
    expect(page.locator("#song")).to_have_text("Come Away with Me")
    assert page.locator(".repeat").count() == 0
    sarah = dancer(stage)
    tell(page, "Etta James", "At Last")
    warning = page.locator(".repeat-h")
    expect(warning).to_have_text(re.compile(r"Played \w+day \d\d:\d\d on Main Floor by Ana"))
    assert sarah.hear("NOW_PLAYING")["track"]["title"] == "At Last"
    page.get_by_role("button", name="Hide it").click()
    assert sarah.hear("TRACK_HIDDEN")["hidden"] is True
    expect(warning).to_have_count(0)
    expect(page.locator("#song")).to_have_text("Come Away with Me")


def test_a_repeat_is_said_while_it_is_typed(on_air, stage, marcus, ana, dj, expect):
    hers = dj(ana, stage=stage)
    an_hour_ago = timezone.now() - timedelta(hours=1)
    hers.play("At Last", "Etta James", playedAt=an_hour_ago.isoformat())
    hers.end()
    page = on_air(marcus)
    before = Play.objects.count()
    page.locator("#t-artist").fill("etta james")
    page.locator("#t-title").press_sequentially("at last")
    expect(page.locator("#ahead")).to_have_text(re.compile(r"Played \w+day \d\d:\d\d on Main Floor by Ana"))
    assert Play.objects.count() == before  # nobody heard of it
    page.locator("#t-title").press_sequentially(" (Remix)")
    expect(page.locator("#ahead")).to_be_empty()


def test_a_repeat_may_be_kept(on_air, stage, marcus, ana, dj, expect):
    hers = dj(ana, stage=stage)
    hers.play("At Last", "Etta James", playedAt=(timezone.now() - timedelta(hours=1)).isoformat())
    hers.end()
    page = on_air(marcus)
    tell(page, "Etta James", "At Last")
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator(".repeat")).to_have_count(0)
    expect(page.locator("#song")).to_have_text("At Last")
    expect(page.locator("#plays .is-hidden")).to_have_count(0)


def test_hide_and_undo(on_air, stage, marcus, dancer, expect):
    page = on_air(marcus)
    sarah = dancer(stage)
    tell(page, "Adele", "Hello")
    page.get_by_role("button", name="Hide: Adele – Hello").click()
    assert sarah.hear("TRACK_HIDDEN")["hidden"] is True
    expect(page.locator("#song")).to_have_text("Nothing yet")
    page.get_by_role("button", name="Undo").click()
    assert sarah.hear("TRACK_HIDDEN")["hidden"] is False
    assert sarah.hear("NOW_PLAYING")["track"]["title"] == "Hello"
    expect(page.locator("#song")).to_have_text("Hello")


def test_the_note_the_last_songs_and_their_tempo_reach_the_next_dj(on_air, stage, marcus, ana, dancer, expect):
    his = on_air(marcus)
    tell(his, "Etta James", "At Last")
    expect(his.locator("#song")).to_have_text("At Last")
    sarah = dancer(stage)
    session_id = sarah.hear("SNAPSHOT")["session"]["sessionId"]
    sarah.ask("SEND_TEMPO_REQUEST", sessionId=session_id, preference="perfect")
    his.fill("#note", "They want slow ones.\nThe left monitor crackles.")
    his.get_by_role("button", name="Leave the note").click()
    expect(his.locator("#note-done")).to_have_text("It waits for the next DJ.")
    end(his)
    hers = on_air(ana)
    expect(hers.locator("#handover-h")).to_have_text("Before you: ⁨Marcus⁩")
    expect(hers.locator("#handover-note")).to_have_text("They want slow ones. The left monitor crackles.")
    hers.locator("#handover summary").click()
    expect(hers.locator("#handover-plays li")).to_contain_text("At Last")
    expect(hers.locator("#handover-plays li")).to_contain_text("1 perfect")


def test_another_djs_song_on_the_screens_is_said_in_words(on_air, stage, marcus, ana, dj, expect):
    page = on_air(marcus)
    tell(page, "Etta James", "At Last")
    hers = dj(ana, stage=stage)
    hers.play("Elastic Heart", "Sia")
    expect(page.locator("#song")).to_have_text("Elastic Heart")
    expect(page.locator("#floor-words")).to_contain_text("Ana⁩ is on the screens")
    tell(page, "Adele", "Hello")
    expect(page.locator("#floor-words")).to_be_empty()


def test_tracks_typed_offline_arrive_in_order_with_their_own_times(on_air, stage, marcus, dancer, expect):
    page = on_air(marcus)
    tell(page, "Etta James", "At Last")
    expect(page.locator("#song")).to_have_text("At Last")
    page.context.set_offline(True)
    expect(page.locator("#net")).to_contain_text("No connection since")
    for title in ("One", "Two"):
        tell(page, "Offline", title)
        page.wait_for_timeout(1100)
    expect(page.locator("#net")).to_contain_text("2 tracks wait")
    expect(page.locator("#plays li").first).to_contain_text("waits for the connection")
    page.context.set_offline(False)
    expect(page.locator("#song")).to_have_text("Two", timeout=LATE)
    expect(page.locator("#net")).to_be_hidden()
    expect(page.locator(".is-waiting")).to_have_count(0)
    snapshot = dancer(stage).hear("SNAPSHOT")
    assert [play["track"]["title"] for play in snapshot["recent"]] == ["Two", "One", "At Last"]
    two, one = (timezone.datetime.fromisoformat(play["playedAt"]) for play in snapshot["recent"][:2])
    assert (two - one).total_seconds() > 1


def test_a_track_typed_offline_survives_a_reload(on_air, stage, marcus, expect):
    page = on_air(marcus)
    page.context.set_offline(True)
    expect(page.locator("#net")).to_be_visible()
    tell(page, "Offline", "One")
    expect(page.locator(".is-waiting")).to_have_count(1)
    page.context.set_offline(False)
    page.reload()
    expect(page.locator("#song")).to_have_text("One", timeout=LATE)
    expect(page.locator("#plays li")).to_have_count(1)


def test_a_track_typed_offline_arrives_in_a_set_that_was_ended_meanwhile(on_air, stage, marcus, token_of, dj, expect):
    page = on_air(marcus)
    tell(page, "Etta James", "At Last")
    expect(page.locator("#song")).to_have_text("At Last")
    session_id = page.evaluate("sessionStorage.getItem('pika.booth')")
    page.context.set_offline(True)
    expect(page.locator("#net")).to_be_visible()
    tell(page, "Offline", "One")
    program = dj(marcus, sessionId=session_id)
    program.end()
    page.context.set_offline(False)
    expect(page.locator("#over")).to_be_visible(timeout=LATE)
    expect(page.locator("#over-words")).to_contain_text("ended in another window")
    for _ in range(200):  # not wait_for_function: it evaluates a text, which our own policy forbids
        if not page.evaluate("Object.keys(localStorage).some((key) => key.startsWith('pika.waiting'))"):
            break
        page.wait_for_timeout(50)
    page.context.close()
    assert list(Play.objects.order_by("played_at").values_list("title", flat=True)) == ["At Last", "One"]


def test_a_reload_keeps_the_set_and_a_second_window_shows_the_same(on_air, server, stage, marcus, expect):
    page = on_air(marcus)
    tell(page, "Etta James", "At Last")
    expect(page.locator("#song")).to_have_text("At Last")
    page.get_by_role("button", name="Hide: Etta James – At Last").click()
    expect(page.locator("#plays .is-hidden")).to_have_count(1)
    page.reload()
    expect(page.locator("#where")).to_have_text("Main Floor")
    expect(page.locator("#plays .is-hidden")).to_have_count(1)
    second = page.context.new_page()
    second.goto(f"{server.url}/booth/")
    expect(second.locator("#plays .is-hidden")).to_have_count(1)
    tell(page, "Adele", "Hello")
    expect(second.locator("#plays li").first).to_contain_text("Hello")
    end(second)
    expect(page.locator("#over")).to_be_visible()


def test_delay_and_pause_keep_a_track_from_the_floor(on_air, stage, marcus, dancer, expect):
    page = on_air(marcus)
    sarah = dancer(stage)
    page.fill("#delay", "700")
    page.press("#delay", "Enter")
    expect(page.locator("#delay_said")).to_have_text("A whole number from 0 to 600.")
    page.fill("#delay", "600")
    page.press("#delay", "Enter")
    expect(page.locator("#delay-done")).to_have_text("The floor hears 600 s later.")
    tell(page, "Etta James", "At Last")
    expect(page.locator("#floor-words")).to_contain_text("after your delay of 600 s")
    page.fill("#delay", "0")
    page.press("#delay", "Enter")
    expect(page.locator("#delay-done")).to_have_text("The floor hears at once.")
    page.click("#pause")
    expect(page.locator("#floor-words")).to_contain_text("Publishing is paused")
    tell(page, "Adele", "Hello")
    expect(page.locator("#plays li")).to_have_count(2)
    page.wait_for_timeout(500)
    assert [m["type"] for m in sarah.all_heard() if m["type"] == "NOW_PLAYING"] == []
    page.click("#pause")
    assert sarah.hear("NOW_PLAYING")["track"]["title"] == "Hello"


def test_after_the_end_the_dj_may_go_live_again_at_the_same_place(on_air, stage, marcus, dancer, expect):
    page = on_air(marcus)
    tell(page, "Etta James", "At Last")
    expect(page.locator("#song")).to_have_text("At Last")
    page.click("#end")
    page.get_by_role("button", name="Play on").click()
    expect(page.locator("#live")).to_be_visible()
    end(page)
    expect(page.locator("#over-words")).to_have_text("1 song, 0 likes, 0 thank-yous.")
    expect(page.locator("#over-floor")).to_contain_text("waits for the next DJ")
    page.get_by_role("button", name="Go live again").click()
    expect(page.locator("#where")).to_have_text("Main Floor")
    expect(page.locator("#none")).to_be_visible()


def test_a_program_is_logged_in_with_a_token_that_is_shown_once(booth, server, marcus, expect):
    page = booth(marcus)
    page.get_by_role("link", name="Programs").click()
    page.fill("#name", "Marcus' laptop")
    page.get_by_role("button", name="Make a token").click()
    token = page.input_value("#token")
    assert token.startswith("pika_")
    assert page.input_value("#login") == f"pika-dj login --server {server.url} --token {token}"
    assert page.input_value("#live") == "pika-dj live --stage CODE"
    page.goto(f"{server.url}/accounts/tokens/")
    expect(page.locator("body")).not_to_contain_text(token)
    expect(page.locator(".rows li")).to_have_count(1)
    page.locator(".rows summary").click()
    page.get_by_role("button", name="Yes, log it out").click()
    expect(page.locator("body")).to_contain_text("No program yet")


def test_signing_up_leads_into_the_booth(server, phone, db, expect):
    page = phone()
    page.goto(f"{server.url}/accounts/signup/?next=/booth/")
    page.fill("input[name=email]", "new@example.com")
    page.fill("input[name=password1]", "short")
    page.press("input[name=password1]", "Enter")
    expect(page.locator("#id_password1_said")).to_contain_text("at least 12 characters")
    page.fill("input[name=password1]", "four words are easy")
    page.press("input[name=password1]", "Enter")
    expect(page.get_by_label("Code")).to_be_visible()
    page.fill("input[name=code]", code_for("new@example.com"))
    page.press("input[name=code]", "Enter")
    page.get_by_role("button", name="Yes, I am a DJ").click()
    expect(page).to_have_url(re.compile(r"/booth/$"), timeout=LATE)
    expect(page.locator("#djname")).to_be_visible()


def test_no_account_page_is_unstyled(server, phone, log_in, marcus):
    page = phone()
    out = "login signup password/reset password/reset/done password/reset/key/1-a-b password/reset/key/done"
    for path in [*out.split(), "inactive", "confirm-email"]:
        page.goto(f"{server.url}/accounts/{path}/")
        assert page.locator("main.desk h1").count() == 1, path
    log_in(page, marcus)
    for path in ("logout", "password/change", "email", "tokens", "2fa", "2fa/webauthn", "2fa/totp/activate"):
        page.goto(f"{server.url}/accounts/{path}/")
        assert page.locator("main.desk h1").count() == 1, path


def test_axe_finds_nothing_serious(look, browser, server, log_in, stage, marcus, ana, dj, expect):
    hers = dj(ana, stage=stage)
    hers.play("At Last", "Etta James", playedAt=(timezone.now() - timedelta(hours=1)).isoformat())
    page = browser.new_context(viewport={"width": 360, "height": 740}).new_page()

    for path in ("login", "signup", "password/reset"):
        page.goto(f"{server.url}/accounts/{path}/")
        look(page)
    log_in(page, marcus)
    expect(page).to_have_url(re.compile(r"/me/$"), timeout=10_000)
    look(page)
    page.goto(f"{server.url}/booth/")
    look(page)
    page.get_by_role("button", name="Go live").click()
    expect(page.locator("#song")).to_have_text("At Last")
    look(page)
    tell(page, "Etta James", "At Last")
    expect(page.locator(".repeat")).to_be_visible()
    look(page)
    page.get_by_role("button", name="Hide it").click()
    expect(page.locator("#toast")).to_be_visible()
    look(page)
    page.click("#qr-open")
    look(page)
    page.keyboard.press("Escape")
    end(page)
    look(page)
    page.goto(f"{server.url}/accounts/tokens/")
    page.get_by_role("button", name="Make a token").click()
    page.locator("#token").wait_for()
    look(page)

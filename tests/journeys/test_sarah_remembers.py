"""Sarah remembers: two phones without an account, one account, all her songs; and nothing of her when she is gone."""

import csv
import io
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import models
from django.utils import timezone

from accounts.models import Guest, User
from stages.models import Play, Visit
from stages.wall_time import night_of, show_clock
from tests.cast import code_for
from tracks.models import Like

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = pytest.mark.browser
SOON = 30_000
EMAIL, SECRET = "sarah@example.com", "four words are easy"


@pytest.fixture
def night(server, dj, marcus, stage):
    """Seven songs were played."""
    booth = dj(marcus, stage=stage)
    for n in range(1, 8):
        booth.play(f"Song {n}", "Band")
    return booth


@pytest.fixture
def dancing(phone, server, stage, night):
    """`dancing(1, 2)`: a fresh device on the floor that loves these songs."""

    def come(*numbers):
        page = phone()
        page.set_default_timeout(SOON)
        page.goto(f"{server.url}/s/{stage.code}")
        expect(page.locator("#here")).to_be_visible(timeout=SOON)
        for n in numbers:
            heart = page.locator("#heart") if n == 7 else page.get_by_role("button", name=f"Love Song {n}", exact=True)
            heart.click()
            expect(heart).to_have_attribute("aria-pressed", "true")
        return page

    return come


def kept(count):
    """Wait until the server has that many likes."""

    def wait(page):
        for _ in range(300):
            if Like.objects.count() == count:
                return
            page.wait_for_timeout(100)
        assert Like.objects.count() == count

    return wait


def sign_up(page, server):
    page.goto(f"{server.url}/accounts/signup/?next=/me/songs")
    page.fill("input[name=email]", EMAIL)
    page.fill("input[name=password1]", SECRET)
    page.locator("form.stack button.main").click()
    code = page.locator("input[name=code]")
    expect(code).to_be_visible(timeout=SOON)
    code.fill(code_for(EMAIL))
    page.locator("form.stack button.main").click()
    expect(page.get_by_role("heading", name="Your songs", exact=True)).to_be_visible(timeout=SOON)


def log_in_as_sarah(page, server):
    page.goto(f"{server.url}/accounts/login/?next=/me/songs")
    page.fill("input[name=login]", EMAIL)
    page.fill("input[name=password]", SECRET)
    page.press("input[name=password]", "Enter")
    expect(page.get_by_role("heading", name="Your songs", exact=True)).to_be_visible(timeout=SOON)


def test_two_devices_become_one_person_and_nothing_that_names_her_stays(dancing, server, stage) -> None:
    phone = dancing(1, 2, 3, 4, 5)
    kept(5)(phone)
    tablet = dancing(6, 7)
    kept(7)(tablet)

    sign_up(phone, server)
    expect(phone.locator(".songs .of")).to_have_text([f"Song {n}" for n in (5, 4, 3, 2, 1)])
    log_in_as_sarah(tablet, server)
    expect(tablet.locator(".songs .of")).to_have_text([f"Song {n}" for n in (7, 6, 5, 4, 3, 2, 1)])
    expect(tablet.locator("main h4")).to_have_text(["Main Floor"])
    expect(tablet.get_by_text("2 songs moved")).to_be_visible()

    third = dancing(1, 7)
    kept(9)(third)
    log_in_as_sarah(third, server)
    expect(third.locator("#count")).to_have_text("7 songs")
    expect(third.get_by_text("The 2 songs of this device are in your account already.")).to_be_visible()
    assert Like.objects.count() == 7

    # She takes the night along.
    third.get_by_role("link", name="Take along").click()
    with third.expect_download() as told:
        third.get_by_role("button", name="Spreadsheet (CSV)").click()
    text = told.value.path().read_text(encoding="utf-8")
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [row["Track Name"] for row in rows] == [f"Song {n}" for n in range(1, 8)]
    with third.expect_download() as told:
        third.get_by_role("button", name="Lines to paste").click()
    lines = told.value.path().read_text(encoding="utf-8").splitlines()
    assert lines == [f"Band – Song {n}" for n in range(1, 8)]
    assert told.value.suggested_filename == "Pika - my songs.txt"

    # And leaves.
    third.goto(f"{server.url}/me/delete")
    third.get_by_role("button", name="Delete my account").click()
    again = third.locator("input[name=password]")
    third.wait_for_load_state()
    if again.count():  # her login was some minutes ago
        again.fill(SECRET)
        again.press("Enter")
        third.get_by_role("button", name="Delete my account").click()
    for _ in range(300):
        if not User.objects.filter(email=EMAIL).exists():
            break
        third.wait_for_timeout(100)
    assert traces_of("sarah") == []
    assert Like.objects.count() == 7
    assert not Guest.objects.filter(user__email=EMAIL).exists()


def traces_of(name):
    """Every text of the database that says it."""
    found = []
    for model in apps.get_models():
        texts = [f.name for f in model._meta.concrete_fields if isinstance(f, models.CharField | models.TextField)]
        for field in texts:
            found += [f"{model.__name__}.{field}" for _ in model._base_manager.filter(**{f"{field}__icontains": name})]
    return found


def test_the_journal_by_keyboard_says_what_it_does(dancing, server) -> None:
    page = dancing(1, 2)
    kept(2)(page)
    page.goto(f"{server.url}/me/songs")
    for landmark in ("banner", "main", "search"):
        expect(page.get_by_role(landmark)).to_have_count(1)
    page.get_by_role("button", name="Take Song 2 out").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text("“Song 2” is out of your songs.")
    expect(page.get_by_role("button", name="Undo: Song 2")).to_be_focused()
    kept(1)(page)
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text("It is back among your songs.")
    expect(page.get_by_role("button", name="Take Song 2 out")).to_be_focused()
    kept(2)(page)
    note = page.get_by_role("textbox", name="Note on Song 2")
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    note.fill("with Tom")
    note.blur()
    expect(page.locator("#said")).to_have_text("Your note is saved.")
    assert Like.objects.filter(note="with Tom").count() == 1


def test_what_was_meant_comes_with_what_played_before(dancing, server, stage) -> None:
    page = dancing(1)
    kept(1)(page)
    now, zone = timezone.now(), stage.event.zone
    for ago, play in enumerate(Play.objects.order_by("-played_at"), 1):
        Play.objects.filter(pk=play.pk).update(played_at=now - timedelta(minutes=4 * ago))
    there = {"first_at": now - timedelta(hours=1), "last_at": now}
    guest = Like.objects.get().guest
    Visit.objects.update_or_create(guest=guest, stage=stage, night_on=night_of(now, zone), defaults=there)
    around = show_clock(now - timedelta(minutes=4 * 4 - 1), zone)
    page.set_viewport_size({"width": 360, "height": 400})
    page.goto(f"{server.url}/me/songs/heard?around={around}#meant")
    expect(page.locator(".meant")).to_contain_text("Song 4")
    expect(page.locator(".songs .of", has_text="Song 3")).to_be_in_viewport()


def test_hearts_given_without_a_network_are_among_her_songs_though_the_floor_s_page_was_closed(dancing, server) -> None:
    page = dancing(1, 2)
    kept(2)(page)
    page.context.set_offline(True)
    expect(page.locator("#net")).to_have_text("You are offline. Your hearts are kept.")
    for n in (3, 4):
        page.get_by_role("button", name=f"Love Song {n}", exact=True).click()
    page.get_by_role("button", name="Love Song 1", exact=True).click()  # and this one not any more
    journal = page.context.new_page()
    page.close()
    journal.context.set_offline(False)
    journal.goto(f"{server.url}/me/songs")
    expect(journal.locator(".songs .of")).to_have_text(["Song 4", "Song 3", "Song 2"], timeout=SOON)
    queues = "Object.keys(localStorage).flatMap((key) => Object.keys(JSON.parse(localStorage[key]).queue ?? {}))"
    assert journal.evaluate(queues) == []


def test_without_script_it_all_works(browser, dancing, server) -> None:
    first = dancing(1)
    kept(1)(first)
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    context.add_cookies(first.context.cookies())
    page = context.new_page()
    page.goto(f"{server.url}/me/songs")
    page.get_by_role("button", name="Take Song 1 out").click()
    expect(page.get_by_text("“Song 1” is out of your songs.")).to_be_visible()
    assert Like.objects.count() == 0
    page.get_by_role("button", name="Undo: Song 1").click()
    expect(page.get_by_text("“Song 1” is back.")).to_be_visible()
    assert Like.objects.count() == 1


def test_axe_finds_nothing_serious(browser, dancing, server, make_user, log_in, stage, look) -> None:
    first = dancing(1, 7)
    kept(2)(first)
    size = {"width": 360, "height": 740}
    context = browser.new_context(viewport=size, bypass_csp=True, locale="en-GB")
    context.add_cookies(first.context.cookies())
    page = context.new_page()
    paths = ["/me/songs", "/me/songs?q=nothing", "/me/songs/heard?around=01:10", "/me/songs/export"]
    for path in paths:
        page.goto(f"{server.url}{path}")
        look(page)
    log_in(page, make_user("sarah", is_dj=True))
    for path in ("/me/", *paths):
        page.goto(f"{server.url}{path}")
        look(page)

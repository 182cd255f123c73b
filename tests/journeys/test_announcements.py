"""Elena announces: every phone of hers shows it once, none next door; who comes late sees it; it goes when she says."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from events.models import Event
from stages.actions.announcements import Draft, announce
from stages.models import Announcement, Seen, Stage

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def next_door(stranger):
    """The stage of the stranger's event in the same building."""
    today = timezone.now().date()
    event = Event.objects.create(
        organizer=stranger.organizers.get(),
        name="Zouk Night",
        slug="zouk",
        starts_on=today,
        ends_on=today,
        status="published",
    )
    return Stage.objects.create(event=event, name="Next Door")


@pytest.fixture
def floor(server, phone):
    """`floor(stage)`: a phone on the stage's page, connected, that counts how often the urgent one opened."""

    def come(stage):
        page = phone()
        page.add_init_script(
            "window.opened = 0; const open = HTMLDialogElement.prototype.showModal;"
            "HTMLDialogElement.prototype.showModal = function () { opened++; open.call(this); };"
        )
        page.goto(f"{server.url}/s/{stage.code}")
        expect(page.locator("#here")).to_be_visible()
        return page

    return come


@pytest.fixture
def desk(server, browser, log_in, elena, event):
    """Elena's laptop, on the page where she announces."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB").new_page()
    page.set_default_timeout(10_000)
    log_in(page, elena)
    page.goto(f"{server.url}/organize/e/{event.slug}/announce")
    return page


def put_away(page):
    """Read it, then tap: what comes under a thumb within the first moment is no answer."""
    page.wait_for_timeout(800)
    page.get_by_role("button", name="I have read this").click()


def test_an_urgent_announcement_reaches_every_phone_of_hers_once_and_none_next_door(
    desk, floor, stage, other_stage, next_door
):
    sarah, tom, outside = floor(stage), floor(other_stage), floor(next_door)
    sarah.wait_for_timeout(2500)  # who follows is written down every two seconds

    desk.get_by_label("What should they know?").fill("Everybody out, please.\nThe alarm is real.")
    desk.get_by_text("Urgent").click()
    desk.get_by_role("button", name="Who hears it?").click()
    expect(desk.locator("h1")).to_have_text("2 people")
    desk.get_by_role("button", name="Send to 2 people").click()
    expect(desk.get_by_text("Tick this first")).to_be_visible()
    desk.get_by_label("Yes: cover every screen").check()
    desk.get_by_role("button", name="Send to 2 people").click()
    expect(desk.get_by_text("Sent to 2 people, 0 phones.")).to_be_visible()

    for page in (sarah, tom):
        expect(page.locator("#urgent-text")).to_have_text("Everybody out, please. The alarm is real.")
    code = Announcement.objects.get().code
    expect(desk.locator(f"#counts-{code}")).to_have_text(re.compile(r"Sent 2\s*Seen 2$"))

    assert [page.evaluate("opened") for page in (sarah, tom, outside)] == [1, 1, 0]
    put_away(sarah)
    expect(sarah.locator("#urgent")).to_be_hidden()
    sarah.reload()
    expect(sarah.locator("#here")).to_be_visible()
    expect(sarah.locator("#urgent")).to_be_hidden()
    assert sarah.evaluate("opened") == 0, "once put away on this phone it stays away"

    late = floor(stage)
    expect(late.locator("#urgent-text")).to_have_text("Everybody out, please. The alarm is real.")
    expect(desk.locator(f"#counts-{code}")).to_have_text(re.compile(r"Sent 2\s*Seen 3$"))
    assert Seen.objects.count() == 3

    desk.locator("summary", has_text="Cancel").click()
    desk.get_by_role("button", name="Yes, cancel it").click()
    for page in (tom, late):
        expect(page.locator("#urgent")).to_be_hidden()
    expect(outside.locator("#urgent")).to_be_hidden()
    expect(outside.locator("#news")).to_be_hidden()
    assert outside.evaluate("opened") == 0
    assert floor(stage).evaluate("opened") == 0


def test_lines_are_stacked_put_away_for_good_and_never_move_the_heart(
    floor, dj, elena, marcus, event, stage, other_stage
):
    his = dj(marcus, stage)
    his.play("At Last", "Etta James")
    sarah = floor(stage)
    heart = sarah.locator("#heart").bounding_box()
    announce(event, elena, Draft("Soup is ready 🍲"))
    announce(event, elena, Draft("The shuttle leaves at 2", "important"))
    expect(sarah.locator("#news li span")).to_have_text(["The shuttle leaves at 2", "Soup is ready 🍲"])
    expect(sarah.locator("#said")).to_have_text("WCS Budapest: The shuttle leaves at 2")
    his.ask("SEND_ANNOUNCEMENT", sessionId=his.session_id, message="שלום לכולם")
    expect(sarah.locator("#news li b")).to_have_text(["WCS Budapest", "Marcus", "WCS Budapest"])
    assert sarah.locator("#heart").bounding_box() == heart
    assert min(button.bounding_box()["height"] for button in sarah.locator("#news button").all()) >= 44

    sarah.get_by_role("button", name="Put away").nth(1).click()
    expect(sarah.locator("#news li b")).to_have_text(["WCS Budapest", "WCS Budapest"])
    sarah.reload()
    expect(sarah.locator("#news li b")).to_have_text(["WCS Budapest", "WCS Budapest"])
    sarah.goto(sarah.url.replace(stage.code, other_stage.code))  # away on every floor
    expect(sarah.locator("#news li b")).to_have_text(["WCS Budapest", "WCS Budapest"])
    sarah.get_by_role("button", name="Put away").first.click()
    sarah.goto(sarah.url.replace(other_stage.code, stage.code))
    expect(sarah.locator("#news li span")).to_have_text(["Soup is ready 🍲"])


def test_a_line_leaves_by_the_servers_clock_and_counts_as_seen_only_while_somebody_looks(floor, elena, event, stage):
    sarah = floor(stage)
    sarah.evaluate("Object.defineProperty(document, 'hidden', {configurable: true, get: () => true})")
    announce(event, elena, Draft("Soup", ends_at=timezone.now() + timedelta(seconds=12)))
    expect(sarah.locator("#news li")).to_have_count(1)
    sarah.wait_for_timeout(2500)
    assert Seen.objects.count() == 0
    sarah.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    expect(sarah.locator("#news")).to_be_hidden(timeout=20_000)
    assert Seen.objects.count() == 1


def test_a_thumb_on_its_way_to_the_heart_has_not_read_an_urgent_one(floor, elena, event, stage):
    sarah = floor(stage)
    sarah.evaluate(
        "new MutationObserver(() => document.getElementById('urgent-ok').click())"
        ".observe(document.getElementById('urgent'), {attributes: true})"
    )
    announce(event, elena, Draft("Out, please", "urgent"))
    expect(sarah.locator("#urgent")).to_be_visible()
    sarah.keyboard.press("Escape")
    expect(sarah.locator("#urgent")).to_be_visible()
    put_away(sarah)
    expect(sarah.locator("#urgent")).to_be_hidden()


def test_the_wall_and_the_booth_show_it_and_the_dj_tells_the_floor(
    server, browser, phone, log_in, floor, marcus, elena, event, stage
):
    booth = phone()
    log_in(booth, marcus)
    booth.goto(f"{server.url}/booth/")
    booth.get_by_role("button", name="Go live").click()
    expect(booth.locator("#live")).to_be_visible()
    wall = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
    wall.goto(f"{server.url}/s/{stage.code}/wall")
    sarah = floor(stage)

    announce(event, elena, Draft("Soup is ready"))
    expect(wall.locator("#news p")).to_have_text(["WCS BudapestSoup is ready"])
    expect(booth.locator("#tell-now li")).to_have_text(["WCS Budapest: Soup is ready"])
    expect(booth.locator("#toast-words")).to_have_text("WCS Budapest: Soup is ready")
    expect(booth.get_by_role("button", name="Take it back")).to_be_hidden()

    booth.get_by_role("button", name="Tell them").click()
    expect(booth.locator("#tell-said")).to_have_text("Type what they should know.")
    booth.get_by_label("Message").fill("Last song!")
    booth.get_by_role("button", name="Tell them").click()
    expect(sarah.locator("#news li span")).to_have_text(["Last song!", "Soup is ready"])
    expect(booth.locator("#tell-now li p")).to_have_text(["You: Last song!", "WCS Budapest: Soup is ready"])
    booth.reload()
    booth.get_by_role("button", name="Take it back").click()
    expect(sarah.locator("#news li span")).to_have_text(["Soup is ready"])

    announce(event, elena, Draft("Out, please", "urgent"))
    expect(booth.locator("#alerts")).to_contain_text("Out, please")
    booth.get_by_role("button", name="I have read this").click()
    expect(booth.locator("#alerts .urgent")).to_have_count(0)
    expect(wall.locator("#news p")).to_have_text(["WCS BudapestOut, please"])
    expect(wall.locator(".song")).to_be_hidden()


def test_axe_finds_nothing_serious(browser, server, log_in, look, elena, event, stage):
    options = {"viewport": {"width": 360, "height": 740}, "bypass_csp": True}
    announce(event, elena, Draft("Soup " + "is ready " * 20))
    announce(event, elena, Draft("The shuttle", "important"))
    page = browser.new_context(**options).new_page()
    page.goto(f"{server.url}/s/{stage.code}")
    expect(page.locator("#news li")).to_have_count(2)
    look(page)
    announce(event, elena, Draft("Out, please", "urgent"))
    expect(page.locator("#urgent")).to_be_visible()
    look(page)
    page.goto(f"{server.url}/s/{stage.code}/wall")
    look(page)
    log_in(page, elena)
    page.goto(f"{server.url}/organize/e/{event.slug}/announce")
    look(page)
    page.get_by_label("What should they know?").fill("Soup")
    page.get_by_text("Urgent").first.click()
    page.get_by_role("button", name="Who hears it?").click()
    expect(page.locator("#look")).to_be_visible()
    look(page)

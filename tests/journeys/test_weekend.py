"""Elena's weekend in a real browser: she builds it, previews, publishes, prints posters; a dancer finds a floor."""

import re
from typing import Any

import png
import pytest
import zxingcpp

from events.models import Event
from stages.models import Stage

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = pytest.mark.browser
MM = 96 / 25.4  # CSS pixels


@pytest.fixture
def desk(browser, log_in, elena, organizer) -> Any:
    """Elena's laptop, in Warsaw."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, locale="en-GB", timezone_id="Europe/Warsaw", color_scheme="dark"
    )
    page = context.new_page()
    page.set_default_timeout(10_000)
    log_in(page, elena)
    return page


def codes_in(picture: bytes) -> list[str]:
    """What a decoder that is not ours reads in a PNG."""
    width, height, rows, _info = png.Reader(bytes=picture).asRGB8()
    grey = bytes(red for row in rows for red in row[::3])
    return [code.text for code in zxingcpp.read_barcodes(memoryview(grey).cast("B", (height, width)))]


def mediabox(pdf: bytes) -> list[tuple[int, int]]:
    """The size of every page, in mm."""
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    return [(round(float(w) / 72 * 25.4), round(float(h) / 72 * 25.4)) for w, h in boxes]


def build(desk: Any, server: Any) -> Event:
    desk.goto(f"{server.url}/organize/wcs-budapest/events/new")
    desk.get_by_label("Name", exact=True).fill("WCS Budapest")
    desk.get_by_label("First day").fill("2027-03-26")
    desk.get_by_label("Last day").fill("2027-03-28")
    expect(desk.get_by_label("Time zone")).to_have_value("Europe/Warsaw")  # the browser's own, to begin with
    desk.get_by_label("Time zone").fill("Europe/Budapest")
    desk.get_by_label("Where").fill("Hotel Gellért, Budapest")
    desk.get_by_label("Wi-Fi, for the posters").fill("Hotel Guest, no password")
    for n, name in enumerate(["Main Floor", "Blues Room", "Lindy Loft"]):
        desk.get_by_label("Name of the stage").nth(n).fill(name)
    desk.get_by_role("button", name="Save as a draft").click()
    expect(desk).to_have_url(re.compile(r"/preview$"), timeout=10_000)
    return Event.objects.get()


def test_elena_builds_a_weekend_previews_and_publishes_it_and_a_dancer_finds_her_floor(desk, server, phone, marcus, dj):
    event = build(desk, server)
    expect(desk.get_by_text("Not public yet.")).to_be_visible()
    expect(desk.locator(".floors b")).to_have_text(["Main Floor", "Blues Room", "Lindy Loft"])
    desk.get_by_role("button", name="Publish").click()
    expect(desk.get_by_text("It is public now.")).to_be_visible()

    dj(marcus, event.stages.get(name="Blues Room")).play("Dinah", "Dinah Washington")
    picture = desk.request.get(f"{server.url}/e/{event.slug}/qr.png").body()
    dancer = phone()
    [address] = codes_in(picture)
    assert address == f"{server.url}/e/{event.slug}"
    dancer.goto(address)
    expect(dancer.locator(".floors li")).to_have_count(3)
    dancer.get_by_role("link", name="Blues Room").click()
    expect(dancer.locator("h1")).to_have_text("Blues Room")
    expect(dancer.locator("#title")).to_have_text("Dinah")


def test_without_script_stages_are_added_renamed_reordered_and_closed(browser, server, log_in, elena, event, stage):
    page = browser.new_context(java_script_enabled=False).new_page()
    log_in(page, elena)
    page.goto(f"{server.url}/organize/e/{event.slug}/edit")
    page.get_by_label("Name of the stage").nth(0).fill("Ballroom")
    page.get_by_label("Order").nth(0).fill("2")
    page.get_by_label("Name of the stage").nth(1).fill("Attic")
    page.get_by_label("Order").nth(1).fill("1")
    page.get_by_label("Closed").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    stages = event.stages.values_list("name", "is_closed", "code")
    assert [tuple(line[:2]) for line in stages] == [("Attic", False), ("Ballroom", True)]
    assert stages[1][2] == stage.code


def test_a_mistake_in_the_form_is_said_by_the_field_and_what_was_typed_stays(desk, server):
    desk.goto(f"{server.url}/organize/wcs-budapest/events/new")
    desk.get_by_label("Name", exact=True).fill("WCS Budapest")
    desk.get_by_label("First day").fill("2027-03-28")
    desk.get_by_label("Last day").fill("2027-03-26")
    desk.get_by_label("Time zone").fill("budapest")
    desk.get_by_label("Name of the stage").first.fill("Main Floor")
    desk.get_by_role("button", name="Save as a draft").click()
    expect(desk.locator(".error")).to_have_text(
        ["The event ends before it starts.", "There is no time zone “budapest”. Try Europe/Budapest."]
    )
    expect(desk.get_by_label("Last day")).to_be_focused()
    expect(desk.get_by_label("Name of the stage").first).to_have_value("Main Floor")
    assert Event.objects.count() == 0


@pytest.mark.parametrize(("size", "paper", "qr"), [("a4", (210, 297), 120), ("a3", (297, 420), 169)])
def test_the_posters_print_one_stage_a_page_with_a_qr_that_scans_from_three_metres(desk, server, size, paper, qr):
    event = build(desk, server)
    desk.goto(f"{server.url}/organize/e/{event.slug}/posters?size={size}")
    pdf = desk.pdf(prefer_css_page_size=True, print_background=True)
    assert mediabox(pdf) == [paper] * 3
    desk.emulate_media(media="print")
    codes = list(event.stages.values_list("code", flat=True))
    for code, poster in zip(codes, desk.locator(".poster").all(), strict=True):
        assert codes_in(poster.screenshot()) == [f"{server.url}/s/{code}"]
        picture = poster.locator(".qr").bounding_box()["width"] / MM
        # 29 modules (or more) of the code, and 4 of quiet zone on each side.
        assert picture * 29 / 37 >= qr
        expect(poster.locator(".code")).to_have_text(code)
        expect(poster.get_by_text("Hotel Guest, no password")).to_be_visible()
        assert poster.evaluate(
            "it => [...it.children].every(c => c.offsetTop + c.offsetHeight <= it.offsetTop + it.offsetHeight + 1)"
        )


def test_the_posters_of_long_names_stay_on_their_pages(desk, server, event):
    long = "The Very Long Named Grand Ballroom Extraordinaire of Hotel Gellért on the Danube"
    Event.objects.update(name=(long + long)[:120], wifi=(long + long)[:120], colour="#000000")
    Stage.objects.create(event=event, name=long)
    Stage.objects.create(event=event, name="Lindy", position=1)
    desk.goto(f"{server.url}/organize/e/{event.slug}/posters")
    assert len(mediabox(desk.pdf(prefer_css_page_size=True, print_background=True))) == 2
    desk.emulate_media(media="print")
    its = desk.locator(".poster").first
    inside = its.evaluate("it => [...it.querySelectorAll('header, footer')].map(c => c.scrollHeight - c.clientHeight)")
    assert [max(0, over) for over in inside] == [0, 0]


def test_the_dashboard_is_live_for_more_stages_than_a_socket_hears(desk, server, event, marcus, ana, dj):
    stages = [Stage.objects.create(event=event, name=f"Stage {n}", position=n) for n in range(13)]
    desk.goto(f"{server.url}/organize/e/{event.slug}/")
    expect(desk.locator(".floor")).to_have_count(13)
    first, last = dj(marcus, stages[0]), dj(ana, stages[12])
    first.play("Shiny Stockings", "Count Basie")
    last.play("Dinah", "Dinah Washington")
    floor = [desk.locator(".floor").nth(n) for n in (0, 12)]
    expect(floor[0].locator("[data-at=title]")).to_have_text("Shiny Stockings")
    expect(floor[1].locator("[data-at=title]")).to_have_text("Dinah")
    expect(floor[1].locator("[data-at=dj]")).to_have_text("played by Ana")
    expect(floor[1]).to_have_attribute("data-state", "live")
    last.end()
    expect(floor[1].locator("[data-at=state]")).to_have_text("Nobody plays right now")
    expect(floor[1].locator("[data-at=title]")).to_have_text("Dinah")


def test_the_dashboard_counts_listeners_and_warns_of_a_dj_who_is_gone(desk, server, event, stage, marcus, dj, dancer):
    his = dj(marcus, stage)
    his.play("Dinah")
    desk.goto(f"{server.url}/organize/e/{event.slug}/")
    expect(desk.locator("[data-at=here]")).to_have_text("0 here")
    dancer(stage=stage)
    expect(desk.locator("[data-at=here]")).to_have_text("1 here")
    his.close()
    expect(desk.locator("[data-at=state]")).to_have_text("Marcus is back in a moment")
    expect(desk.locator(".warn")).to_have_text("Marcus has lost the connection.")

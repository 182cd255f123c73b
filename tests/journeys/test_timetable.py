"""Elena builds two nights past midnight, publishes, moves a slot and runs late; who it touches hears of it, once."""

import re
from datetime import date, timedelta

import pytest
from django.utils import timezone

from accounts.models import PushChunk, PushSubscription
from stages.models import Follow, Release, Slot, Stage, Star

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
FRIDAY = "2027-03-26"


@pytest.fixture
def weekend(event, stage, other_stage):
    """Two nights in March on three stages; in the second one the clocks jump forward."""
    event.starts_on, event.ends_on = date(2027, 3, 26), date(2027, 3, 28)
    event.save()
    return [stage, other_stage, Stage.objects.create(event=event, name="Lindy Loft", position=2)]


@pytest.fixture
def desk(browser, server, log_in, elena, weekend):
    """Elena's laptop, on her timetable."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB").new_page()
    log_in(page, elena)
    page.goto(f"{server.url}/organize/e/wcs-budapest/timetable")
    return page


def add(desk, stage, start, end, dj):
    desk.get_by_label("Stage").select_option(label=stage)
    desk.get_by_label("From", exact=True).fill(start)
    desk.get_by_label("To", exact=True).fill(end)
    desk.get_by_label("DJ", exact=True).fill(dj)
    desk.get_by_label("DJ", exact=True).press("Enter")
    expect(desk.get_by_text(f"Added: {dj}, {start}")).to_be_visible()


def slot(desk, who, night="Friday 26 March"):
    return desk.locator(".night").filter(has=desk.get_by_role("heading", name=night)).locator(".slot", has_text=who)


def shows(desk, **marks):
    for who, words in marks.items():
        expect(slot(desk, who)).to_contain_text(words)


@pytest.fixture
def come(server, phone):
    """`come("/s/CODE")`: a phone that opens this page, has a heart for it and can be pushed to; (page, guest)."""

    def open_page(path):
        page = phone()
        page.goto(f"{server.url}{path}")
        if path.startswith("/s/"):
            expect(page.locator("#here")).to_be_visible()
            while not Follow.objects.filter(stage__code=path.removeprefix("/s/")).exists():
                page.wait_for_timeout(100)  # they are written in bulk, every two seconds
        else:
            page.locator("li[data-s] button").first.wait_for()
        return page

    return open_page


def subscribe(guest, name):
    PushSubscription.objects.create(guest=guest, endpoint=name, endpoint_hash=guest.key, p256dh="", auth="")


def heard():
    names = dict(PushSubscription.objects.values_list("pk", "endpoint"))
    chunks = PushChunk.objects.order_by("pk").select_related("message")
    return [(names[int(pk)], chunk.message.body) for chunk in chunks for pk in chunk.waiting]


def test_a_weekend_is_built_published_moved_and_runs_late(desk, come, server, weekend):
    # Two nights past midnight, three stages: one typed, the next one copied, a third one from a spreadsheet.
    add(desk, "Main Floor", "20:00", "22:00", "Ana")
    expect(desk.get_by_label("From", exact=True)).to_have_value("22:00")  # ready for the next one
    expect(desk.get_by_label("To", exact=True)).to_be_focused()
    add(desk, "Main Floor", "22:00", "02:00", "Marcus")
    add(desk, "Blues Room", "22:20", "01:00", "Jun")
    desk.get_by_label("Copy").select_option(label="Fri 26 Mar")
    desk.get_by_label("to", exact=True).select_option(label="Sat 27 Mar")
    desk.get_by_role("button", name="Copy").click()
    expect(desk.get_by_text("3 slots copied.")).to_be_visible()
    desk.get_by_role("link", name="Import").click()
    desk.get_by_label("or paste it here").fill(
        f"stage,date,start,end,dj\nLindy Loft,{FRIDAY},22:00,03:00,Rosa\nAttic,{FRIDAY},1,2,Bo\n"
    )
    desk.get_by_role("button", name="Look at it").click()
    expect(desk.get_by_text("Line 3 stage: there is no “Attic”")).to_be_visible()
    desk.get_by_role("button", name="Take the good ones").click()
    shows(desk, Ana="20:00–22:00", Marcus="22:00–02:00", Jun="22:20–01:00", Rosa="22:00–03:00")
    expect(desk.get_by_text("7 changes are not published yet.")).to_be_visible()
    assert Slot.objects.count() == 0

    desk.get_by_role("link", name="Look and publish").click()
    expect(desk.locator(".changes li")).to_have_count(7)
    desk.get_by_role("button", name="Publish").click()
    expect(desk.get_by_text("Published: 7 changes.")).to_be_visible()
    desk.get_by_role("button", name=re.compile("Send it|Nobody")).click()
    assert (Slot.objects.count(), heard()) == (7, [])

    # Sarah follows the main floor, Tom stars Jun, Lia is in the loft.
    main, _blues, loft = weekend
    come(f"/s/{main.code}")
    subscribe(Follow.objects.get(stage=main).guest, "sarah")
    come(f"/s/{loft.code}")
    subscribe(Follow.objects.get(stage=loft).guest, "lia")
    tom = come("/e/wcs-budapest/timetable")
    tom.locator(f"#d{FRIDAY[5:7]}{FRIDAY[8:]}").get_by_role("button", name="Star Jun").click()
    expect(tom.locator("#said")).to_have_text("Starred. You are reminded ten minutes before.")
    subscribe(Star.objects.get().guest, "tom")

    # Marcus begins half an hour later.
    desk.goto(f"{server.url}/organize/e/wcs-budapest/timetable")
    slot(desk, "Marcus").get_by_role("link", name="Edit").click()
    desk.get_by_label("From", exact=True).fill("22:30")
    desk.get_by_role("button", name="Save").click()
    shows(desk, Marcus="was Fri 22:00–02:00")
    desk.get_by_role("link", name="Look and publish").click()
    expect(desk.locator(".changes")).to_have_text("Main Floor: Marcus, Fri 22:00 → Fri 22:30")
    desk.get_by_role("button", name="Publish").click()
    expect(desk.locator(".audience")).to_have_text("1 person, 1 phone")
    desk.get_by_role("button", name="Send it").click()
    expect(desk.get_by_text("1 person is told.")).to_be_visible()
    assert heard() == [("sarah", "Main Floor: Marcus, Fri 22:00 → Fri 22:30")]
    expect(tom.locator("#d0326 li[data-s]", has_text="Marcus").locator("time")).to_have_text("22:30–02:00")
    expect(tom.get_by_role("button", name="Star Jun").first).to_have_attribute("aria-pressed", "true")

    # Now the blues room runs late, and Jun is to play on the main floor afterwards.
    desk.goto(f"{server.url}/organize/e/wcs-budapest/timetable")
    add(desk, "Main Floor", "02:00", "03:00", "Jun")
    desk.get_by_role("link", name="Look and publish").click()
    desk.get_by_role("button", name="Publish").click()
    desk.get_by_role("link", name="Not now").click()
    desk.get_by_role("link", name="Running late").click()
    desk.get_by_label("Stage, and from when").select_option(label="Blues Room: from 22:20–01:00, Jun")
    desk.get_by_label("Minutes later").fill("90")
    desk.get_by_role("button", name="Look at it").click()
    expect(desk.locator(".note.bad li")).to_have_text("⚠ Jun, 23:50–02:30: Jun is also on Main Floor, 02:00–03:00")
    desk.get_by_label("Minutes later").fill("20")
    desk.get_by_role("button", name="Look at it").click()
    expect(desk.get_by_text("Nothing collides.")).to_be_visible()
    desk.get_by_role("button", name="Move, publish and tell").click()
    expect(desk.get_by_text("Blues Room: +20 minutes, published. 1 person is told.")).to_be_visible()
    assert heard()[1:] == [("tom", "Blues Room: Jun, Fri 22:20 → Fri 22:40")]
    assert Release.objects.filter(notified_at=None).count() == 1  # Jun's second turn is still to be told, or not
    expect(tom.locator("#d0326 li[data-s]", has_text="Jun").first.locator("time")).to_have_text(
        re.compile("22:40|02:00")
    )


def test_two_managers_and_a_mistake_without_a_mouse(desk, browser, server, weekend):
    add(desk, "Main Floor", "20:00", "22:00", "Ana")
    slot(desk, "Ana").get_by_role("link", name="Edit").press("Enter")
    other = desk.context.new_page()
    other.goto(desk.url)
    other.get_by_label("To", exact=True).fill("23:00")
    other.keyboard.press("Enter")
    expect(other.get_by_text("Saved.")).to_be_visible()
    desk.get_by_label("To", exact=True).fill("21:00")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("alert")).to_contain_text("Elena changed this slot while you had it open.")
    expect(desk.get_by_role("alert").locator("tbody")).to_have_text("Time20:00–23:0020:00–21:00")
    desk.get_by_role("button", name="Save mine").press("Enter")
    shows(desk, Ana="20:00–21:00")
    desk.get_by_label("From", exact=True).fill("21:00")
    desk.get_by_label("To", exact=True).fill("21:00")
    desk.keyboard.press("Enter")
    expect(desk.locator("#id_dj_error")).to_have_text("Say who plays, or give it a title.")
    expect(desk.locator("#id_end_error")).to_have_text("It ends when it starts. When is it over?")
    expect(desk.get_by_label("From", exact=True)).to_have_value("21:00")


def test_the_timetable_and_stars_work_offline(phone, desk, weekend, cable):
    add(desk, "Main Floor", "20:00", "22:00", "Ana")
    add(desk, "Main Floor", "22:00", "02:00", "Marcus")
    desk.get_by_role("link", name="Look and publish").click()
    desk.get_by_role("button", name="Publish").click()
    sarah = phone()
    sarah.goto(f"{cable.url}/e/wcs-budapest/timetable")
    sarah.evaluate("navigator.serviceWorker.ready.then(() => true)")
    sarah.reload()
    sarah.get_by_role("button", name="Star Ana").click()
    expect(sarah.locator("#said")).to_have_text("Starred. You are reminded ten minutes before.")
    cable.pull()
    sarah.context.set_offline(True)
    sarah.reload()
    expect(sarah.locator("#net")).to_contain_text("You are offline.")
    expect(sarah.locator("li[data-s] p")).to_have_text(["Ana", "Marcus"])
    expect(sarah.get_by_role("button", name="Star Ana")).to_have_attribute("aria-pressed", "true")
    sarah.get_by_role("button", name="Star Marcus").click()
    expect(sarah.locator("#said")).to_have_text("Kept. Your star is sent as soon as you are back online.")
    sarah.reload()
    expect(sarah.get_by_role("button", name="Star Marcus")).to_have_attribute("aria-pressed", "true")
    sarah.get_by_role("button", name="My stars").click()
    expect(sarah.locator("li[data-s]:visible")).to_have_count(2)
    assert [star.slot.who for star in Star.objects.all()] == ["Ana"]
    cable.plug()
    sarah.context.set_offline(False)
    expect(sarah.locator("#net")).to_be_empty(timeout=40_000)
    left = "Object.keys(JSON.parse(localStorage['pika:stars:wcs-budapest']).queue).length"
    while sarah.evaluate(left):
        sarah.wait_for_timeout(100)
    assert sorted(star.slot.who for star in Star.objects.all()) == ["Ana", "Marcus"]


def test_axe_finds_nothing_serious_and_nothing_is_wider_than_a_phone(
    browser, server, log_in, look, elena, weekend, marcus
):
    now = timezone.now()
    for hours in (-2, 0, 2):
        at = now + timedelta(hours=hours - 1)
        Slot.objects.create(
            stage=weekend[0], starts_at=at, ends_at=at + timedelta(hours=2), dj=marcus, dj_name="M" * 60
        )
    page = browser.new_context(viewport={"width": 360, "height": 740}, bypass_csp=True).new_page()
    log_in(page, elena)
    its = "/organize/e/wcs-budapest/timetable"
    slot = Slot.objects.first()
    late = f"{its}/late?where=now-{weekend[0].code}&minutes=30"
    for path in ("/e/wcs-budapest/timetable", its, f"{its}/slot/{slot.code}", late, f"{its}/import", f"{its}/publish"):
        page.goto(f"{server.url}{path}")
        page.locator("h1").wait_for()
        look(page)
    page.goto(f"{server.url}/e/wcs-budapest/timetable")
    heights = [button.bounding_box()["height"] for button in page.locator("button:visible, nav a").all()]
    assert min(heights) >= 44

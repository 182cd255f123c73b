"""Marcus asks the floor from the booth; Sarah and Tom answer on their phones; everybody sees the same."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from stages.models import Poll, PollVote

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def booth(server, phone, log_in, marcus, stage):
    """Marcus' phone, live on the stage."""
    page = phone()
    log_in(page, marcus)
    page.goto(f"{server.url}/booth/")
    page.get_by_role("button", name="Go live").click()
    expect(page.locator("#live")).to_be_visible()
    return page


@pytest.fixture
def floor(server, phone, stage):
    """`floor()`: a phone on the stage's page, connected."""

    def come():
        page = phone()
        page.goto(f"{server.url}/s/{stage.code}")
        expect(page.locator("#here")).to_be_visible()
        return page

    return come


def ask(booth, question, *answers):
    booth.get_by_label("Question").fill(question)
    for number, answer in enumerate(answers):
        booth.locator("#poll-ask [name=option]").nth(number).fill(answer)
    booth.get_by_role("button", name="Start the poll").click()


def test_the_floor_is_asked_answers_and_sees_what_it_said(booth, floor):
    sarah, tom = floor(), floor()
    expect(sarah.locator("#poll")).to_be_hidden()
    booth.get_by_role("button", name="Start the poll").click()
    expect(booth.locator("#poll-said")).to_have_text("Type a question.")

    ask(booth, "What comes next?", "Slow blues", "Something fast")
    expect(booth.locator("#poll-q")).to_have_text("What comes next?")
    expect(sarah.locator("#question")).to_have_text("What comes next?")
    expect(sarah.locator("#said")).to_have_text("A question for you: What comes next?")
    expect(sarah.locator("#left")).to_have_text("Less than a minute left")
    expect(sarah.locator("#options button")).to_have_text(["Slow blues", "Something fast"])
    assert min(button.bounding_box()["height"] for button in sarah.locator("#options button").all()) >= 44

    sarah.get_by_role("button", name="Slow blues").click()
    expect(sarah.locator("#options button")).to_have_text(["Slow blues✓ 100 %", "Something fast0 %"])
    expect(booth.locator("#poll-bars b")).to_have_text(["1", "0"])
    expect(tom.locator("#options button")).to_have_text(["Slow blues", "Something fast"])  # not told how others vote
    tom.get_by_role("button", name="Something fast").click()
    expect(sarah.locator("#options button")).to_have_text(["Slow blues✓ 50 %", "Something fast50 %"])

    # A reload, and a phone that forgot: the first vote counts.
    sarah.reload()
    expect(sarah.locator("#options button")).to_have_text(["Slow blues✓ 50 %", "Something fast50 %"])
    sarah.evaluate("localStorage.clear()")
    sarah.reload()
    sarah.get_by_role("button", name="Something fast").click()
    expect(sarah.locator("#toast")).to_have_text("You voted for “Slow blues” already. The first vote counts.")
    expect(sarah.locator("#options button")).to_have_text(["Slow blues✓ 50 %", "Something fast50 %"])

    # Who comes late sees it, too, and decides.
    late = floor()
    late.get_by_role("button", name="Slow blues").click()
    expect(booth.locator("#poll-words")).to_have_text("The floor votes: 3 votes")
    booth.get_by_role("button", name="End the poll").click()
    for page in (sarah, tom, late):
        expect(page.locator("#left")).to_have_text("The floor says: Slow blues")
    expect(tom.locator("#said")).to_have_text("The floor says: Slow blues")
    expect(booth.locator("#poll-words")).to_have_text(re.compile("The floor says: .*Slow blues.*, 3 votes."))
    assert PollVote.objects.count() == 3

    # The next one is cancelled: it disappears.
    booth.get_by_role("button", name="Ask again").click()
    ask(booth, "A break?", "Yes", "No")
    expect(sarah.locator("#question")).to_have_text("A break?")
    booth.get_by_role("button", name="Cancel it").click()
    expect(sarah.locator("#poll")).to_be_hidden()
    expect(booth.get_by_label("Question")).to_be_visible()


def test_the_booth_finds_its_poll_again_and_the_result_leaves_after_half_a_minute(booth, floor):
    ask(booth, "Faster?", "Yes", "No")
    sarah = floor()
    sarah.get_by_role("button", name="Yes").click()
    expect(sarah.locator("#options b").first).to_have_text("✓ 100 %")
    booth.reload()
    expect(booth.locator("#poll-q")).to_have_text("Faster?")
    booth.get_by_role("button", name="End the poll").click()
    expect(sarah.locator("#left")).to_have_text("The floor says: Yes")
    sarah.clock.install()
    sarah.wait_for_timeout(1100)  # the page knows its time in whole seconds, and shall be newer than what she heard
    sarah.reload()  # the result is kept on the phone
    expect(sarah.locator("#left")).to_have_text("The floor says: Yes")
    sarah.clock.fast_forward(31_000)
    expect(sarah.locator("#poll")).to_be_hidden()


def test_axe_finds_nothing_serious_while_the_floor_votes(browser, server, stage, marcus, dj, look):
    his = dj(marcus, stage)
    his.play("At Last", "Etta James")
    his.ask("START_POLL", sessionId=his.session_id, question="Next?", options=["Slow blues", "Something fast"])
    Poll.objects.update(ends_at=timezone.now() + timedelta(hours=1))
    page = browser.new_context(viewport={"width": 360, "height": 740}, bypass_csp=True).new_page()
    page.goto(f"{server.url}/s/{stage.code}")
    expect(page.locator("#question")).to_be_visible()
    look(page)
    page.get_by_role("button", name="Slow blues").click()
    expect(page.locator("#options b").first).to_have_text("✓ 100 %")
    look(page)

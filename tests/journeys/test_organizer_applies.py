"""Elena applies to run events, Kryspin approves in the admin, and she is told; in a real browser."""

import re

import pytest
from django.core import mail

from accounts.models import Organizer
from pika.jobs import actions as jobs
from tests.cast import app_code, code_for
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def expect():
    from playwright.sync_api import expect

    return expect


@pytest.fixture
def desk(browser, log_in):
    """`desk(elena)`: her laptop, logged in."""

    def open_desk(user):
        page = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB").new_page()
        page.set_default_timeout(10_000)
        log_in(page, user)
        return page

    return open_desk


def log_in_as_staff(page, server, user, expect):
    page.goto(f"{server.url}/admin/")
    page.fill("input[name=login]", user.email)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.fill("input[name=code]", app_code())
    page.press("input[name=code]", "Enter")
    expect(page).to_have_url(re.compile(r"/admin/$"), timeout=10_000)


def apply(page, server, about, expect):
    page.goto(f"{server.url}/organize/")
    page.get_by_role("link", name="Apply to run events").click()
    page.get_by_label("Name of your organization").fill("WCS Budapest")
    page.get_by_label("Who are you, and what event is it?").fill(about)
    page.get_by_role("button", name="Apply").dblclick()
    expect(page).to_have_url(re.compile(r"/organize/wcs-budapest/$"), timeout=10_000)


def decide(page, server, action):
    """Choose the first application in the list, and what to do with it."""
    page.goto(f"{server.url}/admin/accounts/organizerapplication/")
    page.get_by_role("checkbox").nth(1).check()
    page.locator("select[name=action]").select_option(action)
    page.get_by_role("button", name="Go").click()


def test_elena_applies_is_rejected_applies_again_and_is_approved(server, desk, browser, elena, kryspin, expect):
    hers = desk(elena)
    apply(hers, server, "Dancing", expect)
    expect(hers.locator("main")).to_contain_text("Waiting for approval")
    assert Organizer.objects.count() == 1

    his = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB").new_page()
    log_in_as_staff(his, server, kryspin, expect)
    decide(his, server, "reject")
    his.get_by_role("button", name="Reject these applications").click()
    expect(his.locator("#content")).to_contain_text("Say why: it is what they are told.")
    his.locator("textarea[name=reason]").fill("Which hotel is it?")
    his.get_by_role("button", name="Reject these applications").click()
    expect(his.locator(".messagelist")).to_contain_text("1 rejected; each applicant gets an e-mail with your reason.")

    hers.reload()
    expect(hers.locator("main")).to_contain_text("Which hotel is it?")
    hers.get_by_role("link", name="Apply again").click()
    expect(hers.get_by_label("Who are you, and what event is it?")).to_have_value("Dancing")
    hers.get_by_label("Who are you, and what event is it?").fill("Dancing at Hotel Gellért, 300 people")
    hers.get_by_role("button", name="Apply").click()
    expect(hers.locator("main")).to_contain_text("Waiting for approval")

    decide(his, server, "approve")
    expect(his.locator(".messagelist")).to_contain_text("1 approved; each applicant gets an e-mail.")
    his.get_by_role("link", name="WCS Budapest").first.click()
    his.get_by_role("link", name="History").click()
    expect(his.locator("#change-history")).to_contain_text("Approved.")

    hers.reload()
    expect(hers.locator("main")).not_to_contain_text("Waiting for approval")
    jobs.run_due()
    told = {(it.to[0], it.subject) for it in mail.outbox}
    assert told == {
        ("elena@example.com", "WCS Budapest was not approved on Pika!"),
        ("elena@example.com", "WCS Budapest is approved on Pika!"),
    }


def test_elena_invites_and_somebody_without_an_account_joins(server, desk, phone, elena, organizer, expect):
    hers = desk(elena)
    hers.goto(f"{server.url}/organize/wcs-budapest/members")
    hers.get_by_label("What they may do").select_option("crew")
    hers.get_by_label("Whom it is for").fill("Tom at the door")
    hers.get_by_role("button", name="Make a link").click()
    link = hers.get_by_label("It is for one person and works for 14 days.").input_value()

    toms = phone()
    toms.goto(link)
    expect(toms.locator("main")).to_contain_text("Elena invites you. You would be: Crew.")
    toms.get_by_role("link", name="Sign up and join").click()
    toms.fill("input[name=email]", "tom@example.com")
    toms.fill("input[name=password1]", "four words are easy")
    toms.get_by_role("button", name="Sign up").click()
    expect(toms.get_by_label("Code")).to_be_visible()
    toms.get_by_label("Code").fill(code_for("tom@example.com"))
    toms.get_by_role("button", name="Confirm").click()
    toms.get_by_role("button", name="Join").click()
    expect(toms).to_have_url(re.compile(r"/organize/wcs-budapest/$"), timeout=10_000)
    expect(toms.get_by_role("heading", level=1)).to_have_text("WCS Budapest")

    hers.goto(f"{server.url}/organize/wcs-budapest/members")
    expect(hers.locator("main")).to_contain_text("tom@example.com")
    late = phone()
    late.goto(link)
    expect(late.locator("main")).to_contain_text("This invitation was used already.")

"""The same phone in two tabs: what is done in one is not undone by what the other one still shows."""

import pytest

from tests.conftest import PASSWORD
from tracks.models import Like

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = pytest.mark.browser
SOON = 30_000


@pytest.fixture
def sarah(make_user):
    return make_user("sarah")


def log_in(page, server, user):
    page.goto(f"{server.url}/accounts/login/?next=/me/songs")
    page.fill("input[name=login]", user.email)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    expect(page.get_by_role("heading", name="Your songs", exact=True)).to_be_visible(timeout=SOON)


def test_a_note_that_cannot_be_saved_stays_where_it_was_typed_with_the_reason(
    phone, server, cable, stage, marcus, dj, sarah
) -> None:
    booth = dj(marcus, stage=stage)
    booth.play("Epic", "Faith")
    first = phone()
    first.goto(f"{cable.url}/s/{stage.code}")
    expect(first.locator("#here")).to_be_visible(timeout=SOON)
    first.locator("#heart").click()
    booth.hear("LIKE_RECEIVED")
    log_in(first, cable, sarah)
    note = first.get_by_role("textbox", name="Note on Epic")
    first.locator("summary").first.click()

    cable.pull()
    note.fill("with Tom")
    first.get_by_role("button", name="Save", exact=True).click()
    expect(first.get_by_text("Your note is not saved yet: no connection.").last).to_be_visible()
    cable.plug()
    note.fill("with Tom!")
    first.get_by_role("button", name="Save", exact=True).click()
    expect(first.locator("#said")).to_have_text("Your note is saved.")
    expect(first.locator(".note-form .error")).to_be_hidden()

    other = first.context.new_page()
    other.goto(f"{cable.url}/accounts/logout/")
    other.locator("main form button").first.click()
    other.wait_for_url(lambda url: "logout" not in url)
    note.fill("with Tom, in the blue dress")
    first.get_by_role("button", name="Save", exact=True).click()
    expect(first.locator(".note-form .error")).to_contain_text("Copy it, open the page again, and paste it there.")
    expect(note).to_have_value("with Tom, in the blue dress")
    assert list(Like.objects.values_list("note", flat=True)) == ["with Tom!"]


def test_a_heart_in_a_tab_from_before_the_logout_is_kept_by_who_gave_it(
    phone, server, stage, marcus, dj, sarah
) -> None:
    booth = dj(marcus, stage=stage)
    booth.play("Epic", "Faith")
    floor = phone()
    floor.goto(f"{server.url}/s/{stage.code}")
    expect(floor.locator("#title")).to_have_text("Epic", timeout=SOON)
    expect(floor.locator("#here")).to_be_visible(timeout=SOON)
    other = floor.context.new_page()
    log_in(other, server, sarah)
    other.goto(f"{server.url}/accounts/logout/")
    other.locator("main form button").first.click()
    other.wait_for_url(lambda url: "logout" not in url)

    floor.locator("#heart").click()
    for _ in range(300):
        if Like.objects.exists():
            break
        floor.wait_for_timeout(100)
    other.goto(f"{server.url}/me/songs")
    expect(other.locator(".songs .of")).to_have_text(["Epic"])
    assert list(Like.objects.values_list("guest__user", flat=True)) == [None]
    expect(floor.locator("#heart")).to_have_attribute("aria-pressed", "true")

"""Passkeys and an app with codes, in a real browser; Chromium has an authenticator of its own for it."""

import re

import pytest
from allauth.mfa.models import Authenticator

from accounts.models import LoginEvent
from tests.cast import app_code, code_for
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def expect():
    from playwright.sync_api import expect

    return expect


@pytest.fixture
def laptop(browser, server):
    """A laptop with fingerprint; passkeys are for names, so the server is called localhost here."""
    page = browser.new_context(
        viewport={"width": 1280, "height": 800}, locale="en-GB", base_url=f"http://localhost:{server.port}"
    ).new_page()
    page.set_default_timeout(10_000)
    trouble = []
    page.on("console", lambda it: trouble.append(it.text) if it.type == "error" else None)
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    its = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
    page.finger = lambda is_right: cdp.send(
        "WebAuthn.setUserVerified", {"authenticatorId": its, "isUserVerified": is_right}
    )
    yield page
    assert [it for it in trouble if "Content Security Policy" in it or "TypeError" in it] == []


def log_in(page, user, onward=""):
    page.goto(f"/accounts/login/{onward}")
    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def log_out(page):
    page.goto("/accounts/logout/")
    page.get_by_role("button", name="Log out").click()


def test_sarah_makes_a_passkey_and_logs_in_with_it_alone(laptop, make_user, expect):
    sarah = make_user("sarah")
    log_in(laptop, sarah, "?next=/accounts/2fa/")
    laptop.get_by_role("link", name="Add a passkey").click()
    laptop.get_by_label("What do you call this device?").fill("Sarah's laptop")
    laptop.get_by_role("button", name="Make a passkey").click()
    expect(laptop.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    expect(laptop.locator("#codes")).to_have_value(re.compile(r"^(\d{8}\n?){10}$"))
    log_out(laptop)
    laptop.goto("/accounts/login/?next=/accounts/2fa/webauthn/")
    laptop.finger(False)
    laptop.get_by_role("button", name="Log in with a passkey").click()
    expect(laptop.get_by_role("alert")).to_contain_text("The passkey did not come through")
    laptop.finger(True)
    laptop.get_by_role("button", name="Log in with a passkey").click()
    expect(laptop.locator("main")).to_contain_text("Sarah's laptop")
    assert [it.how for it in LoginEvent.objects.order_by("pk")] == ["password", "passkey"]
    laptop.get_by_role("link", name="Rename").click()
    laptop.get_by_label("What do you call this device?").fill("My laptop")
    laptop.get_by_role("button", name="Save").click()
    expect(laptop.locator("main")).to_contain_text("My laptop")
    log_out(laptop)
    log_in(laptop, sarah, "?next=/accounts/2fa/webauthn/")
    expect(laptop.get_by_role("heading", level=1)).to_have_text("One more step")
    laptop.get_by_role("button", name="Use a passkey").click()
    laptop.get_by_role("link", name="Remove").click()
    laptop.get_by_role("button", name="Yes, remove it").click()
    expect(laptop.locator("main")).to_contain_text("None yet.")
    assert not Authenticator.objects.exists()


def test_kryspin_is_led_to_an_app_and_into_the_admin(laptop, make_user, expect):
    owner = make_user("owner")
    owner.is_staff = owner.is_superuser = True
    owner.save()
    laptop.goto("/admin/")
    laptop.get_by_label("Email").fill(owner.email)
    laptop.get_by_label("Password").fill(PASSWORD)
    laptop.get_by_role("button", name="Log in", exact=True).click()
    expect(laptop.locator("body")).to_contain_text("The admin needs a second step at login")
    laptop.get_by_role("link", name="Set up the app").click()
    secret = laptop.get_by_label("Cannot scan?").input_value()
    assert laptop.locator(".scan img").evaluate("(it) => it.naturalWidth") > 0
    laptop.get_by_label("Code", exact=True).fill(app_code(secret))
    laptop.get_by_role("button", name="Switch it on").click()
    laptop.get_by_role("link", name="On to the admin").click()
    expect(laptop).to_have_url(re.compile(r"/admin/$"))
    log_out(laptop)
    laptop.goto("/admin/")
    laptop.get_by_label("Email").fill(owner.email)
    laptop.get_by_label("Password").fill(PASSWORD)
    laptop.get_by_role("button", name="Log in", exact=True).click()
    laptop.get_by_label("Code").fill(app_code(secret))
    laptop.get_by_role("button", name="Log in").click()
    expect(laptop).to_have_url(re.compile(r"/admin/$"))


def test_sarah_signs_up_with_a_double_click_and_the_code_of_her_mail(phone, server, expect):
    page = phone()
    page.goto(f"{server.url}/accounts/signup/?next=/accounts/2fa/")
    page.get_by_label("Email").fill("sarah@example.com")
    page.get_by_label("Password").fill("four words are easy")
    page.get_by_role("button", name="Sign up").dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mail")
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#id_code_said")).to_contain_text("This is not the code.")
    page.get_by_label("Code").fill(code_for("sarah@example.com"))
    page.get_by_role("button", name="Confirm").click()
    expect(page).to_have_url(re.compile(r"/accounts/2fa/$"))


def test_axe_finds_nothing_serious(browser, server, make_user, look, expect):
    page = browser.new_context(
        viewport={"width": 360, "height": 740}, base_url=f"http://localhost:{server.port}"
    ).new_page()

    email = "sarah.with.a.really.long.address@somewhere-in-bavaria.example.com"
    page.goto("/accounts/signup/?next=/me/songs")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill("four words are easy")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_label("Code")).to_be_visible()
    look(page)
    page.get_by_label("Code").fill(code_for(email))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text(f"{email} is confirmed")).to_be_visible()
    look(page)
    page.goto("/accounts/2fa/")
    look(page)
    page.get_by_role("link", name="Set up the app").click()
    page.get_by_label("Password").fill("four words are easy")
    look(page)
    page.get_by_role("button", name="Go on").click()
    secret = page.get_by_label("Cannot scan?").input_value()
    look(page)
    page.get_by_label("Code", exact=True).fill(app_code(secret))
    page.get_by_role("button", name="Switch it on").click()
    expect(page.locator("#codes")).to_be_visible()
    look(page)
    for path in ("", "webauthn/", "webauthn/add/", "totp/deactivate/", "recovery-codes/generate/"):
        page.goto(f"/accounts/2fa/{path}")
        look(page)

"""A page asks after a heart, the phone subscribes, a message comes through our stand-in and is shown by the worker."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from accounts.models import Guest, PushMessage, PushSubscription
from accounts.push import push
from events.models import Mute
from pika.jobs import actions as jobs
from tests.push.conftest import certificate, service, services  # noqa: F401
from tests.push.standin import Phone, PushService

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = pytest.mark.browser

# The browser's own push service is out of reach here: its subscription is one of the stand-in's.
OVERRIDE = """(keys) => {
  const raw = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const make = (key) => ({
    endpoint: keys.endpoint,
    options: { applicationServerKey: raw(key).buffer, userVisibleOnly: true },
    toJSON: () => ({ endpoint: keys.endpoint, expirationTime: null, keys: { p256dh: keys.p256dh, auth: keys.auth } }),
    unsubscribe: async () => { localStorage.removeItem("standin"); return true; },
  });
  PushManager.prototype.subscribe = async ({ applicationServerKey, userVisibleOnly }) => {
    if (!userVisibleOnly) throw new Error("every push must be visible");
    localStorage.setItem("standin", applicationServerKey);
    return make(applicationServerKey);
  };
  PushManager.prototype.getSubscription = async () => {
    const key = localStorage.getItem("standin");
    return key && make(key);
  };
}"""


SHOWN = """async () => {
  const shown = await (await navigator.serviceWorker.ready).getNotifications();
  return shown.map(({ title, body, tag, data, renotify }) => ({ title, body, tag, data, renotify }));
}"""


@pytest.fixture
def phone_of(browser: Any, server: Any, service: PushService) -> Callable[..., tuple[Any, Phone]]:  # noqa: F811
    """A phone whose browser would subscribe at the stand-in."""

    def take(is_allowed: bool = True) -> tuple[Any, Phone]:
        context = browser.new_context(viewport={"width": 360, "height": 740}, locale="en-GB")
        if is_allowed:
            context.grant_permissions(["notifications"], origin=server.url)
        its = service.phone()
        keys = {"endpoint": its.endpoint, "p256dh": its.p256dh, "auth": its.auth}
        context.add_init_script(f"({OVERRIDE})({json.dumps(keys)})")
        page = context.new_page()
        page.set_default_timeout(10_000)
        return page, its

    return take


def work() -> None:
    """As a worker does: in another thread, since Playwright's loop runs in this one."""

    def run() -> None:
        while jobs.run_due():
            pass
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def deliver(page: Any, origin: str, data: str) -> list[dict[str, Any]]:
    """What the push service would hand to the browser; what it shows then."""
    cdp = page.context.new_cdp_session(page)
    found: list[str] = []
    cdp.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda it: found.extend(r["registrationId"] for r in it["registrations"]),
    )
    cdp.send("ServiceWorker.enable")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    cdp.send("ServiceWorker.deliverPushMessage", {"origin": origin, "registrationId": found[0], "data": data})
    cdp.detach()
    page.wait_for_timeout(1000)  # one of the same tag is there already, and looks no different until then
    return page.evaluate(SHOWN)


def test_from_a_heart_to_a_notification_on_the_screen(phone_of, server, stage, marcus, dj) -> None:
    booth = dj(marcus, stage=stage)
    booth.play("Shiny Stockings")
    page, its = phone_of()
    page.goto(f"{server.url}/s/{stage.code}")
    expect(page.locator("#here")).to_be_visible()
    assert page.locator(".offer").count() == 0  # never on load
    page.locator("#heart").click()
    page.get_by_role("button", name="Notify me", exact=True).click()
    expect(page.locator("[data-when=on]")).to_be_visible()
    assert [row.endpoint for row in PushSubscription.objects.all()] == [its.endpoint]

    told = push(Guest.objects.all(), title="WCS Budapest", body="Főterem: 20 min later", url="/e/x", tag="a1", ttl=600)
    work()
    assert [got.message["body"] for got in its.got] == ["Főterem: 20 min later"]
    shown = deliver(page, server.url, json.dumps(its.got[0].message))
    at = int(told.created_at.timestamp() * 1000)
    expected = {"title": "WCS Budapest", "body": "Főterem: 20 min later", "tag": "a1"}
    assert shown == [expected | {"data": {"url": "/e/x", "at": at}, "renotify": True}]

    # The same again, as after a worker's death, is still one and makes no noise; a newer one replaces it.
    again = deliver(page, server.url, json.dumps(its.got[0].message))
    assert again == [expected | {"data": {"url": "/e/x", "at": at}, "renotify": False}]
    newer = deliver(page, server.url, json.dumps(its.got[0].message | {"body": "30 min later", "at": at + 1}))
    assert [(one["body"], one["renotify"]) for one in newer] == [("30 min later", True)]
    other = deliver(page, server.url, json.dumps({"title": "Buffet", "tag": "a2"}))
    assert sorted(one["tag"] for one in other) == ["a1", "a2"]


def test_a_push_that_nobody_can_read_shows_something_too(phone_of, server, stage) -> None:
    page, _ = phone_of()
    page.goto(f"{server.url}/s/{stage.code}")
    (shown,) = deliver(page, server.url, "rubbish")
    assert (shown["title"], shown["body"]) == ("Pika!", "There is news for you.")


def test_the_page_of_notifications_turns_them_on_and_off_and_mutes(phone_of, server, stage, event) -> None:
    page, _ = phone_of()
    page.goto(f"{server.url}/s/{stage.code}")
    page.goto(f"{server.url}/me/notifications?from=/s/{stage.code}")
    page.get_by_role("button", name="Notify me", exact=True).click()
    page.get_by_role("button", name="Turn them off").wait_for()
    assert PushSubscription.objects.count() == 1
    page.locator(".muting").get_by_role("button", name="Mute").click()
    expect(page.locator(".note")).to_have_text("WCS Budapest is silent on this device.")
    assert Mute.objects.count() == 1
    page.get_by_role("button", name="Turn them off").click()
    page.get_by_role("button", name="Notify me", exact=True).wait_for()
    assert (PushSubscription.objects.count(), Mute.objects.count()) == (0, 1)
    page.goto(f"{server.url}/me/notifications")
    expect(
        page.get_by_role("button", name="Notify me", exact=True)
    ).to_be_visible()  # remembered: no page turns it on again
    assert PushSubscription.objects.count() == 0

    page.get_by_label("Quiet from").fill("23:30")
    page.get_by_label("Until").fill("08:00")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".note")).to_have_text("Saved.")
    expect(page.get_by_label("Quiet from")).to_have_value("23:30")
    assert Guest.objects.get().quiet_zone != ""


def test_a_new_key_of_the_server_makes_a_new_subscription_at_the_next_start(phone_of, server, stage, settings) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    from tests.push.standin import base64url

    page, _ = phone_of()
    page.goto(f"{server.url}/me/notifications")
    page.get_by_role("button", name="Notify me", exact=True).click()
    page.get_by_role("button", name="Turn them off").wait_for()
    old = PushSubscription.objects.get().vapid_key
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    settings.VAPID_KEY = base64url(number.to_bytes(32, "big"))
    page.evaluate("sessionStorage.clear()")  # the next start
    with page.expect_response(lambda answer: answer.request.method == "POST" and answer.status == 201):
        page.goto(f"{server.url}/s/{stage.code}")
    assert PushSubscription.objects.get().vapid_key != old


def test_who_said_no_to_the_browser_is_told_how_to_change_it(phone_of, server) -> None:
    page, _ = phone_of(is_allowed=False)
    page.add_init_script("Object.defineProperty(Notification, 'permission', { get: () => 'denied' })")
    page.goto(f"{server.url}/me/notifications")
    expect(page.locator("[data-when=denied]")).to_be_visible()
    expect(page.get_by_role("button", name="Notify me", exact=True)).to_be_hidden()


def test_an_iphone_that_has_not_installed_it_is_shown_how(browser, server) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)"
    )
    page = context.new_page()
    page.add_init_script("delete window.PushManager")
    page.goto(f"{server.url}/me/notifications")
    expect(page.locator("[data-when=ios]")).to_contain_text("Add to Home Screen")


def test_who_is_not_asked(phone_of, server, stage, marcus, dj, settings) -> None:
    dj(marcus, stage=stage).play("Shiny Stockings")
    page, _ = phone_of()
    page.goto(f"{server.url}/s/{stage.code}")
    expect(page.locator("#here")).to_be_visible()
    page.locator("#heart").click()
    page.get_by_role("button", name="Not now").click()
    assert page.locator(".offer").count() == 0
    page.reload()
    expect(page.locator("#here")).to_be_visible()
    page.locator("#heart").click()
    page.locator("#heart").click()
    page.wait_for_timeout(500)
    assert (page.locator(".offer").count(), PushMessage.objects.count()) == (0, 0)

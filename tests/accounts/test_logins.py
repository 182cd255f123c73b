"""Where somebody is logged in, where they were, and out of it; none of which may break a login."""

import logging
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session as BrowserSession
from django.core.cache import cache
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import logins
from accounts.access import Credential, guest_key, guest_of
from accounts.actions import make_token
from accounts.claim import claim
from accounts.devices import device_of
from accounts.leaving import forget_logins
from accounts.models import ApiToken, Guest, LoginEvent, PushSubscription
from pika.errors import Problem
from pika.jobs import actions as jobs
from pika.jobs.models import Job
from stages.actions.floor import follow_all
from tests.conftest import PASSWORD, Browser

pytestmark = pytest.mark.django_db
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
ANDROID = f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {WEBKIT} Chrome/126.0 Mobile Safari/537.36"
IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 16_4 like Mac OS X) {WEBKIT} Version/16.4 Mobile/15E148 Safari/604.1"


@pytest.fixture
def sarah(make_user):
    return make_user("sarah")


@pytest.fixture
def come(sarah):
    """`come(ANDROID)`: a browser of hers that logs in on the login page."""

    def log_in(agent=ANDROID, user=sarah):
        cache.clear()
        browser = Browser(headers={"user-agent": agent})
        browser.get("/me/notifications")  # a page that makes the device somebody
        answer = browser.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
        assert answer.status_code == 302
        return browser

    return log_in


def key_of(browser, settings):
    return guest_key(browser.cookies[settings.GUEST_COOKIE].value)


# --- Devices in words -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (ANDROID, "Chrome on Android"),
        (IPHONE, "Safari on iPhone"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/126.0 Safari/537.36 Edg/126.0", "Edge on Windows"),
        (f"Mozilla/5.0 (Linux; Android 13) {WEBKIT} SamsungBrowser/25.0 Chrome/121.0", "Samsung Internet on Android"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox on Linux"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Version/17.5 Safari/605.1.15", "Safari on Mac"),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {WEBKIT} CriOS/126.0 Mobile", "Chrome on iPhone"),
        ("curl/8.0", ""),
        ("", ""),
        ("A" * 100_000, ""),
    ],
)
def test_a_device_is_browser_and_system(agent, words):
    assert device_of(agent) == words


# --- The history ------------------------------------------------------------------------------------------------------
def test_a_login_is_remembered_with_when_how_and_what(come, sarah, settings):
    browser = come(IPHONE)
    login = LoginEvent.objects.get()
    assert (login.user, login.how, login.device, login.is_two_factor) == (sarah, "password", "Safari on iPhone", False)
    assert login.session_key == browser.session.session_key
    assert login.guest == Guest.objects.get(key=key_of(browser, settings))
    assert timezone.now() - login.logged_in_at < timedelta(minutes=1)
    columns = {field.name for field in LoginEvent._meta.get_fields()}
    assert not columns & {"ip", "address", "place", "country", "city"}


def test_the_page_marks_this_device_and_says_what_is_over(come, sarah):
    phone, laptop = come(IPHONE), come(ANDROID)
    old = LoginEvent.objects.create(user=sarah, device="Firefox on Linux", session_key="gone")
    LoginEvent.objects.create(user=sarah, device="My app", how="program")
    page = laptop.get("/me/logins").content.decode()
    now_open, history = page.split('id="history"')
    assert [now_open.count(words) for words in ("Chrome on Android", "Safari on iPhone", "Firefox", "My app")] == [
        1,
        2,
        0,
        0,
    ]
    assert now_open.index("Chrome on Android") < now_open.index("this device") < now_open.index("Safari on iPhone")
    assert (history.count("still logged in"), history.count("expired"), "Program" in history) == (2, 1, True)
    phone.post("/accounts/logout/")
    assert "Signed out," in laptop.get("/me/logins").content.decode()
    assert LoginEvent.objects.get(pk=old.pk).ended_at is None, "looking changes nothing"


def test_a_stranger_sees_none_of_it_and_ends_none_of_it(come, sarah, stranger):
    come(IPHONE)
    browser = come(ANDROID, stranger)
    assert "Safari on iPhone" not in browser.get("/me/logins").content.decode()
    assert browser.post(f"/me/logins/{sarah.logins.get().pk}/end").status_code == 404
    assert sarah.logins.get().ended_at is None


def test_one_device_is_signed_out(come, sarah, settings):
    phone, laptop = come(IPHONE), come(ANDROID)
    key = key_of(phone, settings)
    PushSubscription.objects.create(
        guest=guest_of(key), device=Guest.objects.get(key=key), endpoint="e", endpoint_hash="h"
    )
    login = sarah.logins.get(device="Safari on iPhone")
    for _ in range(2):
        answer = laptop.post(f"/me/logins/{login.pk}/end", follow=True)
        assert "Safari on iPhone is signed out." in answer.content.decode()
    assert phone.get("/me/profile").status_code == 302
    assert laptop.get("/me/profile").status_code == 200
    assert (guest_of(key).user, PushSubscription.objects.count()) == (None, 0)
    login.refresh_from_db()
    assert (login.ended_how, login.ended_at is None) == ("everywhere", False)


def test_everywhere_is_all_but_here_and_programs_on_wish(come, sarah, settings):
    browsers = [come(IPHONE), come(IPHONE), come(ANDROID)]
    here, token = browsers[-1], make_token(sarah, "laptop")[1]
    held = Credential(session_key=browsers[0].session.session_key)
    assert held.user("live", fresh_for=0) == sarah
    here.post("/me/logins/end")
    assert [browser.get("/me/profile").status_code for browser in browsers] == [302, 302, 200]
    assert [guest_of(key_of(browser, settings)).user for browser in browsers] == [None, None, sarah]
    assert list(sarah.logins.values_list("ended_how", flat=True)) == ["", "everywhere", "everywhere"]
    with pytest.raises(Problem):  # what a socket asks every three seconds
        held.user("live", fresh_for=0)
    assert ApiToken.objects.valid().filter(user=sarah).count() == 1
    here.post("/me/logins/end", {"programs": "on"})
    assert (ApiToken.objects.valid().filter(user=sarah).count(), here.get("/me/profile").status_code) == (0, 200)
    with pytest.raises(Problem):
        Credential(token=token).user("live")


def test_a_new_password_ends_what_logged_in_with_the_old_one_and_leaves_the_booth(come, sarah):
    here = come()
    booth, app = make_token(sarah, "laptop")[1], make_token(sarah, "Somebody's app", [ApiToken.Scope.SONGS])[1]
    fields = {"oldpassword": PASSWORD, "password1": "a brand new horse", "password2": "a brand new horse"}
    assert here.post("/accounts/password/change/", fields).status_code == 302
    assert Credential(token=booth).user("live") == sarah
    with pytest.raises(Problem):
        Credential(token=app).user("songs")


def test_everywhere_reaches_a_login_that_the_history_missed(come, sarah, ana):
    lost, here, other = come(IPHONE), come(ANDROID), come(IPHONE, ana)
    LoginEvent.objects.filter(device="Safari on iPhone", user=sarah).delete()
    here.post("/me/logins/end")
    since = come(IPHONE)
    jobs.kinds["end_sessions"].work(*_job("end_sessions"))
    assert [it.get("/me/profile").status_code for it in (lost, here, other, since)] == [302, 200, 200, 200]


def _job(kind):
    job = Job.objects.filter(kind=kind).latest("pk")
    return job.key, job.payload


def test_a_new_password_ends_the_others_and_this_one_goes_on(come, sarah, settings):
    phone, laptop = come(IPHONE), come(ANDROID)
    fields = {"oldpassword": PASSWORD, "password1": "a brand new horse", "password2": "a brand new horse"}
    assert laptop.post("/accounts/password/change/", fields).status_code == 302
    assert [it.get("/me/profile").status_code for it in (phone, laptop)] == [302, 200]
    now_open = laptop.get("/me/logins").content.decode().split('id="history"')[0]
    assert ("this device" in now_open, "Safari on iPhone" in now_open) == (True, False)
    assert [guest_of(key_of(it, settings)).user for it in (phone, laptop)] == [None, sarah]
    assert set(sarah.logins.values_list("device", "ended_how")) == {
        ("Safari on iPhone", "everywhere"),
        ("Chrome on Android", ""),
    }


def test_the_clock_marks_what_ran_out_and_forgets_after_a_year(come, sarah):
    come(IPHONE)
    ran_out, held = LoginEvent.objects.get(), come(ANDROID)
    BrowserSession.objects.filter(pk=ran_out.session_key).update(expire_date=timezone.now() - timedelta(hours=1))
    LoginEvent.objects.create(user=sarah, logged_in_at=timezone.now() - timedelta(days=366))
    LoginEvent.objects.create(user=sarah, how="program", logged_in_at=timezone.now() - timedelta(days=300))
    forget_logins()
    assert list(sarah.logins.values_list("device", "how", "ended_how")) == [
        ("Chrome on Android", "password", ""),
        ("Safari on iPhone", "password", "expired"),
        ("", "program", ""),
    ]
    assert held.get("/me/profile").status_code == 200
    assert BrowserSession.objects.filter(expire_date__lt=timezone.now()).count() == 0


def test_a_year_of_logins_costs_as_many_queries_as_a_day(come, sarah):
    browser = come(ANDROID)

    def queries(page=""):
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(f"/me/logins{page}").status_code == 200
        return len(asked)

    few = queries()
    LoginEvent.objects.bulk_create(LoginEvent(user=sarah, device="X", session_key=f"k{n}") for n in range(1000))
    assert (queries(), queries("?page=34"), queries("?page=nonsense")) == (few, few, few)
    assert browser.get("/me/logins").content.decode().count("<li>") < 60


# --- A broken history breaks nothing ------------------------------------------------------------------------------
@pytest.fixture
def without_history(transactional_db):
    """The table is somewhere else."""
    rename = "ALTER TABLE {} RENAME TO {}"
    with connection.cursor() as cursor:
        cursor.execute(rename.format("accounts_loginevent", "pulled_plug"))
    yield
    with connection.cursor() as cursor:
        cursor.execute(rename.format("pulled_plug", "accounts_loginevent"))


def test_one_logs_in_and_out_without_a_history(without_history, come, caplog):
    with caplog.at_level(logging.ERROR):
        browser = come(IPHONE)
    assert "login history: could not begin" in caplog.text
    assert browser.get("/me/profile").status_code == 200
    browser.post("/accounts/logout/")
    assert browser.get("/me/profile").status_code == 302


def test_a_broken_history_does_not_break_a_transaction_around_it(without_history, make_user):
    with transaction.atomic():
        user = make_user("tom")
        logins.begin_program(ApiToken(user=user, name="app", key="k"))
        logins.end("x")
        logins.end_everywhere(user)
    assert user.__class__.objects.filter(pk=user.pk).exists()


def test_what_a_device_did_signed_in_stays_hers_when_it_is_signed_out(come, sarah, stage, settings):
    phone, laptop = come(IPHONE), come(ANDROID)
    key = key_of(phone, settings)
    follow_all({(key, stage.code): timezone.now()})
    laptop.post("/me/logins/end")
    assert (guest_of(key).follows.count(), sarah.guest.follows.count()) == (0, 1)
    claim(sarah, key)
    assert guest_of(key).follows.count() == 1

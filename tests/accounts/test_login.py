"""In and out: whatever breaks beside it, a login works; the device comes along, or stays what it was."""

import time

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.db import DatabaseError
from django.utils import timezone

from accounts import logins, preferences
from accounts.access import guest_key, guest_of
from accounts.actions import new_guest_secret
from accounts.adapter import in_words
from accounts.claim import Claimed, claim
from accounts.models import Guest, Letter, LoginEvent, User
from pika.jobs import actions as jobs
from stages.models import Play, Session
from tests.cast import code_for
from tests.conftest import PASSWORD
from tracks.actions.likes import like
from tracks.models import Like

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_counted():
    cache.clear()


@pytest.fixture
def sarah(make_user):
    return make_user("sarah")


@pytest.fixture
def song(marcus, stage):
    session = Session.objects.create(code="SET", dj=marcus, dj_name="DJ Marcus", stage=stage)
    return Play.objects.create(session=session, title="At Last", played_at=timezone.now())


@pytest.fixture
def phone(client, settings):
    """Her phone; `phone.key` is what it is known by."""
    secret = new_guest_secret()
    client.cookies[settings.GUEST_COOKIE] = secret
    client.key = guest_key(secret)
    return client


def log_in(client, user, follow=False, password=PASSWORD):
    return client.post("/accounts/login/", {"login": user.email, "password": password, "next": "/"}, follow=follow)


def key_of(client, settings):
    return guest_key(client.cookies[settings.GUEST_COOKIE].value)


def said(response):
    return [str(it) for it in response.context["messages"]]


def test_the_songs_of_the_device_move_and_she_is_told(phone, sarah, song):
    like(guest_of(phone.key), song)
    answer = log_in(phone, sarah, follow=True)
    assert "1 song moved to your account." in answer.content.decode()
    assert Like.objects.get().guest.user == sarah


@pytest.mark.parametrize(
    ("moved", "known", "words"),
    [
        (0, 0, ""),
        (1, 0, "1 song moved to your account."),
        (5, 2, "5 songs moved to your account, 2 you had already."),
        (0, 1, "The 1 song of this device is in your account already."),
        (0, 3, "The 3 songs of this device are in your account already."),
    ],
)
def test_how_many_moved_in_words(moved, known, words):
    claimed = Claimed()
    claimed.moved["likes"], claimed.known["likes"] = moved, known
    assert in_words(claimed) == words


def test_a_device_of_somebody_else_becomes_a_new_one(phone, sarah, marcus, song, settings):
    like(guest_of(phone.key), song)
    claim(marcus, phone.key)
    answer = log_in(phone, sarah, follow=True)
    assert "This device was somebody else&#x27;s until now." in answer.content.decode()
    assert key_of(phone, settings) != phone.key
    assert guest_of(key_of(phone, settings)).user == sarah
    assert (guest_of(phone.key).user, Like.objects.get().guest.user) == (marcus, marcus)


@pytest.mark.parametrize("cookie", ["forged:signature", "", "x" * 5000])
def test_a_forged_guest_cookie_is_replaced_and_the_login_works(client, sarah, settings, cookie):
    client.cookies[settings.GUEST_COOKIE] = cookie
    assert log_in(client, sarah).status_code == 302
    assert guest_of(key_of(client, settings)).user == sarah


def test_a_stolen_guest_cookie_shows_nothing_after_she_signed_out(phone, sarah, song, settings):
    like(guest_of(phone.key), song)
    log_in(phone, sarah)
    phone.post("/accounts/logout/")
    assert key_of(phone, settings) != phone.key
    for key in (phone.key, key_of(phone, settings)):
        assert not Like.objects.filter(guest__in=Guest.objects.speaking(key)).exists()
    assert Like.objects.get().guest.user == sarah


def test_cancelling_a_login_keeps_the_device(phone, settings):
    phone.post("/accounts/logout/")
    assert key_of(phone, settings) == phone.key


def broken(*args, **kwargs):
    raise DatabaseError("pulled")


@pytest.mark.parametrize("plug", ["claim", "history", "settings", "jobs"])
def test_a_login_works_whatever_is_broken_beside_it(phone, sarah, monkeypatch, plug):
    where = {
        "claim": ("accounts.adapter.claim", broken),
        "history": (logins, "begin"),
        "settings": (preferences, "put"),
        "jobs": (jobs, "enqueue"),
    }[plug]
    monkeypatch.setattr(where[0], broken) if plug == "claim" else monkeypatch.setattr(*where, broken)
    assert log_in(phone, sarah).status_code == 302
    assert phone.session["_auth_user_id"] == str(sarah.pk)
    monkeypatch.undo()
    phone.post("/accounts/logout/")
    assert "_auth_user_id" not in phone.session


def test_a_logout_works_when_the_history_is_broken(phone, sarah, monkeypatch):
    log_in(phone, sarah)
    monkeypatch.setattr(logins, "end", broken)
    assert phone.post("/accounts/logout/").status_code == 302
    assert "_auth_user_id" not in phone.session


def test_the_history_knows_how_she_came_and_that_she_left(phone, sarah):
    log_in(phone, sarah)
    phone.post("/accounts/logout/")
    assert list(LoginEvent.objects.values_list("user", "how", "ended_how")) == [(sarah.pk, "password", "signed_out")]


def test_whoever_never_confirmed_does_so_at_the_next_login(client, sarah):
    EmailAddress.objects.update(verified=False)
    assert log_in(client, sarah).url == "/accounts/confirm-email/"
    client.post("/accounts/confirm-email/", {"code": code_for(sarah.email)})
    assert client.session["_auth_user_id"] == str(sarah.pk)


def test_whoever_was_made_in_the_admin_confirms_too(client):
    tom = User.objects.create_user("tom@example.com", PASSWORD)
    assert log_in(client, tom).url == "/accounts/confirm-email/"
    client.post("/accounts/confirm-email/", {"code": code_for(tom.email)})
    assert client.session["_auth_user_id"] == str(tom.pk)


def test_a_wrong_password_and_a_stranger_read_the_same(client, sarah):
    pages = [
        client.post("/accounts/login/", {"login": who, "password": "nope"}) for who in (sarah.email, "x@y.example")
    ]
    words = [
        page.content.decode().replace(sarah.email, "X").replace("x@y.example", "X").partition("<form class")[2]
        for page in pages
    ]
    errors = ["Email and password do not belong together." in it for it in words]
    assert ([it.status_code for it in pages], errors) == ([200, 200], [True, True])


def test_a_guesser_of_one_account_is_stopped_and_told_how_long(client, sarah):
    tries = [log_in(client, sarah, password="nope").content.decode() for _ in range(11)]
    assert ["many tries" in it for it in tries] == [False] * 10 + [True]
    assert log_in(client, sarah).status_code == 200


def test_changing_the_address_is_confirmed_by_a_code(client, sarah):
    log_in(client, sarah)
    client.post("/accounts/email/", {"email": "new@example.com", "action_add": ""})
    client.post("/accounts/confirm-email/", {"code": code_for("new@example.com")})
    client.post("/accounts/email/", {"email": "new@example.com", "action_primary": ""})
    sarah.refresh_from_db()
    assert sarah.email == "new@example.com"


def test_adding_an_address_of_somebody_else_tells_nothing(client, sarah, marcus):
    log_in(client, sarah)
    answer = client.post("/accounts/email/", {"email": marcus.email, "action_add": ""})
    assert answer.status_code == 302
    assert [it.to for it in Letter.objects.all()] == [marcus.email]


def test_reauthentication_is_asked_for_when_the_login_is_long_ago(client, sarah, monkeypatch):
    log_in(client, sarah)
    assert client.get("/accounts/2fa/totp/activate/").status_code == 200
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 11 * 60)
    answer = client.get("/accounts/2fa/totp/activate/")
    assert (answer.status_code, answer.url.startswith("/accounts/reauthenticate/")) == (302, True)
    again = client.post(answer.url, {"password": PASSWORD})
    assert again.url == "/accounts/2fa/totp/activate/"

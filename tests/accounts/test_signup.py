"""Sarah signs up: a code from her mail, once, and strangers learn nothing."""

import re
import threading
import time

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client

from accounts.access import guest_key, guest_of
from accounts.actions import new_guest_secret
from accounts.models import Guest, Letter, LoginEvent, User
from pika.jobs import actions as jobs
from pika.limits import guard
from tests.cast import code_for
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
SARAH = {"email": "sarah@example.com", "password1": "four words are easy"}


@pytest.fixture(autouse=True)
def nothing_counted():
    cache.clear()


def sign_up(client, **other):
    return client.post("/accounts/signup/", SARAH | other)


def confirm(client, code, **more):
    return client.post("/accounts/confirm-email/", {"code": code}, **more)


def in_words(response):
    """The page without what is new on each of them."""
    return re.sub(r'(name="csrfmiddlewaretoken" value|nonce)="[^"]*"', "", response.content.decode())


def test_the_code_from_the_mail_confirms_and_logs_in(client):
    answer = sign_up(client)
    assert (answer.status_code, answer.url) == (302, "/accounts/confirm-email/")
    page = client.get(answer.url).content.decode()
    assert "sarah@example.com" in page and "_auth_user_id" not in client.session
    answer = confirm(client, code_for("sarah@example.com"))
    assert (answer.status_code, client.session["_auth_user_id"]) == (302, str(User.objects.get().pk))
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [("sarah@example.com", True, True)]
    assert list(LoginEvent.objects.values_list("how", flat=True)) == ["code"]


def test_a_wrong_code_is_refused_in_words_and_five_of_them_end_it(client):
    sign_up(client)
    right = code_for("sarah@example.com")
    for _ in range(4):
        assert "This is not the code." in confirm(client, "000000" if right != "000000" else "111111").content.decode()
    last = confirm(client, "000001" if right != "000001" else "111111", follow=True)
    assert last.redirect_chain[0][0] == "/accounts/login/"
    assert "many tries" in last.content.decode()
    assert confirm(client, right).url == "/accounts/login/"
    assert not EmailAddress.objects.filter(verified=True).exists()


def test_an_old_code_is_refused_and_signing_up_again_sends_another(client, monkeypatch):
    sign_up(client)
    old, now = code_for("sarah@example.com"), time.time()
    monkeypatch.setattr(time, "time", lambda: now + 31 * 60)
    page = client.get("/accounts/confirm-email/", follow=True)
    assert "The code is too old. Sign up again" in page.content.decode()
    assert sign_up(client).url == "/accounts/confirm-email/"
    new = code_for("sarah@example.com")
    assert new != old
    confirm(client, new)
    assert client.session["_auth_user_id"]


def test_another_code_can_be_sent_and_the_first_one_is_nothing_then(client):
    sign_up(client)
    first = code_for("sarah@example.com")
    client.post("/accounts/confirm-email/", {"action": "resend"})
    second = code_for("sarah@example.com")
    if first != second:
        assert "This is not the code." in confirm(client, first).content.decode()
    confirm(client, second)
    assert client.session["_auth_user_id"]


def test_whoever_mistyped_the_address_begins_again(client):
    sign_up(client, email="srah@example.com")
    assert client.post("/accounts/logout/", {"next": "/accounts/signup/"}).url == "/accounts/signup/"
    assert client.get("/accounts/signup/").status_code == 200
    sign_up(client)
    confirm(client, code_for("sarah@example.com"))
    assert client.session["_auth_user_id"]


def test_an_address_in_use_gets_the_same_answers_and_its_owner_a_mail(marcus):
    new, used = Client(), Client()
    answers = [sign_up(new, email="nobody@example.com"), sign_up(used, email=marcus.email)]
    assert len({(it.status_code, it.url) for it in answers}) == 1

    def pages(path, body=None):
        both = [it.post(path, body) if body else it.get(path) for it in (new, used)]
        words = [in_words(it).replace("nobody@example.com", "X").replace(marcus.email, "X") for it in both]
        return len({it.status_code for it in both}), len(set(words))

    assert pages("/accounts/confirm-email/") == (1, 1)
    assert pages("/accounts/confirm-email/", {"code": "000000"}) == (1, 1)
    assert pages("/accounts/confirm-email/", {"action": "resend"}) == (1, 1)
    assert pages("/accounts/confirm-email/") == (1, 1)
    told = [it.text for it in Letter.objects.filter(to=marcus.email)]
    assert len(told) == 1 and "You have an account already" in told[0]


def test_marcus_with_capital_letters_is_marcus(client, marcus):
    sign_up(client, email="MARCUS@example.com")
    assert User.objects.count() == 1
    assert "You have an account already" in Letter.objects.get().text


@pytest.mark.django_db(transaction=True)
def test_the_same_sign_up_twice_at_once_is_one_account_and_each_may_confirm():
    start, phones = threading.Barrier(2), [Client(), Client()]
    answers = []

    def press(phone):
        start.wait()
        answers.append((sign_up(phone).status_code, phone))
        connection.close()

    threads = [threading.Thread(target=press, args=[phone]) for phone in phones]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [status for status, _ in answers] == [302, 302]
    assert (User.objects.count(), EmailAddress.objects.count()) == (1, 1)
    codes = [re.search(r"\d{6}", it.text)[0] for it in Letter.objects.order_by("pk")]
    assert len(codes) == 2
    assert any(confirm(phone, code).status_code == 302 for phone in phones for code in codes)
    assert EmailAddress.objects.get().verified
    assert User.objects.get().check_password(SARAH["password1"])


def test_signing_up_again_before_the_code_is_typed_sends_another(client):
    sign_up(Client())
    sign_up(client)
    assert User.objects.count() == 1
    confirm(client, code_for("sarah@example.com"))
    assert client.session["_auth_user_id"]


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short", "at least 12 characters"),
        ("password12345", "guess"),
        ("aaaaaaaaaaaaaa", "repeats itself"),
        ("qwertyuiopasdf", "lists of leaked ones"),
        ("abcdefghijklmn", "follows the alphabet"),
        ("1q2w3e4r5t6y", "lists of leaked ones"),
        ("sarah@example.com", "made of your name or email"),
        ("Example-Sarah-2024", "made of your name or email"),
    ],
)
def test_weak_and_leaked_passwords_are_refused_with_what_to_do(client, password, words):
    page = sign_up(client, password1=password).content.decode()
    assert words in page and User.objects.count() == 0
    if password != "short":
        assert "Take four words" in page


@pytest.mark.parametrize("password", ["e2c7b94a1f60", "sarah likes to dance on tables"])
def test_a_password_is_refused_for_what_is_known_of_a_person_not_for_the_same_letters(client, password):
    sign_up(client, email="4f9a1c7e2b@example.com", name="Sarah", password1=password)
    assert User.objects.count() == 1


def test_a_mail_server_that_is_away_breaks_nothing_and_the_letter_comes_later(client, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert sign_up(client).status_code == 302
    jobs.run_due()
    assert (Letter.objects.count(), mail.outbox) == (1, [])
    code = code_for("sarah@example.com")
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    jobs.hasten("letter", str(Letter.objects.get().pk))
    jobs.run_due()
    assert (Letter.objects.count(), [code in it.subject for it in mail.outbox]) == (0, [True])
    confirm(client, code)
    assert client.session["_auth_user_id"]


def test_a_letter_nobody_took_for_a_day_is_given_up(settings):
    from datetime import timedelta

    from django.utils import timezone

    from accounts import letters

    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    letters.post("sarah@example.com", "Hello", "There")
    letter = Letter.objects.get()
    assert letters.send(letter.pk) > timezone.now()
    Letter.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert (letters.send(letter.pk), Letter.objects.count()) == (None, 0)


def test_what_her_phone_collected_comes_along_with_the_first_login(client, settings):
    secret = new_guest_secret()
    before = guest_of(guest_key(secret))
    client.cookies[settings.GUEST_COOKIE] = secret
    sign_up(client)
    assert Guest.objects.get(pk=before.pk).home is None
    confirm(client, code_for("sarah@example.com"))
    assert Guest.objects.get(pk=before.pk).home.user == User.objects.get()


def test_six_hundred_sign_ups_of_one_address_in_a_minute_pass_and_a_flood_does_not(client, rf, monkeypatch):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)  # all in the same second, however slow the machine is
    for _ in range(598):
        guard("sign_up", rf.post("/"))  # as the page does, which takes longer
    tries = [client.post("/accounts/signup/", {}).status_code for _ in range(5)]
    assert tries == [200] * 2 + [429] * 3


def test_a_new_password_by_link_and_the_same_words_for_strangers(client, marcus):
    pages = []
    for email in (marcus.email, "nobody@example.com"):
        answer = client.post("/accounts/password/reset/", {"email": email}, follow=True)
        pages.append((answer.status_code, in_words(answer)))
    assert pages[0] == pages[1]
    letter = Letter.objects.get()
    assert letter.to == marcus.email
    link = re.search(r"http\S+/accounts/password/reset/key/\S+", letter.text)[0]
    form = client.get(link.partition("testserver")[2], follow=True)
    new = "completely different horses"
    client.post(form.redirect_chain[-1][0], {"password1": new, "password2": new})
    marcus.refresh_from_db()
    assert marcus.check_password("completely different horses")
    answer = Client().post("/accounts/login/", {"login": marcus.email, "password": PASSWORD})
    assert answer.status_code == 200


def test_the_address_in_a_mail_is_ours_whatever_the_request_says(client, marcus, settings):
    settings.PUBLIC_URL = "https://pika.example"
    client.post("/accounts/password/reset/", {"email": marcus.email}, headers={"host": "evil.example"})
    text = Letter.objects.get().text
    assert "https://pika.example/accounts/password/reset/key/" in text and "evil" not in text

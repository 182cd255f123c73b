"""Limits that know a ballroom: 500 phones behind one address are people, 5,000 are a machine."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.db import connection
from django.test import RequestFactory

from accounts import passwords
from accounts.models import User
from pika.errors import Problem
from pika.limits import guard, limit, neighbourhood
from tests.conftest import PASSWORD
from tests.processes import web_process

BODY = {"email": "sarah@example.com", "password": "four words of nobody else"}


@pytest.fixture(autouse=True)
def _fresh():
    cache.clear()


def within_a_minute(work):
    """What `work()` gives; once more if the minute ended meanwhile, and counting began anew."""
    while True:
        minute = time.time() // 60
        found = work()
        if time.time() // 60 == minute:
            return found
        cache.clear()


def passed(number, what="sign_up", address="192.0.2.7"):
    request = RequestFactory().post("/", REMOTE_ADDR=address)

    def one():
        try:
            guard(what, request)
        except Problem:
            return False
        return True

    return sum(one() for _ in range(number))


def test_500_registrations_from_one_address_pass_and_of_5000_the_rest_does_not(settings):
    assert within_a_minute(lambda: passed(5000)) == settings.PER_ADDRESS["sign_up"] >= 500


def test_each_address_and_each_deed_is_counted_for_itself(settings):
    settings.PER_ADDRESS = settings.PER_ADDRESS | {"sign_up": 2, "log_in": 2}

    def tries():
        return [passed(3), passed(3, "log_in"), passed(3, address="192.0.2.8"), passed(3)]

    assert within_a_minute(tries) == [2, 2, 2, 0]


@pytest.mark.parametrize(
    ("address", "house"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa:bbbb:cccc:dddd", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("nonsense", "nonsense"),
    ],
)
def test_a_house_is_an_ipv4_address_or_a_64_of_ipv6(address, house):
    assert neighbourhood(address) == house


def test_a_refusal_says_in_words_when_to_try_again():
    with pytest.raises(Problem) as refused:
        within_a_minute(lambda: [limit("anything", "sarah", 1) for _ in range(2)])
    problem = refused.value
    assert problem.message == f"That was a lot at once. Try again in {problem.retry_after} s."
    assert (problem.status, problem.code, 0 < problem.retry_after <= 60) == (429, "too_often", True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("what", "path"),
    [
        ("sign_up", "auth/register/dancer"),
        ("log_in", "auth/login/dancer"),
        ("codes", "auth/confirm"),
        ("codes", "auth/confirm/resend"),
        ("claims", "auth/claim-guest"),
        ("guests", "guests"),
        ("guests", "guests/rotate"),
    ],
)
def test_a_program_is_refused_before_anything_is_hashed_or_asked(
    client, settings, what, path, monkeypatch, token_of, marcus, django_assert_max_num_queries
):
    settings.PER_ADDRESS = settings.PER_ADDRESS | {what: 0}
    monkeypatch.setattr(passwords, "in_turn", lambda work: pytest.fail("it was hashed"))
    headers = {"Authorization": f"Bearer {token_of(marcus)}"} if what == "claims" else {}
    with django_assert_max_num_queries(2 if headers else 0):
        answer = client.post(f"/api/v1/{path}", BODY, "application/json", headers=headers)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (429, "too_often")
    assert error["message"] == f"That was a lot at once. Try again in {error['retryAfter']} s."
    assert int(answer["Retry-After"]) >= error["retryAfter"]


@pytest.mark.django_db
@pytest.mark.parametrize(("what", "path"), [("sign_up", "signup"), ("log_in", "login"), ("codes", "password/reset")])
def test_a_page_refuses_in_the_same_words(client, settings, what, path, monkeypatch):
    settings.PER_ADDRESS = settings.PER_ADDRESS | {what: 0}
    monkeypatch.setattr(passwords, "in_turn", lambda work: pytest.fail("it was hashed"))
    answer = client.post(f"/accounts/{path}/", {"email": BODY["email"], "password1": BODY["password"]})
    assert (answer.status_code, "That was a lot at once" in answer.content.decode()) == (429, True)
    assert 0 < int(answer["Retry-After"]) <= 60
    assert client.get(f"/accounts/{path}/").status_code == 200


@pytest.mark.django_db
def test_while_redis_is_away_everybody_may(client, settings):
    settings.CACHES = {"default": {"BACKEND": "pika.caches.PatientRedisCache", "LOCATION": "redis://127.0.0.1:9/0"}}
    settings.PER_ADDRESS = settings.PER_ADDRESS | {"sign_up": 0}
    assert client.post("/api/v1/auth/register/dancer", BODY, "application/json").status_code == 202
    assert User.objects.filter(email=BODY["email"]).exists()


@pytest.mark.django_db(transaction=True)
def test_behind_a_proxy_everybody_has_their_own_address_and_strangers_cannot_choose_one(tmp_path, settings):
    if connection.vendor != "postgresql":
        pytest.skip("the web role needs Postgres and Redis")

    def ask_again(base, said):
        body, headers = {"email": "nobody@example.com"}, {"X-Forwarded-For": said}
        return httpx.post(f"{base}/api/v1/auth/confirm/resend", json=body, headers=headers, timeout=30).status_code

    trusting = web_process(
        tmp_path / "trusting.log", env={"FORWARDED_ALLOW_IPS": "127.0.0.1", "PIKA_LOG_LEVEL": "ERROR"}
    )
    try:

        def tries():
            passed(settings.PER_ADDRESS["codes"], "codes", "192.0.2.7")
            # The last address is the one that the proxy added; those before are what a stranger says of themselves.
            said = ("198.51.100.9, 192.0.2.7", "192.0.2.7, 192.0.2.8")
            return [ask_again(trusting.url, its) for its in said]

        assert within_a_minute(tries) == [429, 202]
    finally:
        trusting.kill()
    wary = web_process(tmp_path / "wary.log", env={"FORWARDED_ALLOW_IPS": "10.0.0.1", "PIKA_LOG_LEVEL": "ERROR"})
    try:
        assert ask_again(wary.url, "192.0.2.7") == 202  # it is whoever connects: 127.0.0.1
    finally:
        wary.kill()


# --- Hashing -------------------------------------------------------------------------------------------------------
def test_so_many_hash_at_once_and_no_more():
    as_many, one_more = threading.Barrier(passwords.AT_ONCE), threading.Barrier(passwords.AT_ONCE + 1)

    def is_alone_with_the_others():
        as_many.wait(10)
        try:
            one_more.wait(0.1)
        except threading.BrokenBarrierError:
            return True
        return False

    with ThreadPoolExecutor(20) as crowd:
        done = list(crowd.map(lambda _: passwords.in_turn(is_alone_with_the_others), range(20)))
    assert done == [True] * 20


def test_who_would_wait_too_long_is_told_when_to_come_back(monkeypatch):
    monkeypatch.setattr(passwords, "PATIENCE", 0.01)
    is_over = threading.Event()
    with pytest.raises(Problem) as refused:
        passwords.in_turn(lambda: is_over.wait(10))
    is_over.set()
    assert (refused.value.status, refused.value.code, refused.value.retry_after) == (503, "busy", 20)


def test_memory_stays_flat_however_many_hash():
    def peak_mb():
        with open("/proc/self/status", encoding="ascii") as status:
            return int(status.read().partition("VmHWM:")[2].split()[0]) / 1024

    with ThreadPoolExecutor(60) as crowd:
        list(crowd.map(lambda _: make_password(PASSWORD), range(6)))
        before = peak_mb()
        list(crowd.map(lambda _: make_password(PASSWORD), range(60)))
    assert peak_mb() - before < 40  # one hash is 19


@pytest.mark.django_db(transaction=True)
def test_who_waits_for_a_hash_holds_no_connection(marcus):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no pool")
    assert User.objects.count() == 1
    assert connection.connection is not None
    assert User.objects.get().check_password(PASSWORD)
    assert connection.connection is None

"""People log in while Redis is away."""

import pytest
import redis
from django.core.cache import cache
from django.db import DatabaseError

from accounts.actions import new_guest_secret
from pika.breaker import Away
from pika.limits import over_limit
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def without_redis(settings):
    """A cache on Redis, where nobody answers."""
    settings.CACHES = {"default": {"BACKEND": "pika.caches.PatientRedisCache", "LOCATION": "redis://127.0.0.1:9/0"}}


def test_a_login_does_not_need_redis(without_redis, client, marcus):
    answer = client.post("/accounts/login/", {"login": marcus.email, "password": PASSWORD})
    assert (answer.status_code, client.session["_auth_user_id"]) == (302, str(marcus.pk))
    wrong = client.post("/accounts/login/", {"login": marcus.email, "password": "wrong horse"}, follow=True)
    assert wrong.status_code == 200


@pytest.mark.parametrize("said", ["OOM command not allowed", "READONLY You can't write against a read only replica."])
def test_nor_one_that_answers_with_an_error(without_redis, client, marcus, settings, monkeypatch, said):
    settings.CACHES["default"]["LOCATION"] = f"redis://127.0.0.1:9/{len(said)}"  # nobody has given this one up yet

    def refuse(*_, **__):
        raise redis.ResponseError(said)

    monkeypatch.setattr("django.core.cache.backends.redis.RedisCacheClient.get_client", refuse)
    answer = client.post("/accounts/login/", {"login": marcus.email, "password": PASSWORD})
    assert (answer.status_code, client.session["_auth_user_id"]) == (302, str(marcus.pk))


def test_a_claim_that_breaks_does_not_break_a_program_s_login(client, marcus, monkeypatch):
    def fail(*_):
        raise DatabaseError("the jobs are away")

    monkeypatch.setattr("accounts.api.auth.claim", fail)
    body = {"email": marcus.email, "password": PASSWORD, "guestToken": new_guest_secret()}
    answer = client.post("/api/v1/auth/login/dancer", body, "application/json")
    assert (answer.status_code, answer.json()["claimed"]) == (200, {"moved": {}, "known": {}})


def test_a_cache_without_redis_is_empty_and_tells_those_who_count(without_redis):
    cache.set("a", 1)
    assert (cache.get("a", "nothing"), cache.delete("a"), cache.add("b", 1)) == ("nothing", False, True)
    with pytest.raises((redis.ConnectionError, Away)):
        cache.incr("b")
    assert over_limit("like", "sarah", 1, 60) is None

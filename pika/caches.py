"""Django's cache on Redis, which does not let everybody wait while Redis is away."""

from typing import Any

import redis
from django.core.cache.backends.redis import RedisCache
from django.utils.functional import cached_property

from pika.breaker import Breaker


class PatientRedisCache(RedisCache):
    """Raises pika.breaker.Away at once while Redis does not answer; those who use the cache can do without it."""

    @cached_property
    def _cache(self) -> Any:
        return _Patient(super()._cache)


class _Patient:
    def __init__(self, client: Any) -> None:
        self._client = client
        self._breaker = Breaker(redis.ConnectionError, redis.TimeoutError)

    def __getattr__(self, name: str) -> Any:
        ask = getattr(self._client, name)
        return lambda *args, **kwargs: self._breaker(lambda: ask(*args, **kwargs))

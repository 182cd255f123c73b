"""Django's cache on Redis, which does not let everybody wait while Redis is away."""

from contextlib import suppress
from typing import Any

import redis
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache
from django.utils.functional import cached_property

from pika.breaker import Away, Breaker

_clients: dict[str, "_Patient"] = {}
_AWAY = (redis.RedisError, Away)  # an error that it answers, too: out of memory, a replica that only reads


class PatientRedisCache(RedisCache):
    """While Redis does not answer, the cache is empty and keeps nothing: a login must not depend on it.

    Whoever adds something is the first to do so. Those who count (`incr`) are told, by ConnectionError and its kind.
    """

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        try:
            return super().add(key, value, timeout, version)
        except _AWAY:
            return True

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        try:
            return super().get(key, default, version)
        except _AWAY:
            return default

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        with suppress(*_AWAY):
            super().set(key, value, timeout, version)

    def delete(self, key: Any, version: int | None = None) -> bool:
        try:
            return super().delete(key, version)
        except _AWAY:
            return False

    @cached_property
    def _cache(self) -> Any:
        # One of the whole process: Django makes a cache for every request, and with it a connection.
        its: Any = self
        name = str((its._servers, sorted(its._options.items())))
        return _clients.setdefault(name, _Patient(super()._cache))


class _Patient:
    def __init__(self, client: Any) -> None:
        self._client = client
        self._breaker = Breaker(redis.ConnectionError, redis.TimeoutError)

    def __getattr__(self, name: str) -> Any:
        ask = getattr(self._client, name)
        return lambda *args, **kwargs: self._breaker(lambda: ask(*args, **kwargs))

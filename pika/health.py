"""Am I alive, am I ready: for load balancers, orchestrators and `doctor`."""

import logging

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse

log = logging.getLogger(__name__)
# Set when the server is asked to stop: it serves what it has, and wants nothing new.
stopping = False


def livez(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """The database answers and we are not stopping; Redis away is told but no reason to refuse people."""
    checks = {"database": _database(), "redis": _redis()}
    is_ready = checks["database"] == "ok" and not stopping
    status = "stopping" if stopping else "ok" if is_ready else "unavailable"
    return JsonResponse({"status": status, **checks}, status=200 if is_ready else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception:
        log.exception("the database does not answer")
        return "does not answer"
    return "ok"


def _redis() -> str:
    if not settings.REDIS_URL:
        return "not used"
    try:
        client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
        client.ping()
        client.close()
    except redis.RedisError:
        return "does not answer"
    return "ok"

"""How often somebody may do something: one person or device, and as a wide guard around it, one address."""

import ipaddress
import logging
import math
import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext

from pika.errors import Problem

log = logging.getLogger(__name__)


class Bucket:
    """A token bucket: `rate` per second on average, `burst` at once."""

    __slots__ = ("_at", "_left", "burst", "rate")

    def __init__(self, rate: float, burst: int) -> None:
        self.rate, self.burst = rate, burst
        self._left, self._at = float(burst), time.monotonic()

    def take(self) -> float:
        """0.0 if allowed, else the seconds to wait."""
        now = time.monotonic()
        self._left = min(self.burst, self._left + (now - self._at) * self.rate)
        self._at = now
        if self._left < 1:
            return (1 - self._left) / self.rate
        self._left -= 1
        return 0.0


def over_limit(what: str, who: str, most: int, seconds: int) -> int | None:
    """None if `who` may do `what` (at most `most` in each window of `seconds`), else seconds to wait.

    Counted across processes. When the counter itself is broken everybody may: a limit protects the
    floor, it must not close it.
    """
    now = time.time()
    window, left = int(now // seconds), int(seconds - now % seconds) + 1
    key = f"limit:{what}:{who}:{window}"
    try:
        cache.add(key, 0, seconds + 1)
        return left if cache.incr(key) > most else None
    except Exception:  # any cache backend's own errors
        log.exception("cannot count %s", what)
        return None


def too_often(wait: float) -> Problem:
    """The refusal, in words."""
    words = gettext("That was a lot at once. Try again in %(seconds)s s.") % {"seconds": math.ceil(wait)}
    return Problem(words, "too_often", 429, retry_after=math.ceil(wait))


def limit(what: str, who: str, most: int, seconds: int = 60) -> None:
    """Problem (429) if `who` (a guest's key, a user) did `what` more than `most` times in this window."""
    if wait := over_limit(what, who, most, seconds):
        raise too_often(wait)


def guard(what: str, request: Any) -> None:
    """Problem (429) if too much of `what`, a name in settings.PER_ADDRESS, came from the request's address this minute.

    A ballroom is one address: whoever is inside it is told apart by other limits. This one keeps machines from
    filling the house, and comes before anything that costs.
    """
    its = salted_hmac("pika.limits", neighbourhood(request.META.get("REMOTE_ADDR") or "")).hexdigest()[:32]
    limit(f"address-{what}", its, settings.PER_ADDRESS[what])


def neighbourhood(address: str) -> str:
    """What one house has: an IPv4 address, or the 2**64 addresses of an IPv6 network."""
    try:
        its = ipaddress.ip_address(address.split("%")[0])
    except ValueError:  # a socket file: everybody comes from there
        return address
    if isinstance(its, ipaddress.IPv6Address):
        return str(its.ipv4_mapped or ipaddress.ip_network((its, 64), strict=False))
    return str(its)

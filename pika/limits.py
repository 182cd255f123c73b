"""How often somebody may do something."""

import logging
import time

from django.core.cache import cache

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

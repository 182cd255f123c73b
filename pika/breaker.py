"""When a neighbour does not answer, one of us waits for the time-out, not everybody."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

R = TypeVar("R")


class Away(ConnectionError):
    """Not asked, because it did not answer a moment ago."""


class Breaker:
    """Asks through `breaker(ask)`. After one of `errors` nobody is asked for `seconds`, then one tries again."""

    def __init__(self, *errors: type[Exception], seconds: float = 2.0) -> None:
        self._errors, self._seconds = errors, seconds
        self._away_until = 0.0
        self._lock = threading.Lock()

    def __call__(self, ask: Callable[[], R], is_probe: bool = False) -> R:
        """What `ask` returns or raises; Away without asking. A probe asks in any case."""
        with self._lock:
            now = time.monotonic()
            if self._away_until and not is_probe:
                if now < self._away_until:
                    raise Away("it did not answer a moment ago")
                self._away_until = now + self._seconds  # this one tries; the others go on waiting
        try:
            answer = ask()
        except self._errors:
            self._away_until = time.monotonic() + self._seconds
            raise
        self._away_until = 0.0
        return answer

"""How long to wait before trying again, so that a hall of laptops does not knock in step."""

from __future__ import annotations

import random


class Backoff:
    """Full jitter: each wait is anything between 1 s and a ceiling that doubles up to 30 s."""

    def __init__(self, shortest_s: float = 1.0, longest_s: float = 30.0) -> None:
        self.shortest_s = shortest_s
        self.longest_s = longest_s
        self.failures = 0

    def failed(self) -> float:
        """Count a failure; returns the seconds to wait now."""
        self.failures = min(self.failures + 1, 16)
        ceiling = min(self.longest_s, self.shortest_s * 2**self.failures)
        return random.uniform(self.shortest_s, ceiling)

    def worked(self) -> bool:
        """Forget the failures; True when there were any."""
        had_failed = self.failures > 0
        self.failures = 0
        return had_failed

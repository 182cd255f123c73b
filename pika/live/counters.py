"""What went other than planned on the floor; read at `/metrics`.

lost: messages that only this process's phones heard. late: frames that left after a hole that did not close.
dropped: phones that did not read. resumed / refreshed: phones that came back by history / by snapshot.
"""

from collections import Counter

NAMES = ("lost", "late", "dropped", "resumed", "refreshed")
counters: Counter[str] = Counter(dict.fromkeys(NAMES, 0))

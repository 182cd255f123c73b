"""How passwords are hashed: argon2id, two at once and no more, so that memory stays flat in a storm of logins."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from django.utils.translation import gettext

from pika.errors import Problem

R = TypeVar("R")
AT_ONCE = 2  # in this process
PATIENCE = 60  # seconds somebody waits for their turn; some 2000 hashes

# Threads of their own: in any other one the C library keeps what a hash took, for as long as the thread's arena lives.
_turns = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hash")


class BoundedArgon2PasswordHasher(Argon2PasswordHasher):
    """OWASP's m=19 MiB, t=2, p=1: as strong as its m=46 MiB, t=1, and measured at less than half the time."""

    time_cost = 2
    memory_cost = 19456
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        return in_turn(lambda: super(BoundedArgon2PasswordHasher, self).encode(password, salt))

    def verify(self, password: str, encoded: str) -> bool:
        return in_turn(lambda: super(BoundedArgon2PasswordHasher, self).verify(password, encoded))


def in_turn(work: Callable[[], R]) -> R:
    """What `work` gives, first come, first served. Problem (503) when too many are before us."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()  # back into the pool: who waits for a hash keeps nobody from the database
    waiting = _turns.submit(work)
    try:
        return waiting.result(PATIENCE)
    except TimeoutError:
        waiting.cancel()
        words = gettext("Too many people log in right now. Please try again in %(seconds)s s.") % {"seconds": 20}
        raise Problem(words, "busy", 503, retry_after=20) from None

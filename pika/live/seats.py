"""How many sockets one device, person or address has open in this process; the ones above are sent away."""

from collections import Counter

from django.utils.translation import gettext

from pika.errors import Problem

_taken: Counter[str] = Counter()


class Seat:
    """One socket's place: with the strangers of its address, until it shows whose it is."""

    __slots__ = ("_who",)

    def __init__(self) -> None:
        self._who = ""

    def take(self, who: str, most: int) -> None:
        """Sit with `who`, instead of where it sat. Problem (429) when they have `most` sockets already."""
        if who == self._who:
            return
        if _taken[who] >= most:
            raise Problem(gettext("Too many connections are open already, please close some"), "too_many_sockets", 429)
        self.free()
        self._who = who
        _taken[who] += 1

    def free(self) -> None:
        if self._who:
            _taken[self._who] -= 1
            if not _taken[self._who]:
                del _taken[self._who]
        self._who = ""

"""What many phones say in the same second, written together rather than one by one."""

from collections.abc import Callable
from datetime import datetime

from pika.live.threads import in_thread

Said = tuple[str, str]  # (device, what about)


class Basket(dict[Said, datetime]):
    """Who said it, about what, and when. A dict that is emptied into the database now and then."""

    async def empty(self, write: Callable[[dict[Said, datetime]], None]) -> None:
        """Give all of it to `write`, in a thread; put it back when that fails."""
        if not self:
            return
        batch = dict(sorted(self.items()))  # in one order everywhere, so that processes do not lock each other
        self.clear()
        try:
            await in_thread(write, batch)
        except Exception:
            for said, at in batch.items():
                self.setdefault(said, at)
            raise

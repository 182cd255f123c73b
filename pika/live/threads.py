"""Where sockets do their database work: a few threads of their own, never the event loop."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections

P = ParamSpec("P")
R = TypeVar("R")

_pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="live")


async def in_thread(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run sync `work` with a healthy database connection; its result or its exception is ours."""

    def run() -> R:
        close_old_connections()
        try:
            return work(*args, **kwargs)
        finally:
            close_old_connections()

    # Not thread-sensitive: one DJ's slow commit must not hold up another's.
    return await sync_to_async(run, thread_sensitive=False, executor=_pool)()

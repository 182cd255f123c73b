"""HTTP to Django: a request runs in one thread, from the first middleware to the last.

All our middleware and views are synchronous. Django's own handler would start a thread for every request and go back to
the event loop and out again between middleware and view, which was two fifths of what a short request cost.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import IO, Any, cast

from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.core.signals import request_started
from django.http import HttpResponseBase
from django.urls import set_script_prefix

# So many requests at once; what comes above that waits. Who is about to wait for a turn to hash a password waits in a
# line of its own: in a storm of logins pages and probes go past it.
_pool = ThreadPoolExecutor(32, thread_name_prefix="http")
_entrance = ThreadPoolExecutor(8, thread_name_prefix="entrance")
HASHING = ("/accounts/", "/admin/login/", "/api/v1/auth/")
Send = Callable[[dict[str, Any]], Awaitable[None]]


class OneThreadHandler(ASGIHandler):
    """As Django's, with a synchronous middle. Who goes away meanwhile has done what they asked for all the same."""

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with body:
            is_hashing = scope["method"] == "POST" and scope["path"].startswith(HASHING)
            response = await _in_thread(_entrance if is_hashing else _pool, self._answer, scope, body)
            try:
                await self.send_response(response, send)  # type: ignore[arg-type]
            finally:
                if response.streaming:
                    await _in_thread(_pool, response.close)

    def _answer(self, scope: dict[str, Any], body: IO[bytes]) -> HttpResponseBase:
        set_script_prefix(get_script_prefix(scope))
        request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(scope, body)
        response: Any = refusal if request is None else BaseHandler.get_response(self, request)
        response._handler_class = self.__class__
        if not response.streaming:
            response.close()  # its content stays; the database connection is free while slow phones read
        elif not response.is_async:
            response.streaming_content = _parts(response.streaming_content)
        return cast(HttpResponseBase, response)


async def _parts(content: Iterator[bytes]) -> AsyncIterator[bytes]:
    """One part after the other, as fast as they are taken; each is made in a thread."""
    while (part := await _in_thread(_pool, next, content, None)) is not None:
        yield part


def _in_thread(pool: ThreadPoolExecutor, work: Callable[..., Any], *args: Any) -> Awaitable[Any]:
    """`work` in a context of its own: what it sets (language, names in the log) ends with it."""
    return asyncio.get_running_loop().run_in_executor(pool, copy_context().run, work, *args)

"""A request over ASGI: one thread, one context, and everything given back at its end."""

import asyncio
import threading

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.signals import request_finished, request_started
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path
from django.utils import translation

from pika.http import OneThreadHandler

seen = []


async def in_parts():
    for part in (b"one ", b"two"):
        seen.append("part")
        yield part


def from_disk():
    for part in (b"one ", b"", b"two"):
        seen.append(threading.current_thread().name.partition("_")[0])
        yield part


def greet(request):
    seen.append(threading.current_thread())
    before = translation.get_language()
    translation.activate("de")
    return HttpResponse(f"{before} {request.method} {request.body.decode()}")


def stream(request):
    return StreamingHttpResponse(in_parts())


def read(request):
    return StreamingHttpResponse(from_disk())


def fail(request):
    raise RuntimeError("what nobody expected")


urlpatterns = [
    path("greet", greet),
    path("accounts/login/", greet),
    path("stream", stream),
    path("read", read),
    path("fail", fail),
]


@pytest.fixture(autouse=True)
def _here(settings):
    settings.ROOT_URLCONF, settings.MIDDLEWARE = __name__, []
    seen.clear()

    def note_start(**_):
        seen.append(threading.current_thread())

    def note_end(**_):
        seen.append(threading.current_thread())
        seen.append("over")

    request_started.connect(note_start)
    request_finished.connect(note_end)
    yield
    request_started.disconnect(note_start)
    request_finished.disconnect(note_end)


def ask(where, body=b"", headers=(), parts=None):
    """(status, body) of one request; `parts`: the body in pieces, None among them is a goodbye."""

    async def converse():
        scope = {"type": "http", "method": "POST", "path": where, "headers": list(headers), "query_string": b""}
        talk = ApplicationCommunicator(OneThreadHandler(), scope)
        for part in parts or [body]:
            said = {"type": "http.request", "body": part, "more_body": bool(parts)}
            await talk.send_input(said if part is not None else {"type": "http.disconnect"})
        if parts and parts[-1] is None:
            await talk.wait()
            return None
        start, found = await talk.receive_output(), b""
        while True:
            message = await talk.receive_output()
            found += message.get("body", b"")
            if not message.get("more_body"):
                break
        await talk.wait()
        return start["status"], found.decode()

    return asyncio.run(converse())


def test_a_request_begins_runs_and_ends_in_one_thread_that_is_not_the_loops():
    assert ask("/greet", b"hello") == (200, "en POST hello")
    start, view, end, over = seen
    assert start is view is end
    assert (view is not threading.current_thread(), over) == (True, "over")


def test_who_waits_for_a_hash_waits_in_a_line_of_its_own():
    for where in ("/greet", "/accounts/login/"):
        assert ask(where)[0] == 200
    pages, entrance = (it.name.partition("_")[0] for it in seen[1::4])
    assert (pages, entrance) == ("http", "entrance")


def test_what_a_request_sets_ends_with_it():
    assert {ask("/greet")[1].split()[0] for _ in range(5)} == {"en"}


def test_a_stream_ends_after_its_last_part():
    assert ask("/stream") == (200, "one two")
    assert [what for what in seen if isinstance(what, str)] == ["part", "part", "over"]


@pytest.mark.filterwarnings("error")
def test_what_is_read_from_disk_is_read_in_threads_part_by_part():
    assert ask("/read") == (200, "one two")
    assert [what for what in seen if isinstance(what, str)] == ["http", "http", "http", "over"]


def test_what_breaks_is_answered_and_given_back(settings):
    settings.DEBUG_PROPAGATE_EXCEPTIONS = False
    assert ask("/fail")[0] == 500
    assert seen[-1] == "over"


def test_a_request_that_is_broken_off_never_begins():
    assert ask("/greet", parts=[b"half of it", None]) is None
    assert seen == []

"""The guest cookie on pages: given with the first page a device opens."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.access import guest_key
from accounts.actions import new_guest_secret
from pika.errors import Problem
from pika.pages import problem_page

YEARS = 60 * 60 * 24 * 400  # the longest browsers keep a cookie


def with_guest(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Give the view `request.guest_key`; a device without a valid cookie gets a new one (`request.is_new_guest`)."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        secret = request.COOKIES.get(settings.GUEST_COOKIE)
        key = guest_key(secret)
        if not key:
            secret = new_guest_secret()
        request.guest_key = guest_key(secret)  # type: ignore[attr-defined]
        request.is_new_guest = not key  # type: ignore[attr-defined]
        try:
            response = view(request, *args, **kwargs)
        except Problem as problem:
            if problem.code != "bad_guest":
                raise
            key, secret = "", new_guest_secret()  # its own was changed or given up elsewhere: it begins anew
            response = problem_page(request, problem)
        if not key or request.method == "GET":  # who comes back every year keeps it: for as long again
            give_secret(response, secret or "")
        response["Cache-Control"] = "private, no-cache"
        return response

    return guarded


def give_secret(response: HttpResponse, secret: str) -> None:
    """The device is the one with this secret from now on."""
    response.set_cookie(
        settings.GUEST_COOKIE, secret, max_age=YEARS, httponly=True, secure=settings.IS_SECURE, samesite="Lax"
    )

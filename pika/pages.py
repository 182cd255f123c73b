"""What a page says when something cannot be done: a Problem becomes a page in words."""

import math
from collections.abc import Callable
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from pika.errors import Problem
from pika.limits import guard


class ProblemMiddleware:
    """The last resort of pages: forms say by the field what is wrong, and never let a Problem come this far."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, Problem):
            return None
        if error.status == 401:
            return redirect_to_login(request.get_full_path())
        if error.status == 404:
            return render(request, "404.html", status=404)
        return problem_page(request, error)


# What comes in on allauth's pages, by the names in settings.PER_ADDRESS. Its own limits of an address make one form
# wait for the other, and refuse a ballroom that comes in the same second.
GUARDED = {
    "account_signup": "sign_up",
    "account_login": "log_in",
    "mfa_login_webauthn": "log_in",
    "account_email_verification_sent": "codes",
    "account_reset_password": "codes",
    "account_reset_password_from_key": "codes",
}


class GuardMiddleware:
    """Too much from one address is refused before anything is read or hashed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        what = GUARDED.get(request.resolver_match.url_name or "") if request.resolver_match else None
        if what is None or request.method != "POST":
            return None
        try:
            guard(what, request)
        except Problem as problem:
            return problem_page(request, problem)
        return None


def problem_page(request: HttpRequest, problem: Problem) -> HttpResponse:
    """What is wrong, in words, and the way back."""
    response = render(request, "problem.html", {"problem": problem}, status=problem.status)
    if problem.retry_after is not None:
        response["Retry-After"] = str(math.ceil(problem.retry_after))
    return response

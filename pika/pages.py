"""What a page says when something cannot be done: a Problem becomes a page in words."""

import math
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext

from pika.errors import Problem
from pika.limits import guard


class ProblemMiddleware:
    """The last resort of pages: forms say by the field what is wrong, and never let a Problem come this far."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 405 and request.method == "GET" and not response.content:
            return render(request, "404.html", status=405)  # the address of a form, opened like a page
        if request.method == "POST" and response.status_code == 302:
            return _login_for_a_form(request, response)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, Problem):
            return None
        if error.status == 401:
            return redirect_to_login(request.get_full_path())
        if error.status == 404 and request.method != "POST":
            return render(request, "404.html", status=404)
        return problem_page(request, error)


class OwnPagesMiddleware:
    """A page that asked who is logged in is kept by no browser: after the logout “Back” must not show it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.session.accessed and SESSION_KEY in request.session:
            add_never_cache_headers(response)
        return response


def _login_for_a_form(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Who sent a form and is not logged in (any more) is told so, and comes back to the page it stood on: the form's
    own address may show nothing."""
    is_login = response["Location"] == redirect_to_login(request.get_full_path()).url
    if not is_login:
        return response
    messages.info(request, gettext("You are not logged in. Log in, then send it once more."))
    return redirect_to_login(came_from(request) or request.get_full_path())


def came_from(request: HttpRequest) -> str:
    """The page of ours that led here; empty where the browser does not say."""
    said = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(said, {request.get_host()}, require_https=request.is_secure()):
        return ""
    its = urlsplit(said)
    here = its._replace(scheme="", netloc="", fragment="").geturl()
    return "" if here.startswith("//") else here  # “//” begins another site's address


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without the secret of this login: of another site, or of a tab from before somebody came or went."""
    words = gettext("This page is from before you logged in or out. Go back to it, and send it once more.")
    return problem_page(request, Problem(words, "stale_form", 403))


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
    page = {"problem": problem, "back": came_from(request) or request.path}
    response = render(request, "problem.html", page, status=problem.status)
    if problem.retry_after is not None:
        response["Retry-After"] = str(math.ceil(problem.retry_after))
    return response

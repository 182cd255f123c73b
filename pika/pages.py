"""What a page says when something cannot be done: a Problem becomes a page in words."""

from collections.abc import Callable

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from pika.errors import Problem


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
        return render(request, "problem.html", {"problem": error}, status=error.status)

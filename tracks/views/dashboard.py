"""The first page of somebody who logged in."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import signed_in
from tracks.panels import panels_of


@require_safe
@never_cache
@login_required
def show_dashboard(request: HttpRequest) -> HttpResponse:
    """What happened since their last login, what comes next, their songs, numbers and sets."""
    return render(request, "tracks/dashboard.html", {"panels": panels_of(signed_in(request))})

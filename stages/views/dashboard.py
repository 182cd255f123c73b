"""A weekend on one page, for those who run it."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.access import signed_in
from events.access import event_for_member
from stages.dashboard import dashboard_of


@login_required
def show_dashboard(request: HttpRequest, slug: str) -> HttpResponse:
    """The stages side by side: what plays, who listens, what is next, what is wrong."""
    user = signed_in(request)
    page = dashboard_of(user, event_for_member(user, slug), timezone.now())
    return render(request, "stages/organize/dashboard.html", page)

"""What I did, and what was done for an organizer: to be read, found and never changed."""

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import activity
from accounts.access import organizer_for_manager, signed_in
from accounts.models import Activity
from accounts.personal_forms import ActivityForm

A_PAGE = 50


@require_safe
@never_cache
@login_required
def list_activity(request: HttpRequest) -> HttpResponse:
    """Mine, newest first; `verb`, `since` and `until` choose some."""
    user = signed_in(request)
    return _listed(request, "accounts/activity.html", user.activities.all(), ActivityForm(request.GET), {})


@require_safe
@never_cache
@login_required
def list_organizer_activity(request: HttpRequest, organizer: str) -> HttpResponse:
    """What was done for the organizer and its events, for owners and managers; `event` chooses one."""
    its = organizer_for_manager(signed_in(request), organizer)
    form = ActivityForm(request.GET, events=list(its.events.values_list("slug", "name")[:500]))
    return _listed(request, "accounts/organizer_activity.html", its.activities.all(), form, {"organizer": its})


def _listed(
    request: HttpRequest, template: str, rows: QuerySet[Activity], form: ActivityForm, page: dict[str, Any]
) -> HttpResponse:
    """A page of those that the form lets through; of a wrong filter its words, and nothing is left out."""
    chosen = form.chosen() if form.is_valid() else {}
    found = Paginator(rows.filter(**chosen).select_related("actor"), A_PAGE).get_page(request.GET.get("page"))
    kept = {name: value for name, value in request.GET.items() if name in form.fields and value}
    page |= {"form": form, "page": found, "lines": activity.lines(found), "is_filtered": bool(kept)}
    page["query"] = f"{urlencode(kept)}&" if kept else ""
    return render(request, template, page, status=200 if form.is_valid() else 422)

"""One's songs as files: choose which, take them along."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.guests import with_guest
from tracks import access, journal
from tracks.selections import of_likes
from tracks.views.taking import as_file, to_take


@require_safe
@with_guest
def export_songs(request: HttpRequest) -> HttpResponse:
    """Choose which songs (`of`) and as what; the list to paste is on the page."""
    guest, of = access.guest_of_page(request), request.GET.get("of", "")
    selection = of_likes(guest, of)
    page: dict[str, Any] = to_take(request, selection) | {
        "of": of,
        "choices": journal.nights_of(journal.likes_of(guest)).items(),
        "count": selection.size(),
    }
    return render(request, "tracks/export.html", page)


@require_safe
@with_guest  # type: ignore[arg-type]  # a file is no HttpResponse
def export_file(request: HttpRequest, kind: str) -> HttpResponseBase:
    guest = access.guest_of_page(request)
    return as_file(request, of_likes(guest, request.GET.get("of", "")), kind)

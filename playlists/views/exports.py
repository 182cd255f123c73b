"""What I export to Spotify: how far it is, what is missing, try again, cancel."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import signed_in
from pika.errors import Problem
from pika.gateways import spotify
from playlists import actions
from playlists.access import export_for
from playlists.models import Export

A_PAGE = 20


@require_safe
@never_cache
@login_required
def list_exports(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    exports = (
        Export.objects.filter(owner=user)
        .defer("last_written", "rewrite__target")
        .select_related("rewrite")
        .order_by("-created_at", "-pk")
    )
    page = Paginator(exports, A_PAGE).get_page(request.GET.get("page"))
    its = {"page": page, "exports": map(_shown, page), "is_configured": spotify.is_configured()}
    return render(request, "playlists/exports.html", its)


def _shown(export: Export) -> dict[str, Any]:
    return {"export": export, "before": len(actions.songs_before(export))}


@require_safe
@never_cache
@login_required
def show_export(request: HttpRequest, code: str) -> HttpResponse:
    """One line of the list, asked for again while it runs; without script the page with it alone."""
    export = export_for(signed_in(request), code)
    whole = not request.headers.get("HX-Request")
    return render(request, "playlists/export.html" if whole else "playlists/_export.html", _shown(export))


@require_POST
@login_required
def retry_export(request: HttpRequest, code: str) -> HttpResponse:
    """`new`: into a new playlist."""
    export = export_for(signed_in(request), code)
    try:
        actions.retry_export(export, is_new_playlist=bool(request.POST.get("new")))
    except Problem as problem:
        messages.error(request, problem.message)
    return redirect("playlists:list_exports")


@require_POST
@login_required
def undo_export(request: HttpRequest, code: str) -> HttpResponse:
    """What was in the playlist before comes back."""
    export = export_for(signed_in(request), code)
    try:
        actions.undo_export(export)
    except Problem as problem:
        messages.error(request, problem.message)
    return redirect("playlists:show_export", export.code)


@require_POST
@login_required
def cancel_export(request: HttpRequest, code: str) -> HttpResponse:
    export = export_for(signed_in(request), code)
    actions.cancel_export(export)
    messages.success(request, _("Cancelled. What is already on Spotify stays there."))
    return redirect("playlists:list_exports")

"""A set, a night, an event: its page for everybody, and what one may take along of it."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.access import manages, signed_in
from events.access import event_for_member
from stages.access import public_session, session_for_dj
from stages.views.floor import public_address
from tracks import exports, streaming
from tracks.access import has_page, set_of_everybody
from tracks.selections import choices_of, of_event, of_set, title_of
from tracks.sets import set_page
from tracks.views.taking import as_file, to_take


# --- For everybody ------------------------------------------------------------------------------------------------
@require_safe
def show_set(request: HttpRequest, code: str) -> HttpResponse:
    """What was played; while it is still going on, its floor."""
    session = public_session(code)
    if session.is_live:
        return redirect("stages:show_session", session.code)
    its = set_page(session, request.GET.get("page"))
    page: dict[str, Any] = {
        "its": its,
        "session": session,
        "page": its.page,
        "formats": exports.FORMATS.items(),
        "address": public_address(request, reverse("tracks:show_set", args=[session.code])),
        "playlist": streaming.playlist_of(session),
        "is_mine": request.user.is_authenticated and session.dj_id == request.user.pk,
    }
    return render(request, "tracks/set.html", page)


@require_safe
def export_shown_set(request: HttpRequest, code: str, kind: str) -> HttpResponseBase:
    session = set_of_everybody(code)
    return as_file(request, of_set(session), kind)


# --- For its DJ -----------------------------------------------------------------------------------------------------
@require_safe
@login_required
def export_set(request: HttpRequest, code: str) -> HttpResponse:
    session = session_for_dj(signed_in(request), code)
    page = to_take(request, of_set(session)) | {
        "session": session,
        "title": title_of(session),
        "is_public": has_page(session),
    }
    return render(request, "tracks/export_set.html", page)


@require_safe
@login_required
def export_set_file(request: HttpRequest, code: str, kind: str) -> HttpResponseBase:
    return as_file(request, of_set(session_for_dj(signed_in(request), code)), kind)


# --- For those who run it ---------------------------------------------------------------------------------------
@require_safe
@login_required
def export_event(request: HttpRequest, slug: str) -> HttpResponse:
    """All of it, a night, a stage of a night (`of`)."""
    user = signed_in(request)
    event, of = event_for_member(user, slug), request.GET.get("of", "")
    page = to_take(request, of_event(event, of)) | {
        "event": event,
        "of": of,
        "choices": choices_of(event),
        "is_crew": not manages(user, event.organizer_id),
    }
    return render(request, "tracks/export_event.html", page)


@require_safe
@login_required
def export_event_file(request: HttpRequest, slug: str, kind: str) -> HttpResponseBase:
    event = event_for_member(signed_in(request), slug)
    return as_file(request, of_event(event, request.GET.get("of", "")), kind, event.slug)

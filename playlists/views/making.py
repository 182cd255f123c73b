"""“Make a playlist on Spotify”: of a set, a night or an event, the songs somebody loves."""

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import signed_in
from events.access import event_for_member
from pika.errors import Problem
from playlists.offering import make_playlist
from stages.access import session_for_dj
from stages.views.floor import public_address
from tracks.access import guest_of_page, has_page
from tracks.selections import Selection, of_event, of_likes, of_set


@require_POST
@login_required
def export_set(request: HttpRequest, code: str) -> HttpResponse:
    session = session_for_dj(signed_in(request), code)
    path = reverse("tracks:show_set", args=[session.code])
    address = public_address(request, path) if has_page(session) else ""
    return _make(request, of_set(session), reverse("tracks:export_set", args=[code]), address)


@require_POST
@login_required
def export_event(request: HttpRequest, slug: str) -> HttpResponse:
    """`of`: a night, a stage of it; else the whole event."""
    event, of = event_for_member(signed_in(request), slug), request.POST.get("of", "")
    return _make(request, of_event(event, of), _back("tracks:export_event", of, slug))


@require_POST
@login_required
def export_likes(request: HttpRequest) -> HttpResponse:
    """`of`: an event, a night of it; else everything."""
    of = request.POST.get("of", "")
    return _make(request, of_likes(guest_of_page(request), of), _back("tracks:export_songs", of))


def _back(name: str, of: str, *its: str) -> str:
    return reverse(name, args=its) + (f"?{urlencode({'of': of})}" if of else "")


def _make(request: HttpRequest, selection: Selection, back: str, address: str = "") -> HttpResponse:
    try:
        export = make_playlist(signed_in(request), selection, address)
    except Problem as problem:
        messages.error(request, problem.message)
        return redirect(back)
    if export.is_running:
        messages.success(request, _("Your playlist is being made. You can close this page."))
    return redirect("playlists:show_export", export.code)

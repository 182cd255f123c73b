"""What played where somebody was, loved or not."""

from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.guests import with_guest
from pika.codes import clean_code
from pika.errors import Problem
from stages.models import Visit
from tracks import access, heard


@require_safe
@with_guest
def list_heard(request: HttpRequest) -> HttpResponse:
    """The nights and stages this person was at, and the songs of one of them (`stage`, `night`; else the last)."""
    guest = access.guest_of_page(request)
    visits = heard.visits_of(guest)
    visit, around, problem = _chosen(request, visits), request.GET.get("around", "").strip()[:20], ""
    songs: list[heard.Heard] = []
    if visit and guest:
        try:
            songs = heard.songs_of(visit, guest, around)
        except Problem as wrong:
            problem, songs = wrong.message, heard.songs_of(visit, guest)
    page = {
        "visits": visits,
        "visit": visit,
        "same_night": [its for its in visits if visit and its.night_on == visit.night_on and its != visit],
        "songs": songs,
        "around": around,
        "problem": problem,
    }
    return render(request, "tracks/heard.html", page, status=422 if problem else 200)


def _chosen(request: HttpRequest, visits: list[Visit]) -> Visit | None:
    """The visit that is asked for; the last one where none is. Problem (404): they were not there."""
    stage, night = clean_code(request.GET.get("stage", "")[:64]), request.GET.get("night", "")[:10]
    if not stage and not night:
        return next(iter(visits), None)
    try:
        day = date.fromisoformat(night) if night else None
    except ValueError:
        day = date.min
    wanted = [its for its in visits if (not stage or its.stage.code == stage) and day in (None, its.night_on)]
    if not wanted:
        raise Problem(_("Night not found"), "visit_not_found", 404, field="night")
    return wanted[0]

"""A person's songs: the journal, notes, taking out and putting back."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.guests import with_guest
from accounts.models import Guest
from pika.errors import Problem
from pika.limits import over_limit
from stages.access import public_play
from tracks import access, journal
from tracks.actions import likes
from tracks.forms import NoteForm
from tracks.models import Like
from tracks.undo import opened, sealed

A_PAGE = 50
UNDO_COOKIE, UNDO_SHOWN = "pika_undo", 600  # seconds


@require_safe
@with_guest
def list_songs(request: HttpRequest) -> HttpResponse:
    """What this person loves: by event, night and stage, the newest first; `q` searches, `event` narrows."""
    guest = access.guest_of_page(request)
    page = _page(guest, request) | {"gone": _gone(request, guest)}
    return render(request, "tracks/songs.html", page)


def _page(guest: Guest | None, request: HttpRequest) -> dict[str, Any]:
    mine = journal.likes_of(guest)
    events = journal.events_of(mine)
    total = sum(n for _, _, n in events)
    query, event = request.GET.get("q", "").strip()[:100], request.GET.get("event", "")[:60]
    chosen, count = _chosen(mine, events, event, total)
    if query:
        chosen = journal.found(chosen, query)
        count = chosen.count()
    pages = Paginator(journal.newest_first(chosen), A_PAGE)
    pages.count = count  # type: ignore[misc]  # known already: one question less
    page = pages.get_page(request.GET.get("page"))
    return {
        "weekends": journal.grouped(page.object_list),
        "page": page,
        "count": count,
        "total": total,
        "events": [each for each in events if each[0]],
        "event": event,
        "q": query,
    }


def _chosen(mine: QuerySet[Like], events: list[tuple[str, str, int]], slug: str, total: int) -> Any:
    if not slug:
        return mine, total
    return journal.of_event(mine, slug), next((n for its, _, n in events if its == slug), 0)


def _gone(request: HttpRequest, guest: Guest | None) -> dict[str, str] | None:
    """The song that was taken out last, for the button that puts it back."""
    text = request.COOKIES.get(UNDO_COOKIE, "")
    with suppress(Problem):
        if text:
            return {"what": text, "title": opened(text, guest).title}
    return None


@require_POST
@with_guest
def change_note(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Save what they wrote about a song."""
    guest = access.guest_for_change(request)
    form = NoteForm(request.POST)
    if not form.is_valid():
        words = form.errors["note"][0]
        raise Problem(str(words), "invalid", 422, field="note")
    likes.write_note(guest, access.loved_play(guest, uuid), form.cleaned_data["note"])
    if _is_script(request):
        return HttpResponse(status=204)
    messages.success(request, _("Your note is saved."))
    return _back(request, uuid)


@require_POST
@with_guest
def remove_song(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Take it out. The answer can put it back: on the page that follows, or (for the script) as its only line."""
    guest = access.guest_of_page(request)
    like = journal.likes_of(guest).select_related("play__session__stage__event").filter(play__uuid=uuid).first()
    if like is None or guest is None:  # a second click, another tab: it is gone, as was wished
        return HttpResponse(status=204) if _is_script(request) else _back(request)
    what = sealed(like)
    likes.unlike(guest, like.play)
    if _is_script(request):
        gone = {"what": what, "title": like.play.title}
        return render(request, "tracks/_gone.html", {"gone": gone, "back": request.POST.get("back", "")})
    answer = _back(request)
    answer.set_cookie(
        UNDO_COOKIE,
        what,
        max_age=UNDO_SHOWN,
        path=reverse("tracks:list_songs"),
        httponly=True,
        secure=settings.IS_SECURE,
        samesite="Lax",
    )
    return answer


@require_POST
@with_guest
def undo_song(request: HttpRequest) -> HttpResponse:
    """Put back what was taken out, as it was."""
    guest = access.guest_for_change(request)
    gone = opened(request.POST.get("what", "")[:4000], guest)
    likes.restore(guest, public_play(UUID(gone.uuid)), gone.liked_at, gone.note)
    answer = _back(request, UUID(gone.uuid))
    answer.delete_cookie(UNDO_COOKIE, path=reverse("tracks:list_songs"))
    if not _is_script(request):
        messages.success(request, _("“%(title)s” is back.") % {"title": gone.title})
        return answer
    return HttpResponse(status=204)


@require_POST
@with_guest
def add_song(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Love a song that was heard before."""
    guest = access.guest_for_change(request)
    play = public_play(uuid)
    if wait := over_limit("like", guest.key, settings.LIKES_PER_MINUTE, 60):
        words = _("That is a lot of hearts. Try again in %(wait)s s.") % {"wait": wait}
        raise Problem(words, "too_often", 429, retry_after=wait)
    likes.like(guest, play)
    return HttpResponse(status=204) if _is_script(request) else _back(request, uuid)


def _is_script(request: HttpRequest) -> bool:
    return request.headers.get("X-Requested-With") == "fetch"


def _back(request: HttpRequest, uuid: UUID | None = None) -> HttpResponseRedirect:
    """To the page of the journal that the form stood on, at the song."""
    back, home = request.POST.get("back", "")[:500], reverse("tracks:list_songs")
    is_ours = back == home or back.startswith((f"{home}?", f"{home}/heard"))
    return redirect((back if is_ours else home) + (f"#p-{uuid}" if uuid else ""))

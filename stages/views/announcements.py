"""Organizers' announcements: write one, look at who hears it, send it, see who saw it."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.access import manages, signed_in
from events.access import event_for_member
from events.models import Event
from pika.codes import new_long_code
from pika.errors import Problem
from stages import access
from stages.actions import announcements
from stages.actions.announcements import Draft
from stages.forms import AnnounceForm
from stages.models import Announcement

FIELDS = {"endsAt": "ends_at", "priority": "priority", "stageIds": "stages"}  # of a Problem, in the form
A_PAGE = 20


def _event(request: HttpRequest, slug: str) -> Event:
    try:
        return event_for_member(signed_in(request), slug)
    except Problem as problem:
        raise Http404(problem.message) from None


@never_cache
@login_required
def announce(request: HttpRequest, slug: str) -> HttpResponse:
    """Write it, then look at it with the audience in front of you, then send it; below, what was sent."""
    event = _event(request, slug)
    with timezone.override(event.zone):
        step = request.POST.get("step", "write")
        form = AnnounceForm(list(event.stages.all()), request.POST or None, initial={"code": new_long_code()})
        page: dict[str, Any] = {"event": event, "form": form}
        if step in {"look", "send"} and form.is_valid():
            try:
                page |= _look(request, event, form)
                if step == "send" and not page["unsure"]:
                    return _send(request, event, page["draft"], form.cleaned_data["code"])
            except Problem as problem:
                form.add_error(FIELDS.get(problem.field), problem.message)
                if problem.code == "announcement_id_taken":
                    form.data = request.POST | {"code": new_long_code()}
                page.pop("audience", None)
        elif step == "write":
            form.errors.clear()  # back from the preview: nothing is wrong yet
        return render(request, "stages/organize/announce.html", page | _rest(request, event, form))


def _look(request: HttpRequest, event: Event, form: AnnounceForm) -> dict[str, Any]:
    """Whom it would reach; `unsure`: an urgent one was not confirmed yet."""
    now, data = timezone.now(), form.cleaned_data
    stages = access.stages_of_event(event, data["stages"])
    draft = Draft(data["message"], data["priority"], stages, data["is_push"], data["ends_at"])
    announcements.check(event, signed_in(request), draft, now)
    return {
        "draft": draft,
        "audience": announcements.audience_of(event, draft, now),
        "ends_at": announcements.end_of(draft, now),
        "unsure": draft.priority == Announcement.Priority.URGENT and "is_sure" not in request.POST,
        "is_asked_again": request.POST.get("step") == "send",
    }


def _send(request: HttpRequest, event: Event, draft: Draft, code: str) -> HttpResponse:
    announcement, is_new = announcements.announce(event, signed_in(request), draft, code)
    people = ngettext("%(n)s person", "%(n)s people", announcement.people) % {"n": announcement.people}
    if draft.is_push and announcement.push is None and is_new:
        words = _("Sent to the screens of %(people)s. The push failed: no phone was woken.")
        messages.error(request, words % {"people": people})
    else:
        phones = ngettext("%(n)s phone", "%(n)s phones", announcement.phones) % {"n": announcement.phones}
        messages.success(request, _("Sent to %(people)s, %(phones)s.") % {"people": people, "phones": phones})
    return redirect("stages:announce", slug=event.slug)


def _rest(request: HttpRequest, event: Event, form: AnnounceForm) -> dict[str, Any]:
    """The rest of the page: what was sent, and what this person may do."""
    seconds = settings.ANNOUNCEMENT_SECONDS
    return {
        "sent": Paginator(access.announcements_of(event), A_PAGE).get_page(request.GET.get("page")),
        "is_crew": not manages(signed_in(request), event.organizer_id),
        "minutes": {priority: seconds[priority] // 60 for priority in seconds},
    }


@never_cache
@login_required
def list_announcements(request: HttpRequest, slug: str) -> HttpResponse:
    """The numbers of what was sent, as they are now; the page asks every few seconds."""
    event = _event(request, slug)
    sent = Paginator(access.announcements_of(event), A_PAGE).get_page(request.GET.get("page"))
    with timezone.override(event.zone):
        return render(request, "stages/organize/_announcement_counts.html", {"sent": sent, "is_swap": True})


@require_POST
@login_required
def cancel_announcement(request: HttpRequest, slug: str, code: str) -> HttpResponse:
    event = _event(request, slug)
    try:
        announcement = access.announcement_of_event(event, code)
    except Problem as problem:
        raise Http404(problem.message) from None
    if announcements.cancel(announcement, signed_in(request)):
        messages.success(request, _("Cancelled: it is gone from every screen."))
    else:
        messages.info(request, _("It was over or cancelled already: nobody sees it any more."))
    return redirect("stages:announce", slug=event.slug)

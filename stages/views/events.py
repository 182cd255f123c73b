"""An event: the page everybody sees, and the form, preview and switches of those who run it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from accounts.access import organizer_for_manager, signed_in
from accounts.models import User
from events.access import event_for_manager, event_for_member, shown_event
from events.forms import CopyForm, EventForm, StageRows
from events.models import Event
from events.zones import offered_zones
from pika.errors import Problem
from stages.actions import events as actions
from stages.actions.events import StageLine
from stages.dashboard import floors_of, stages_to_edit
from stages.views.floor import public_address, qr_answer


# --- For everybody ----------------------------------------------------------------------------------------
def _page(event: Event) -> dict[str, Any]:
    now = timezone.now()
    told = event.announcements.showing(now).prefetch_related("stages")[:5]
    return {"event": event, "floors": floors_of(event, now), "announcements": told}


def show_event(request: HttpRequest, slug: str) -> HttpResponse:
    """What, when, where, and which floor: where the event's QR leads."""
    return render(request, "stages/event.html", _page(shown_event(slug)))


def show_event_qr(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    return qr_answer(public_address(request, reverse("stages:show_event", args=[shown_event(slug).slug])), kind)


# --- The form -----------------------------------------------------------------------------------------------
def _form(request: HttpRequest, form: EventForm, rows: Any, **more: Any) -> HttpResponse:
    page = {"form": form, "rows": rows, "zones": offered_zones(), **more}
    return render(request, "stages/organize/event_form.html", page)


def _lines(rows: Any) -> list[StageLine]:
    return [StageLine(**line) for line in rows.lines()]


@login_required
def new_event(request: HttpRequest, organizer: str) -> HttpResponse:
    """A draft, with its stages."""
    its = organizer_for_manager(signed_in(request), organizer)
    form, rows = EventForm(request.POST or None), StageRows(request.POST or None, prefix="stages")
    if request.method == "POST" and all([form.is_valid(), rows.is_valid()]):
        event = actions.create_weekend(its, form.cleaned_data, _lines(rows), signed_in(request))
        return redirect("stages:preview_event", slug=event.slug)
    return _form(request, form, rows, organizer=its)


@login_required
def edit_event(request: HttpRequest, slug: str) -> HttpResponse:
    """The same form; what was wrong is said by its field, and what was typed is kept."""
    event = event_for_manager(signed_in(request), slug)
    stages = stages_to_edit(event)
    form = EventForm(request.POST or None, instance=event_for_manager(signed_in(request), slug))
    rows: Any = StageRows(request.POST or None, prefix="stages", initial=stages.initial)
    if request.method == "POST" and all([form.is_valid(), rows.is_valid()]):
        try:
            actions.change_weekend(event, form.cleaned_data, _lines(rows), signed_in(request))
            messages.success(request, gettext("Saved."))
            return redirect("stages:edit_event", slug=slug)
        except Problem as problem:
            if not rows.complain(problem.field, problem.message):
                form.add_error(None, problem.message)
    return _form(request, form, stages.with_facts(rows), event=event)


@login_required
def duplicate_event(request: HttpRequest, slug: str) -> HttpResponse:
    """The same weekend again, a year later on the same weekdays unless said otherwise."""
    event = event_for_manager(signed_in(request), slug)
    soon = {"name": event.name, "starts_on": event.starts_on + timedelta(weeks=52)}
    form = CopyForm(request.POST or None, initial=soon)
    if request.method == "POST" and form.is_valid():
        its = form.cleaned_data
        again = actions.duplicate_event(event, its["name"], its["starts_on"], signed_in(request))
        messages.success(request, gettext("Here it is, as a draft. Look through it before you publish it."))
        return redirect("stages:edit_event", slug=again.slug)
    return render(request, "stages/organize/event_copy.html", {"event": event, "form": form})


# --- Preview, publish, archive ----------------------------------------------------------------------------------
@login_required
def preview_event(request: HttpRequest, slug: str) -> HttpResponse:
    """The public page as it will be."""
    event = event_for_member(signed_in(request), slug)
    can_change = Event.objects.managed_by(signed_in(request)).filter(pk=event.pk).exists()
    page = _page(event) | {"is_preview": True, "can_change": can_change}
    return render(request, "stages/event.html", page)


def _switch(request: HttpRequest, slug: str, act: Callable[[Event, User], None], done: str) -> HttpResponse:
    user = signed_in(request)
    event = event_for_manager(user, slug)
    try:
        act(event, user)
        messages.success(request, done)
    except Problem as problem:
        messages.error(request, problem.message)
    is_draft = event.status == Event.Status.DRAFT
    return redirect("stages:preview_event" if is_draft else "stages:show_dashboard", slug=slug)


@require_POST
@login_required
def publish_event(request: HttpRequest, slug: str) -> HttpResponse:
    return _switch(request, slug, actions.publish_event, gettext("It is public now."))


@require_POST
@login_required
def unpublish_event(request: HttpRequest, slug: str) -> HttpResponse:
    return _switch(request, slug, actions.unpublish_event, gettext("It is a draft again: nobody else sees it."))


@require_POST
@login_required
def archive_event(request: HttpRequest, slug: str) -> HttpResponse:
    return _switch(request, slug, actions.archive_event, gettext("It is over. All its stages are closed."))

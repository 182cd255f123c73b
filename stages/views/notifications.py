"""What may wake this phone: on or off, quiet hours, muted events."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import guest_of
from accounts.guests import with_guest
from accounts.models import Guest
from accounts.push import set_quiet_hours
from events import actions
from events.access import shown_event
from pika.errors import Problem
from pika.gateways import webpush
from stages import access
from stages.forms import QuietHoursForm

REASONS = {"star", "like", "follow"}


@with_guest
def show_notifications(request: HttpRequest) -> HttpResponse:
    """POST saves the quiet hours. `from`: the page of the notification one comes from."""
    key: str = request.guest_key  # type: ignore[attr-defined]
    guest = guest_of(key) if request.method == "POST" else Guest.objects.speaking(key).first()
    form = QuietHoursForm.of(guest, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        set_quiet_hours(guest_of(key), **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("stages:show_notifications")
    came_from = _slug(request.GET.get("from", ""))
    events = access.events_of_guest(key, came_from)
    page: dict[str, Any] = {"form": form, "events": events, "came_from": came_from, "key": webpush.server_key()}
    return render(request, "stages/notifications.html", page, status=422 if form.errors else 200)


def _slug(path: str) -> str:
    """The event that a page of ours is about; empty if there is none."""
    try:
        its = resolve(path.partition("?")[0][:300]).kwargs
    except (Resolver404, ValueError):
        return ""
    return str(its.get("slug", "")) or access.event_slug_of_stage(str(its.get("code", "")))


@require_safe
@with_guest
def show_offer(request: HttpRequest) -> HttpResponse:
    """The question that a page shows after a reason: a star, a first like."""
    reason = request.GET.get("reason", "")
    return render(
        request,
        "stages/_push_offer.html",
        {"reason": reason if reason in REASONS else "follow", "key": webpush.server_key()},
    )


@require_POST
@with_guest
def mute_event(request: HttpRequest, slug: str) -> HttpResponse:
    return _mute(request, slug, True)


@require_POST
@with_guest
def unmute_event(request: HttpRequest, slug: str) -> HttpResponse:
    return _mute(request, slug, False)


def _mute(request: HttpRequest, slug: str, is_muted: bool) -> HttpResponse:
    try:
        event = shown_event(slug)
    except Problem as problem:
        raise Http404(problem.message) from None
    actions.mute(guest_of(request.guest_key), event, is_muted)  # type: ignore[attr-defined]
    words = _("%(event)s is silent on this device.") if is_muted else _("%(event)s may notify this device again.")
    messages.success(request, words % {"event": event.name})
    return redirect("stages:show_notifications")

"""Publish the timetable, tell those it touches, run late: each with a preview."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.access import signed_in
from events.models import Event
from pika.errors import Problem
from stages.access import stage_for_manager
from stages.actions import releases as actions
from stages.actions.notifying import Audience, audience, audience_of, is_public, notify, notify_of, untold, words_of
from stages.board import board, times
from stages.changes import change_of, sentence
from stages.models import Stage
from stages.timetable import Line, difference, fingerprint
from stages.timetable_access import working_copy
from stages.timetable_forms import LateForm
from stages.views.timetable import for_manager, names_of
from stages.wall_time import night_of

FRESH = timedelta(minutes=15)  # how long “from now” may be looked at before it is not now any more


@for_manager
def publish_timetable(request: HttpRequest, event: Event) -> HttpResponse:
    """What publishing would change; POST does it."""
    words = ""
    if request.method == "POST":
        try:
            release = actions.publish_timetable(event, signed_in(request), request.POST.get("seen", ""))
        except Problem as problem:
            words = problem.message
        else:
            count = len(release.changes)
            messages.success(request, ngettext("Published: %s change.", "Published: %s changes.", count) % count)
            return redirect("stages:notify_timetable" if is_public(event) else "stages:edit_timetable", slug=event.slug)
    lines, stages = difference(working_copy(event)), names_of(event)
    changes = [(line, sentence(change_of(line, stages), event.zone)) for line in lines]
    page = {
        "event": event,
        "changes": changes,
        "seen": fingerprint(lines),
        "words": words,
        "is_public": is_public(event),
    }
    return render(request, "stages/organize/publish.html", page, status=409 if words else 200)


@for_manager
def notify_timetable(request: HttpRequest, event: Event) -> HttpResponse:
    """Who would be told what; POST tells them, once."""
    user, now, words = signed_in(request), timezone.now(), ""
    if request.method == "POST":
        try:
            told = notify(event, user, _count(request.POST.get("count", "")), now)
        except Problem as problem:
            words = problem.message
        else:
            messages.success(request, _said(told))
            return redirect("stages:edit_timetable", slug=event.slug)
    waiting = untold(event)
    count = min(_count(request.GET.get("count", "")) or len(waiting), len(waiting))
    preview = audience(event, user, waiting[-count:] if count else [], now)
    page = {"event": event, "waiting": waiting, "count": count, "words": words, "is_public": is_public(event)}
    page |= _audience(event, preview, now)
    return render(request, "stages/organize/notify.html", page, status=409 if words else 200)


def _count(typed: str) -> int:
    return int(typed) if typed.isdecimal() and len(typed) < 6 else 0


def _audience(event: Event, preview: Audience, now: datetime) -> dict[str, Any]:
    title, body = words_of(event, preview.changes)
    return {
        "people": preview.people,
        "phones": preview.phones(now),
        "sentences": [sentence(change, event.zone) for change in preview.changes],
        "title": title,
        "body": body,
    }


def _said(told: Audience) -> str:
    if not told.people:
        return _("Nobody follows these stages or starred these slots yet, so nobody was told.")
    return ngettext("%s person is told.", "%s people are told.", told.people) % told.people


# --- Running late ---------------------------------------------------------------------------------------
@for_manager
def shift_stage(request: HttpRequest, event: Event) -> HttpResponse:
    """The rest of a stage's night so many minutes later: look, then do it and tell everybody in one go."""
    now, words = timezone.now(), ""
    data = request.POST if request.method == "POST" else request.GET
    form = LateForm(data if "where" in data else None)
    page: dict[str, Any] = {"event": event, "form": form, "choices": _choices(event, now)}
    if form.is_bound and form.is_valid():
        try:
            stage, from_at, is_now = _where(request, event, form.cleaned_data["where"], data.get("from_at", ""), now)
            if request.method == "POST":
                return _shift(request, event, stage, from_at, form.cleaned_data["minutes"], is_now)
        except Problem as problem:
            words = problem.message
            if problem.code != "timetable_changed":
                form.add_error(problem.field if problem.field in form.fields else "where", problem.message)
        if form.is_valid():
            page |= _plan(request, event, form.cleaned_data, now)
    return render(request, "stages/organize/late.html", page | {"words": words}, status=409 if words else 200)


def _choices(event: Event, now: datetime) -> list[tuple[str, list[tuple[str, str]]]]:
    """Per stage: from now, or from one of the slots of tonight (or of the next night) that are not over."""
    lines = [line for line in working_copy(event) if line.published and line.shown.ends_at > now]
    tonight = min((night_of(line.shown.starts_at, event.zone) for line in lines), default=None)
    groups = []
    for code, name in names_of(event).items():
        of_stage = [line for line in lines if line.published and line.published.stage == code]
        slots = [
            (
                line.code,
                _("from %(time)s, %(who)s") % {"time": times(line.published, event.zone), "who": line.published.who},
            )
            for line in of_stage
            if line.published and night_of(line.published.starts_at, event.zone) == tonight
        ]
        if slots:
            groups.append((name, [(f"now-{code}", _("from now on")), *slots]))
    return groups


def _where(
    request: HttpRequest, event: Event, where: str, asked_at: str, now: datetime
) -> tuple[Stage, datetime, bool]:
    """(stage, from when, is it from now) of `now-CODE` or a slot's code."""
    kind, _dash, code = where.partition("-")
    line = next((line for line in working_copy(event) if line.code == where and line.published), None)
    if kind != "now" and line is None:
        raise Problem(_("Choose a stage, from now or from one of its slots."), "invalid", field="where")
    stage = stage_for_manager(signed_in(request), line.published.stage if line and line.published else code)
    if stage.event_id != event.pk:
        raise Problem(_("Choose a stage of this event."), "invalid", field="where")
    if line and line.published:
        return stage, line.published.starts_at, False
    return stage, _recent(asked_at, now), True


def _recent(asked_at: str, now: datetime) -> datetime:
    """The “now” of the preview, so that what was looked at is what happens."""
    try:
        at = datetime.fromisoformat(asked_at)
    except ValueError:
        return now
    return at if at.tzinfo and now - FRESH <= at <= now else now


def _plan(request: HttpRequest, event: Event, data: dict[str, Any], now: datetime) -> dict[str, Any]:
    stage, from_at, is_now = _where(request, event, data["where"], request.GET.get("from_at", ""), now)
    plan = actions.plan_shift(event, stage, from_at, data["minutes"], is_now)
    names = names_of(event)
    after = [Line(old.code, old.published, new.published) for old, new in plan.moves if old.published]
    return {
        "stage": stage,
        "plan": plan,
        "from_at": from_at.isoformat(),
        "nights": board(after, names, event.zone),
        "people": _touched(event, request, after, names, now),
    }


def _touched(event: Event, request: HttpRequest, after: list[Line], names: dict[str, str], now: datetime) -> Any:
    """Who would be told of a publication that is not made yet."""
    changes = [change_of(line, names) for line in difference(after)]
    found = audience_of(event, {signed_in(request).pk}, changes)
    return {"people": found.people, "phones": found.phones(now)}


def _shift(
    request: HttpRequest, event: Event, stage: Stage, from_at: datetime, minutes: int, is_now: bool
) -> HttpResponse:
    user = signed_in(request)
    release = actions.shift_stage(event, user, stage, from_at, minutes, is_now, request.POST.get("seen", ""))
    told = notify_of(release, user, timezone.now())
    said = {"stage": stage.name, "minutes": f"{minutes:+d}"}
    messages.success(request, _("%(stage)s: %(minutes)s minutes, published.") % said + " " + _said(told))
    return redirect("stages:edit_timetable", slug=event.slug)

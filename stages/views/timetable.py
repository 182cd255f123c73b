"""The timetable's working copy: the table, a slot's form, remove, undo, copy a night."""

from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.access import signed_in
from events.access import event_for_manager
from events.models import Event
from pika.errors import Problem
from stages.actions import timetable as actions
from stages.actions.notifying import untold
from stages.actions.timetable import LineChanged
from stages.board import board, words_of
from stages.djs import emails_in
from stages.timetable import Line, difference, fingerprint, warnings
from stages.timetable_access import djs_for, known_djs, working_copy
from stages.timetable_forms import CopyDayForm, SlotForm
from stages.wall_time import night_of, show_clock


def for_manager(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Give the view the event of the slug, if the person manages it; never kept by a browser."""

    @never_cache
    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, event_for_manager(signed_in(request), slug), *args, **kwargs)

    return guarded


def names_of(event: Event) -> dict[str, str]:
    """{code: name} of the event's stages, in their order."""
    return dict(event.stages.values_list("code", "name"))


def table(event: Event, lines: list[Line], stages: dict[str, str]) -> dict[str, Any]:
    """What every page of the working copy shows."""
    found = warnings(lines, stages, event.zone)
    changed = difference(lines)
    return {
        "event": event,
        "nights": board(lines, stages, event.zone, found),
        "stages": stages,
        "warned": sum(map(len, found.values())),
        "changed": changed,
        "seen": fingerprint(changed),
    }


@for_manager
def edit_timetable(request: HttpRequest, event: Event) -> HttpResponse:
    """The whole weekend as it will be, with what is not published yet marked in place."""
    typed = {name: request.GET[name] for name in ("stage", "day", "start") if name in request.GET}
    return _table_page(request, event, **typed)


def _table_page(request: HttpRequest, event: Event, status: int = 200, /, **more: Any) -> HttpResponse:
    lines, stages = working_copy(event), names_of(event)
    djs = djs_for(event, set())
    nights = {night_of(line.shown.starts_at, event.zone) for line in lines}
    first = {"day": str(event.starts_on), "stage": next(iter(stages), "")}
    form = more.pop("form", None) or SlotForm(event, stages, djs, **first | more)
    form.begin()
    copy = more.pop("copy", None) or CopyDayForm(event, nights)
    page = table(event, lines, stages) | {"form": form, "copy": copy, "djs": djs.known, "untold": untold(event)}
    return render(request, "stages/organize/timetable.html", page, status=status)


def _form(request: HttpRequest, event: Event, stages: dict[str, str]) -> SlotForm:
    djs = djs_for(event, emails_in([request.POST.get("dj", "")]))
    return SlotForm(event, stages, djs, request.POST)


@require_POST
@for_manager
def add_slot(request: HttpRequest, event: Event) -> HttpResponse:
    """A new line; the form comes back ready for the one after it."""
    form = _form(request, event, names_of(event))
    if not form.is_valid():
        return _table_page(request, event, 422, form=form)
    entry = actions.save_line(event, signed_in(request), form.entry).shown
    next_one = {
        "stage": entry.stage,
        "day": form.cleaned_data["day"],
        "start": show_clock(entry.ends_at, event.zone)[:5],
    }
    messages.success(
        request,
        _("Added: %(who)s, %(start)s. It is public once you publish.")
        % {"who": entry.who, "start": show_clock(entry.starts_at, event.zone)},
    )
    return redirect(_with(reverse("stages:edit_timetable", args=[event.slug]), next_one))


def _with(address: str, values: dict[str, str]) -> str:
    query = QueryDict(mutable=True)
    query.update(values)
    return f"{address}?{query.urlencode()}"


@for_manager
def edit_slot(request: HttpRequest, event: Event, code: str) -> HttpResponse:
    """One line's form. Whoever comes second sees what the first one did, and chooses."""
    stages, line = names_of(event), _line(event, code)
    if line is None:
        return _gone(request, event, stages)
    if request.method != "POST":
        form = SlotForm(event, stages, djs_for(event, set()), entry=line.shown)
        return _slot_page(request, event, line, form, stages)
    form = _form(request, event, stages)
    if not form.is_valid():
        return _slot_page(request, event, line, form, stages, seen=request.POST.get("seen", ""), status=422)
    try:
        actions.save_line(event, signed_in(request), form.entry, code, request.POST.get("seen", ""))
    except LineChanged as changed:
        return _slot_page(
            request, event, changed.line, form, stages, theirs=_theirs(changed.line, form, stages), status=409
        )
    messages.success(request, _("Saved. It is public once you publish."))
    return redirect(f"{reverse('stages:edit_timetable', args=[event.slug])}#{code}")


def _line(event: Event, code: str) -> Line | None:
    return next((line for line in working_copy(event) if line.code == code), None)


def _gone(request: HttpRequest, event: Event, stages: dict[str, str]) -> HttpResponse:
    """Somebody took it out meanwhile: what was typed is kept, as a new line."""
    if request.method != "POST":
        raise Problem(_("This slot is not there any more."), "slot_not_found", 404)
    messages.error(request, _("Somebody took this slot out meanwhile. Add it again if it should stay."))
    return _table_page(request, event, 409, form=_form(request, event, stages))


def _theirs(line: Line, form: SlotForm, stages: dict[str, str]) -> list[tuple[str, str, str]]:
    """(field, theirs, mine) wherever the two differ."""
    labels = {
        "stage": _("Stage"),
        "day": _("Night"),
        "time": _("Time"),
        "dj": _("DJ"),
        "title": _("Title"),
        "kind": _("Kind"),
    }
    mine = words_of(Line(line.code, None, form.entry), stages, form.event.zone)
    theirs = words_of(line, stages, form.event.zone)
    return [(label, theirs[name], mine[name]) for name, label in labels.items() if theirs[name] != mine[name]]


def _slot_page(
    request: HttpRequest,
    event: Event,
    line: Line,
    form: SlotForm,
    stages: dict[str, str],
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    form.begin()
    page = {"event": event, "line": line, "form": form, "djs": known_djs(event), "stages": stages, "seen": line.seen}
    return render(request, "stages/organize/slot.html", page | more, status=status)


@require_POST
@for_manager
def remove_slot(request: HttpRequest, event: Event, code: str) -> HttpResponse:
    """Cancelled with the next publication; undone until then."""
    try:
        line = actions.remove_line(event, signed_in(request), code, request.POST.get("seen", ""))
    except LineChanged as changed:
        who = changed.line.edited_by or _("Somebody")
        messages.error(request, _("%s changed this slot meanwhile. Look at it, then remove it again.") % who)
    else:
        text = _("Will be cancelled: %s") if line.published else _("Taken out: %s")
        messages.success(request, text % line.shown.who)
    return redirect(f"{reverse('stages:edit_timetable', args=[event.slug])}#{code}")


@require_POST
@for_manager
def undo_slot(request: HttpRequest, event: Event, code: str) -> HttpResponse:
    """As it is published again."""
    actions.undo_line(event, code)
    messages.success(request, _("Undone."))
    return redirect(f"{reverse('stages:edit_timetable', args=[event.slug])}#{code}")


@require_POST
@for_manager
def copy_day(request: HttpRequest, event: Event) -> HttpResponse:
    """A night once more, on another day, at the same times."""
    nights = {night_of(line.shown.starts_at, event.zone) for line in working_copy(event)}
    form = CopyDayForm(event, nights, request.POST)
    if not form.is_valid():
        return _table_page(request, event, 422, copy=form)
    day, to = (date.fromisoformat(form.cleaned_data[name]) for name in ("day", "to"))
    copied, left_out = actions.copy_day(event, signed_in(request), day, to)
    words = ngettext("%s slot copied.", "%s slots copied.", copied) % copied
    if left_out:
        more = ngettext(
            "%s was left out: it is there already, or the clocks jump over it.",
            "%s were left out: they are there already, or the clocks jump over them.",
            left_out,
        )
        words = f"{words} {more % left_out}"
    messages.success(request, words)
    return redirect("stages:edit_timetable", slug=event.slug)

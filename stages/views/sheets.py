"""The timetable as a file: read with a preview, written as CSV."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.access import signed_in
from events.models import Event
from pika.errors import Problem
from stages.actions.timetable import add_lines
from stages.board import board
from stages.timetable import Line, warnings
from stages.timetable_access import djs_for, users_of, working_copy
from stages.timetable_csv import COLUMNS, Context, Sheet, emails_of, read_sheet, rows_of, write_sheet
from stages.timetable_forms import SheetForm
from stages.views.timetable import for_manager, names_of

SLACK = timedelta(days=7)


@for_manager
def import_timetable(request: HttpRequest, event: Event) -> HttpResponse:
    """Choose a file; look at what it says, line by line; then take the good lines into the working copy."""
    form = SheetForm(request.POST or None, request.FILES or None)
    page: dict[str, Any] = {"event": event, "form": form, "columns": ",".join(COLUMNS), "stages": names_of(event)}
    if request.method != "POST" or not form.is_valid():
        return render(request, "stages/organize/import.html", page, status=200 if request.method != "POST" else 422)
    try:
        data = form.sheet()
        sheet = _read(event, data, page["stages"])
        if request.POST.get("step") == "take" and sheet.entries:
            return _take(request, event, sheet)
    except Problem as problem:
        form.add_error(problem.field if problem.field in form.fields else None, problem.message)
        return render(request, "stages/organize/import.html", page, status=422)
    return render(request, "stages/organize/import.html", page | _preview(event, data, sheet, page["stages"]))


def _read(event: Event, data: bytes, stages: dict[str, str]) -> Sheet:
    rows = rows_of(data)
    djs = djs_for(event, emails_of(rows))
    return read_sheet(rows, Context(stages, event.zone, event.starts_on - SLACK, event.ends_on + SLACK, djs))


def _preview(event: Event, data: bytes, sheet: Sheet, stages: dict[str, str]) -> dict[str, Any]:
    there = working_copy(event)
    known = {line.entry for line in there if line.entry}
    fresh = [Line(f"line-{n}", None, entry) for n, entry in enumerate(sheet.entries) if entry not in known]
    fresh.sort(key=lambda line: line.shown.starts_at)
    found = warnings([*there, *fresh], stages, event.zone)
    return {
        "sheet": sheet,
        "text": data.decode("utf-8-sig", "replace") if _is_utf8(data) else data.decode("cp1252", "replace"),
        "nights": board(fresh, stages, event.zone, found),
        "fresh": len(fresh),
        "known": len(sheet.entries) - len(fresh),
    }


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _take(request: HttpRequest, event: Event, sheet: Sheet) -> HttpResponse:
    count = add_lines(event, signed_in(request), sheet.entries)
    words = ngettext(
        "%s slot taken in. Look at it, then publish.", "%s slots taken in. Look at them, then publish.", count
    )
    messages.success(request, words % count)
    return redirect("stages:edit_timetable", slug=event.slug)


@for_manager
def export_timetable(request: HttpRequest, event: Event) -> HttpResponse:
    """The working copy in the columns that can be read again."""
    entries = [line.entry for line in working_copy(event) if line.entry]
    users = users_of({entry.dj_id for entry in entries if entry.dj_id})
    text = write_sheet(entries, names_of(event), event.zone, users)
    name = _("%s-timetable.csv") % event.slug
    return HttpResponse(
        text, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )

"""The timetable as a spreadsheet: read with line and reason of what is wrong, written so that no cell is a formula."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from accounts.models import User
from pika.errors import Problem
from pika.spreadsheet import FORMULA, safe
from stages.djs import Djs, emails_in
from stages.models import Slot
from stages.timetable import Entry
from stages.wall_time import night_of, show_clock, span

COLUMNS = ("stage", "date", "start", "end", "dj", "title", "kind")
NEEDED = ("stage", "date", "start", "end")
MOST_ROWS, MOST_BYTES = 2000, 512 * 1024


@dataclass(frozen=True)
class Sheet:
    """What a file says: the good lines, and (line, reason) of the bad ones."""

    entries: list[Entry] = field(default_factory=list)
    wrong: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Context:
    """What the words of a file mean at this event."""

    stages: Mapping[str, str]  # {code: name}
    zone: ZoneInfo
    first: date
    last: date
    djs: Djs


def rows_of(data: bytes) -> list[tuple[int, dict[str, str]]]:
    """(line, cells by column) of a file with comma or semicolon; Problem if its head is not ours."""
    if len(data) > MOST_BYTES:
        raise Problem(_("This file is larger than 512 KB. A timetable is not."), "invalid", field="file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")  # what Excel saves unless it is asked for UTF-8
    if "\0" in text:
        raise Problem(_("This is no CSV file. In Excel: Save as, CSV UTF-8."), "invalid", field="file")
    head = text.lstrip().split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if head.count(";") > head.count(",") else ",")
    try:
        return _by_column((reader.line_num, cells) for cells in reader)
    except csv.Error as error:
        raise Problem(
            _("Line %(line)s cannot be read: %(why)s") % {"line": reader.line_num, "why": error},
            "invalid",
            field="file",
        ) from None


def _by_column(lines: Iterable[tuple[int, list[str]]]) -> list[tuple[int, dict[str, str]]]:
    names: list[str] = []
    rows = []
    for number, cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        if not names:
            names = [cell.strip().casefold() for cell in cells]
            _check_head(names)
            continue
        rows.append((number, dict(zip(names, map(_bare, cells), strict=False))))
        if len(rows) > MOST_ROWS:
            raise Problem(_("More than %s lines at once are too many.") % MOST_ROWS, "invalid", field="file")
    if not rows:
        raise Problem(_("There is no slot in this file."), "invalid", field="file")
    return rows


def _check_head(names: list[str]) -> None:
    missing = [name for name in NEEDED if name not in names]
    unknown = [name for name in names if name and name not in COLUMNS]
    twice = [name for name in COLUMNS if names.count(name) > 1]
    columns = ",".join(COLUMNS)
    for found, words in (
        (missing, _("Line 1: no column “%(names)s”. The first line must say: %(columns)s")),
        (unknown, _("Line 1: what is “%(names)s”? The columns are: %(columns)s")),
        (twice, _("Line 1: “%(names)s” is there twice. The columns are: %(columns)s")),
    ):
        if found:
            said = {"names": ", ".join(found)[:200], "columns": columns}
            raise Problem(words % said, "invalid", field="file")


def _bare(cell: str) -> str:
    """What the cell says, without the apostrophe that keeps spreadsheets from calculating."""
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell


def read_sheet(rows: Iterable[tuple[int, dict[str, str]]], context: Context) -> Sheet:
    """Each row as a slot, or why it is none."""
    sheet = Sheet()
    stages = {name.casefold(): code for code, name in context.stages.items()}
    stages |= {code.casefold(): code for code in context.stages}
    seen: dict[Entry, int] = {}
    for number, row in rows:
        try:
            entry = _entry(row, stages, context)
        except Problem as problem:
            sheet.wrong.append((number, f"{problem.field}: {problem.message}" if problem.field else problem.message))
            continue
        if entry in seen:
            sheet.wrong.append((number, _("the same as line %s") % seen[entry]))
            continue
        seen[entry] = number
        sheet.entries.append(entry)
    return sheet


def _entry(row: dict[str, str], stages: Mapping[str, str], context: Context) -> Entry:
    stage = stages.get(row.get("stage", "").casefold())
    if stage is None:
        said = {"name": row.get("stage", "")[:80], "names": ", ".join(context.stages.values())[:200]}
        raise Problem(_("there is no “%(name)s”. The stages are: %(names)s") % said, "invalid", field="stage")
    night = read_day(row.get("date", ""), context)
    starts_at, ends_at = span(night, row.get("start", ""), row.get("end", ""), context.zone)
    dj_id, dj_name = context.djs.meant(row.get("dj", ""))
    title, kind = row.get("title", ""), row.get("kind", "").casefold() or Slot.Kind.SOCIAL
    if len(title) > 120:
        raise Problem(_("longer than 120 characters"), "invalid", field="title")
    if kind not in Slot.Kind.values:
        said = {"kind": kind[:40], "kinds": ", ".join(Slot.Kind.values)}
        raise Problem(_("“%(kind)s” is none of: %(kinds)s") % said, "invalid", field="kind")
    if not (dj_name or title):
        raise Problem(_("say who plays, or give a title"), "invalid", field="dj")
    return Entry(stage, starts_at, ends_at, dj_id, dj_name, title, kind)


def read_day(text: str, context: Context) -> date:
    """`2027-03-26`, or as Excel likes it: `26.03.2027`, `26/03/2027`."""
    for shape in ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y"):
        try:
            day = datetime.strptime(text.strip(), shape).date()
        except ValueError:
            continue
        if not context.first <= day <= context.last:
            said = {"day": day, "first": context.first, "last": context.last}
            raise Problem(_("%(day)s is not between %(first)s and %(last)s") % said, "invalid", field="date")
        return day
    raise Problem(_("“%s” is no date. Write it like 2027-03-26.") % text[:20], "invalid", field="date")


def emails_of(rows: Iterable[tuple[int, dict[str, str]]]) -> set[str]:
    """Every e-mail that a row names its DJ by."""
    return emails_in(row.get("dj", "") for _line, row in rows)


def write_sheet(entries: Iterable[Entry], stages: Mapping[str, str], zone: ZoneInfo, users: Mapping[int, User]) -> str:
    """The same columns as are read; a cell that would be a formula gets an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for entry in entries:
        user = users.get(entry.dj_id or 0)
        dj = f"{entry.dj_name} <{user.email}>" if user else entry.dj_name
        night = night_of(entry.starts_at, zone)
        times = [show_clock(at, zone) for at in (entry.starts_at, entry.ends_at)]
        writer.writerow(map(safe, [stages[entry.stage], str(night), *times, dj, entry.title, entry.kind]))
    return "\ufeff" + out.getvalue()

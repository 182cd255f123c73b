"""Everything we know about somebody, as one ZIP: of each section a JSON and a CSV file."""

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Iterable
from typing import IO, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext

from accounts import personal
from accounts.activity import note
from accounts.models import User
from pika.errors import Problem
from pika.limits import over_limit
from pika.spreadsheet import safe

MOST_AN_HOUR = 5
IN_MEMORY = 4 * 1024 * 1024  # bytes; what is more waits in a file


def export_data(user: User) -> IO[bytes]:
    """The ZIP, ready to be read. Problem (429): too often."""
    if wait := over_limit("export", str(user.pk), MOST_AN_HOUR, 3600):
        words = gettext("You took five copies within the last hour. Try again in %(minutes)d min.")
        raise Problem(words % {"minutes": -(-wait // 60)}, "too_often", 429, retry_after=wait)
    packed = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  handed over open
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in personal.sections.items():
            _pack(archive, name, rows(user))
    packed.seek(0)
    note(user, "export_data")
    return packed


def _pack(archive: zipfile.ZipFile, name: str, rows: Iterable[dict[str, Any]]) -> None:
    """`rows` into the archive, twice, and never all of them in memory: a ZIP takes one file at a time."""
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as kept:
        with archive.open(f"{name}.csv", "w") as raw, io.TextIOWrapper(raw, "utf-8-sig", newline="") as sheet:
            _write(rows, csv.writer(sheet), kept)
        kept.seek(0)
        with archive.open(f"{name}.json", "w") as copy:
            while part := kept.read(64 * 1024):
                copy.write(part)


def _write(rows: Iterable[dict[str, Any]], sheet: Any, kept: IO[bytes]) -> None:
    before = "[\n"
    for number, row in enumerate(rows):
        said = {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
        if number == 0:
            sheet.writerow(said)
        sheet.writerow(map(safe, said.values()))
        kept.write(f"{before}{json.dumps(said, ensure_ascii=False, cls=DjangoJSONEncoder)}".encode())
        before = ",\n"
    kept.write(b"[]\n" if before == "[\n" else b"\n]\n")

"""Songs as files: what pages of a set, an event and of likes have in common."""

import tempfile
from collections.abc import Iterator
from itertools import islice
from typing import IO, Any

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from accounts.activity import note
from accounts.models import User
from pika.errors import Problem
from tracks import exports, streaming
from tracks.selections import Selection

SHOWN = 200  # lines on a page, to copy
LOOKED_AT = 2000  # songs that a page looks through for those without a link
LISTED = 50  # of them on the page
IN_MEMORY = 256 * 1024  # bytes; what is longer waits on disk


def to_take(request: HttpRequest, selection: Selection) -> dict[str, Any]:
    """What `tracks/_take.html` shows: lines to copy, what has no link and why, playlists that can be made."""
    first = list(islice(selection.lines(), LOOKED_AT + 1))
    lines = first[:LOOKED_AT]
    shown = list(exports.write_links(lines[:SHOWN]))
    missing = [line for line in lines if line.missing]
    user = request.user if isinstance(request.user, User) else None
    return {
        "formats": exports.FORMATS.items(),
        "shown": "".join(shown),
        "lines": len(shown),
        "songs": len(lines),
        "is_part": len(first) > LOOKED_AT,
        "rows": max(3, min(12, len(shown))),
        "missing": missing[:LISTED],
        "missing_count": len(missing),
        "missing_more": max(0, len(missing) - LISTED),
        "offers": streaming.offers_for(user, selection),
    }


def as_file(request: HttpRequest, selection: Selection, kind: str, event: str = "") -> HttpResponseBase:
    """The file. It is written before it is sent, in parts: 50,000 songs need no more memory than a hundred."""
    if kind not in exports.FORMATS:
        raise Problem(_("There is no such file"), "format_not_found", 404, field="kind")
    file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  # closed when it is sent
    for text in exports.FORMATS[kind].write(selection.lines(), selection.title):
        file.write(text.encode("utf-8", "replace"))
    name = exports.file_name(selection.words, kind)
    if isinstance(request.user, User):
        note(request.user, "export_songs", name, event=event)
    return answer(file, exports.FORMATS[kind].content_type, name)


def answer(file: IO[bytes], content_type: str, name: str) -> StreamingHttpResponse:
    """The file as a download, read as fast as the phone takes it."""
    file.seek(0)
    response = StreamingHttpResponse(_parts(file), content_type=content_type)
    response["Content-Disposition"] = content_disposition_header(True, name)
    return response


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while part := file.read(64 * 1024):
            yield part

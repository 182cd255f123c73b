"""Songs as files, without any streaming account: a list to paste, a spreadsheet, a playlist file, plain text, JSON.

Of one's likes, a DJ's set, a night or an event: whatever is an iterable of `Line`.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from pika.live.messages import iso
from pika.spreadsheet import safe
from stages.models import Play
from stages.wall_time import night_of, show_clock
from tracks.links import link_of, spotify_id_of
from tracks.models import Like, PlayLink, Track

# As Exportify has them; what we do not know stays empty. Then what only we know.
EXPORTIFY = (
    "Track URI",
    "Track Name",
    "Artist URI(s)",
    "Artist Name(s)",
    "Album URI",
    "Album Name",
    "Album Artist URI(s)",
    "Album Artist Name(s)",
    "Album Release Date",
    "Album Image URL",
    "Disc Number",
    "Track Number",
    "Track Duration (ms)",
    "Track Preview URL",
    "Explicit",
    "Popularity",
    "ISRC",
    "Added By",
    "Added At",
)
OURS = ("Link", "Event", "Stage", "DJ", "Played At", "Note")


@dataclass(frozen=True)
class Line:
    """One song of an export: the recording it was, as far as somebody said so, else what the DJ's file says."""

    play: Play
    added_at: datetime
    note: str = ""

    @property
    def track(self) -> Track | None:
        link: PlayLink | None = getattr(self.play, "link", None)
        return link.track if link else None

    @property
    def title(self) -> str:
        """With its version, as one line."""
        its: Track | Play = self.track or self.play
        version = its.version if isinstance(its, Track) else its.remix
        whole = f"{its.title} ({version})" if version and version not in its.title else its.title
        return " ".join(whole.split())

    @property
    def artist(self) -> str:
        return " ".join(((self.track and self.track.artist) or self.play.artist).split())

    @property
    def album(self) -> str:
        return (self.track and self.track.album) or self.play.album

    @property
    def isrc(self) -> str:
        return (self.track and self.track.isrc) or self.play.isrc

    @property
    def duration_ms(self) -> int | None:
        return (self.track and self.track.duration_ms) or self.play.duration_ms

    @property
    def name(self) -> str:
        """`Artist – Title`"""
        return f"{self.artist} – {self.title}" if self.artist else self.title

    @property
    def link(self) -> str:
        return link_of(self.play)

    @property
    def spotify_id(self) -> str:
        return spotify_id_of(self.play)

    @property
    def clock(self) -> str:
        return show_clock(self.play.played_at, zone_of(self.play))

    @property
    def missing(self) -> str:
        """Why there is no link, in words; empty where there is one."""
        if self.link:
            return ""
        return why_missing(self)


def why_missing(line: Line) -> str:
    """Why a song is not on Spotify, as far as we know."""
    if line.track:
        return gettext("We know which recording this is, but of no place on Spotify where it still is.")
    if line.link:
        return gettext("We know it on another service only.")
    return gettext("Nobody has said yet which recording this is.")


def lines_of_likes(likes: Iterable[Like]) -> Iterator[Line]:
    return (Line(like.play, like.liked_at, like.note) for like in likes)


def lines_of_plays(plays: Iterable[Play]) -> Iterator[Line]:
    return (Line(play, play.played_at) for play in plays)


def once_in_a_row(lines: Iterable[Line]) -> Iterator[Line]:
    """The same song twice in a row is said once: two DJs' programs heard it, or it was restarted."""
    last = None
    for line in lines:
        its = line.track.pk if line.track else line.play.identity or (line.artist, line.title)
        if its != last:
            yield line
        last = its


# --- The formats ---------------------------------------------------------------------------------------------
def write_links(lines: Iterable[Line], title: str = "") -> Iterator[str]:
    """A link a line; where there is none, `Artist – Title`: services that take lists understand both."""
    return (f"{line.link or line.name}\n" for line in lines)


def write_csv(lines: Iterable[Line], title: str = "") -> Iterator[str]:
    """Exportify's columns, then ours. With a mark at the beginning that tells Excel of UTF-8."""
    yield "\ufeff" + _row((*EXPORTIFY, *OURS))
    for line in lines:
        play = line.play
        its = {
            "Track URI": f"spotify:track:{line.spotify_id}" if line.spotify_id else "",
            "Track Name": line.title,
            "Artist Name(s)": line.artist,
            "Album Name": line.album,
            "Track Duration (ms)": str(line.duration_ms or ""),
            "ISRC": line.isrc,
            "Added At": iso(line.added_at),
            "Link": line.link,
            "Event": play.session.stage.event.name if play.session.stage else "",
            "Stage": play.session.stage.name if play.session.stage else "",
            "DJ": play.session.dj_name,
            "Played At": play.played_at.astimezone(zone_of(play)).isoformat(timespec="seconds"),
            "Note": line.note,
        }
        yield _row(safe(its.get(name, "")) for name in (*EXPORTIFY, *OURS))


def write_m3u8(lines: Iterable[Line], title: str = "") -> Iterator[str]:
    """A playlist that players open: the link, else a name by which a collection finds the file."""
    yield "#EXTM3U\n"
    if title:
        yield f"#PLAYLIST:{' '.join(title.split())}\n"
    for line in lines:
        seconds = round(line.duration_ms / 1000) if line.duration_ms else -1
        name = f"{line.artist} - {line.title}" if line.artist else line.title
        yield f"#EXTINF:{seconds},{name}\n{line.link or _file_name(name)}\n"


def write_text(lines: Iterable[Line], title: str = "") -> Iterator[str]:
    """To read and to print: event, night and stage as headings; at the end what has no link, and why."""
    last = None
    without: dict[str, list[str]] = {}
    if title:
        yield f"{' '.join(title.split())}\n\n"
    for line in lines:
        stage, zone = line.play.session.stage, zone_of(line.play)
        night = date_format(night_of(line.play.played_at, zone), gettext("l j F Y"))
        where = f"{stage.event.name} · {stage.name}" if stage else line.play.session.dj_name
        if (head := f"{where} · {night}") != last:
            yield f"{head}\n" if last is None else f"\n{head}\n"
            last = head
        its = f"{line.clock}  {line.name}\n"
        yield its
        if line.note:
            yield f"       {' '.join(line.note.split())}\n"
        if why := line.missing:
            without.setdefault(why, []).append(its)
    for why, its_lines in without.items():
        yield f"\n{gettext('Without a link:')} {why}\n"
        yield from its_lines


def write_json(lines: Iterable[Line], title: str = "") -> Iterator[str]:
    """For programs: see `Song` in docs/live.md. A song without a link says why in `missing`."""
    yield f'{{"title": {json.dumps(title)}, "songs": ['
    for number, line in enumerate(lines):
        stage = line.play.session.stage
        song = {
            "playId": str(line.play.uuid),
            "playedAt": iso(line.play.played_at),
            "title": line.title,
            "artist": line.artist,
            "album": line.album,
            "isrc": line.isrc,
            "durationMs": line.duration_ms,
            "bpm": line.play.bpm or (line.track.bpm if line.track else None),
            "trackId": line.track.code if line.track else None,
            "spotifyId": line.spotify_id or None,
            "link": line.link,
            "missing": line.missing,
            "dj": line.play.session.dj_name,
            "stage": stage.name if stage else None,
            "event": stage.event.name if stage else None,
            "note": line.note,
        }
        yield f"{',' if number else ''}\n{json.dumps(song, ensure_ascii=False)}"
    yield "\n]}\n"


@dataclass(frozen=True)
class Format:
    """A kind of file; `label` is on its button, `help` below it."""

    write: Callable[[Iterable[Line], str], Iterator[str]]
    ending: str
    content_type: str
    label: str | Promise
    help: str | Promise


FORMATS = {
    "links": Format(
        write_links,
        "txt",
        "text/plain; charset=utf-8",
        gettext_lazy("Lines to paste"),
        gettext_lazy("One song a line, for any service that takes a list: Spotify, TIDAL, Soundiiz, TuneMyMusic …"),
    ),
    "csv": Format(
        write_csv,
        "csv",
        "text/csv; charset=utf-8",
        gettext_lazy("Spreadsheet (CSV)"),
        gettext_lazy("With all we know: ISRC, DJ, time, your notes. For Excel, LibreOffice and importers."),
    ),
    "m3u8": Format(
        write_m3u8,
        "m3u8",
        "audio/x-mpegurl; charset=utf-8",
        gettext_lazy("Playlist file (M3U8)"),
        gettext_lazy("For VLC, VirtualDJ, Mixxx and other players."),
    ),
    "text": Format(
        write_text,
        "txt",
        "text/plain; charset=utf-8",
        gettext_lazy("Plain text"),
        gettext_lazy("To read, print or send to a friend. What has no link is listed at the end, with the reason."),
    ),
    "json": Format(
        write_json,
        "json",
        "application/json",
        gettext_lazy("Data (JSON)"),
        gettext_lazy("For programs."),
    ),
}


def file_name(words: Iterable[str], kind: str) -> str:
    """`Pika - WCS Budapest - 2026-11-20 - songs.csv`: something one finds again."""
    return f"{' - '.join(_file_name(word) for word in ('Pika', *words) if word)}.{FORMATS[kind].ending}"


def zone_of(play: Play) -> ZoneInfo:
    """Whose clocks it was heard by."""
    return play.session.stage.event.zone if play.session.stage else ZoneInfo("UTC")


def _row(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()


def _file_name(words: str) -> str:
    """Without what file systems do not take, and never a comment of a playlist."""
    plain = re.sub(r"\s+", " ", re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|]+', " ", words)).strip(" .")
    return plain.lstrip("#")[:120].strip() or gettext("Song")

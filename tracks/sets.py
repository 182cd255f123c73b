"""A set as everybody may see it once it is over: its songs, its tempo, its picture."""

from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.core.paginator import Page, Paginator
from django.db.models import Count

from stages.models import Session
from tracks.curve import Beat, Curve, curve_of, felt
from tracks.exports import Line
from tracks.links import IDS, RECORDING
from tracks.selections import title_of

A_PAGE = 200
BARS = 9  # of the picture


@dataclass(frozen=True)
class Bar:
    """One of the picture: left, top and height in a square of 100."""

    x: int
    y: int
    height: int


@dataclass(frozen=True)
class Heard:
    """A song of the page."""

    line: Line
    bpm: float | None
    likes: int


@dataclass(frozen=True)
class SetPage:
    """All that the page shows."""

    session: Session
    title: str
    count: int
    page: Page
    songs: list[Heard]
    curve: Curve | None
    bars: list[Bar]
    is_spotify: bool  # something of Spotify is on it
    zone: ZoneInfo


def set_page(session: Session, number: str | None = None) -> SetPage:
    """One page of the songs, repeats in a row once; the picture and the curve are of the whole set."""
    rows = session.plays.public().order_by("played_at", "pk")
    columns = (
        "pk",
        "played_at",
        "bpm",
        "link__track__bpm",
        "duration_ms",
        "link__track",
        "identity",
        "artist",
        "title",
    )
    beats, pks, last = [], [], None
    for pk, at, bpm, track_bpm, duration, track, identity, artist, title in rows.values_list(*columns):
        beats.append(Beat(at, bpm or track_bpm, duration))
        its = track or identity or (artist, title)
        if its != last:
            pks.append(pk)
        last = its
    page = Paginator(pks, A_PAGE).get_page(number)
    songs = _songs(session, list(page.object_list))
    return SetPage(
        session,
        title_of(session),
        len(pks),
        page,
        songs,
        curve_of(beats),
        bars_of(beats),
        any(song.line.spotify_id for song in songs),
        session.stage.event.zone if session.stage else ZoneInfo("UTC"),
    )


def _songs(session: Session, pks: Iterable[int]) -> list[Heard]:
    plays = session.plays.filter(pk__in=pks).order_by("played_at", "pk")
    plays = plays.select_related(RECORDING).prefetch_related(IDS).annotate(hearts=Count("likes"))
    found = []
    for play in plays:
        play.session = session
        line = Line(play, play.played_at)
        found.append(Heard(line, felt(play.bpm or (line.track.bpm if line.track else None)), play.hearts))
    return found


def bars_of(beats: Iterable[Beat]) -> list[Bar]:
    """The picture: how the tempo went, in a few bars; where it is not known, a pattern that is always the same."""
    tempos = [tempo for tempo in (felt(beat.bpm) for beat in beats) if tempo]
    if len(tempos) < BARS:
        heights = [30, 55, 80, 45, 65, 90, 50, 70, 35]
    else:
        means = []
        for number in range(BARS):
            part = tempos[len(tempos) * number // BARS : len(tempos) * (number + 1) // BARS]
            means.append(sum(part) / len(part))
        low, high = min(means), max(means)
        heights = [round(25 + (mean - low) / ((high - low) or 1) * 60) for mean in means]
    return [Bar(10 + 9 * number, 95 - height, height) for number, height in enumerate(heights)]

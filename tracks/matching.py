"""Is this play that recording? Two names compared, and what is suggested, with its reason and what differs: pure.

Fuzzy likeness only orders and suggests. What links without a person is in `tracks.recognition`.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from rapidfuzz import fuzz

from pika.titles import Name, fold

if TYPE_CHECKING:
    from tracks.models import Track

# Seconds that two lengths of one recording may lie apart: players, silence, fades. Above: worth showing, a doubt.
SHOWN_SECONDS, DOUBT_SECONDS = 2, 10
ALIKE, LOOSELY_ALIKE, SAME_ARTIST = 0.9, 0.72, 0.84


class Reason(TextChoices):
    """Why something is suggested. The best first."""

    SAME_AUDIO = "same_audio", _("Same audio")
    SAME_FILE = "same_file", _("Same file")
    SAME_STREAM = "same_stream", _("Same stream")
    SAME_ISRC = "same_isrc", _("Same ISRC")
    SAME_NAME = "same_name", _("Same artist, title and version")
    OTHER_VERSION = "other_version", _("Title and artist, other version")
    OTHER_ARTISTS = "other_artists", _("Same title, artists written differently")
    SIMILAR = "similar", _("Similar title")


# What is only alike is ordered by how much: a misspelt name comes before another version.
_ALIKE_ONLY = list(Reason).index(Reason.OTHER_VERSION)
ORDER = {reason: min(place, _ALIKE_ONLY) for place, reason in enumerate(Reason)}


class Field(TextChoices):
    """What can differ."""

    ARTIST = "artist", _("Artist")
    TITLE = "title", _("Title")
    VERSION = "version", _("Version")
    DURATION = "duration", _("Length")


@dataclass(frozen=True)
class Difference:
    """One thing that the play and the recording say differently. Empty: one of them does not say it."""

    field: Field
    play: str
    track: str


@dataclass(frozen=True)
class Likeness:
    """How alike two names are, 0 to 1 each, and what that amounts to. No reason: not worth suggesting."""

    reason: Reason | None
    artist: float
    title: float
    is_same_version: bool
    differences: tuple[Difference, ...] = ()

    @property
    def score(self) -> float:
        return round(self.title * 0.55 + self.artist * 0.35 + self.is_same_version * 0.1, 4)


@dataclass(frozen=True)
class Suggestion:
    """A recording that a play may be. `djs`: how many DJs have said so."""

    track: "Track"
    reason: Reason
    score: float
    differences: tuple[Difference, ...] = field(default=())
    djs: int = 0

    @property
    def words(self) -> str:
        return str(self.reason.label)

    @property
    def rank(self) -> tuple[int, int, float]:
        """To sort by: the reason, then how many say so, then likeness."""
        return ORDER[self.reason], -self.djs, -self.score


def compare(play: Name, track: Name, play_ms: int | None = None, track_ms: int | None = None) -> Likeness:
    """Artist and title apart; a title alone is only similar, and with another artist it is nothing."""
    title = _title_likeness(play, track)
    artist = artist_likeness(play.artists, track.artists)
    is_same_version = play.version == track.version
    reason = _reason(play, track, artist, title, is_same_version)
    differences = tuple(_differences(play, track, play_ms, track_ms))
    return Likeness(reason, artist, title, is_same_version, differences)


def artist_likeness(some: frozenset[str], others: frozenset[str]) -> float:
    """1: the same people in any order. One of several in common is a lot; 0: one of the sides names nobody."""
    if not some or not others:
        return 0.0
    if some == others:
        return 1.0
    few, many = sorted((some, others), key=len)
    best = [max(_alike(one, other) for other in many) for one in few]
    together = fuzz.token_set_ratio(" ".join(sorted(few)), " ".join(sorted(many))) / 100
    shared = max(max(best), together if min(len(" ".join(few)), len(" ".join(many))) > 3 else 0.0)
    return min(0.99, shared * (0.85 + 0.15 * sum(best) / len(many)))


def is_other_length(some_ms: int | None, other_ms: int | None) -> bool:
    """Whether both are known and too far apart to be one recording without a person looking."""
    return bool(some_ms and other_ms) and abs((some_ms or 0) - (other_ms or 0)) > DOUBT_SECONDS * 1000


def _title_likeness(play: Name, track: Name) -> float:
    if play.title == track.title and play.title:
        return 1.0
    # A title that holds the other's whole name: the artist in it, a label behind it.
    best = max(_alike(play.title, track.title), _alike(_whole(play), _whole(track)))
    if len(track.title) > 3 and f" {track.title} " in f" {play.title} ":
        best = max(best, 0.8)
    elif not play.artists and any(f" {one} " in f" {play.title} " for one in track.artists):
        best = max(best, fuzz.token_set_ratio(play.title, f"{' '.join(track.artists)} {track.title}") / 100 * 0.95)
    return min(0.99, best)


def _whole(name: Name) -> str:
    return f"{name.title} {name.version}".strip()


def _alike(one: str, other: str) -> float:
    return fuzz.ratio(one, other) / 100


def _reason(play: Name, track: Name, artist: float, title: float, is_same_version: bool) -> Reason | None:
    if play.artists and artist < SAME_ARTIST * 0.85:
        return None  # a title alone never matches
    if title == 1 and is_same_version and artist == 1:
        return Reason.SAME_NAME
    if title >= ALIKE and artist >= SAME_ARTIST and not is_same_version:
        return Reason.OTHER_VERSION
    if title == 1 and play.artists:
        return Reason.OTHER_ARTISTS
    return Reason.SIMILAR if title >= LOOSELY_ALIKE else None


def _differences(play: Name, track: Name, play_ms: int | None, track_ms: int | None) -> list[Difference]:
    found = []
    if play.artists != track.artists:
        found.append(Difference(Field.ARTIST, play.shown_artist, track.shown_artist))
    if play.title != track.title:
        found.append(Difference(Field.TITLE, play.shown_title, track.shown_title))
    if play.version != track.version:
        found.append(Difference(Field.VERSION, play.shown_version, track.shown_version))
    if play_ms and track_ms and abs(play_ms - track_ms) > SHOWN_SECONDS * 1000:
        found.append(Difference(Field.DURATION, clock(play_ms), clock(track_ms)))
    return found


def other_words(difference: Difference) -> tuple[list[tuple[str, bool]], list[tuple[str, bool]]]:
    """Both sides word by word, each with whether the other side lacks it: what a page marks."""
    sides = (difference.play, difference.track)
    known = [set(fold(text).split()) for text in sides]

    def mark(text: str, other: set[str]) -> list[tuple[str, bool]]:
        return [(word, not set(fold(word).split()) <= other) for word in text.split()]

    return mark(sides[0], known[1]), mark(sides[1], known[0])


def clock(milliseconds: int) -> str:
    """`3:41`."""
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    return f"{minutes}:{seconds:02}"

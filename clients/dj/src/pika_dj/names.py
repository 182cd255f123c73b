"""Who sang what: the best artist and title that tags and a file name can give.

Half of real VirtualDJ plays have no artist tag and a third have no title either, so this falls back step by
step and says how far it had to: tags, the title split at " - ", the file name split at " - ", a title alone.
"""

from __future__ import annotations

import re
from typing import NamedTuple

TAGS, SPLIT_TITLE, FILE_NAME, TITLE_ALONE = "tags", "split title", "file name", "title alone"

DASH = re.compile(r"\s+[-–—]\s+")
EXTENSION = re.compile(r"\.[A-Za-z0-9]{2,5}$")
# "02 - ", "5-01 ", "07. ": a place on a record. Two digits at most, because 311 is a band; and a number with
# only a blank behind it must start with 0, because "50 Ways To Leave Your Lover" is a song.
TRACK_NUMBER = re.compile(r"^\s*(?:\d-)?(?:\d{1,2}\s*[-.]\s+|\d-\d\d\s+|0\d\s+)")
LEADING_ADDRESS = re.compile(r"^\s*[\[(][^\])]*\.[A-Za-z]{2,4}[\])]\s*")
ENDINGS = "com|net|org|info|biz|in|me|pl|cc|eu|us|ru|lt|tk|co|fm|dj|io|de|hu|fr|it|es|nl|uk|to|ws|xyz|pro|site"
ADDRESS = re.compile(rf"\W*(?:(?:https?://|www\.)\S+|[\w-]+(?:\.[\w-]+)*\.(?:{ENDINGS}))\W*", re.IGNORECASE)


class Name(NamedTuple):
    """Artist (may be empty), title (never empty if any input was not), remix, and where they are from."""

    artist: str
    title: str
    remix: str
    quality: str


def name_track(artist: str, title: str, remix: str, path: str) -> Name:
    """Name a track from its tags and the path of its file. Never raises."""
    artist, title, remix = (" ".join(text.split()) for text in (artist, title, remix))
    if is_address(artist):
        artist = ""
    if is_address(remix):
        remix = ""
    if artist == title and DASH.search(title):
        artist = ""  # some taggers write the whole "Artist - Title" into both
    if artist and title:
        return Name(artist, with_remix(title, remix), remix, TAGS)
    stem = file_stem(path)
    if halves := split_name(title):
        return Name(halves[0], with_remix(halves[1], remix), remix, SPLIT_TITLE)
    if (halves := split_name(stem)) and fold(title) in fold(halves[1]):
        return Name(artist or halves[0], with_remix(halves[1], remix), remix, FILE_NAME)
    bare_stem = strip_front(stem) or stem
    if artist:
        return Name(artist, with_remix(bare_stem, remix), remix, FILE_NAME)
    return Name("", with_remix(title or bare_stem, remix), remix, TITLE_ALONE)


def is_address(text: str) -> bool:
    """True for a web address and nothing else: "www.atozwap.in", "Naasongs.me"; never "Will.i.am"."""
    return ADDRESS.fullmatch(text) is not None


def with_remix(title: str, remix: str) -> str:
    """The title with the remix behind it, unless it says so already (four of five do)."""
    return title if not remix or fold(remix) in fold(title) else f"{title} ({remix})"


def split_name(text: str) -> tuple[str, str] | None:
    """ "Artist - Title" in two, at the first dash with blanks around it; None when there is no such dash."""
    text = strip_front(text)
    artist, dash, title = _partition(text)
    if not dash or not artist or not title or is_address(artist) or is_address(title):
        return None
    return artist, title


def strip_front(text: str) -> str:
    """The text without the web address and the track number that collectors put in front."""
    return TRACK_NUMBER.sub("", LEADING_ADDRESS.sub("", text))


def file_stem(path: str) -> str:
    """The name of a file without folder and ending, on any system's paths; underscores become blanks where
    they stand for them. Empty only for an empty path."""
    separator = r"/" if path.startswith("/") else r"[\\/]"
    name = re.split(separator, path.strip())[-1] or path.strip()
    stem = EXTENSION.sub("", name) or name
    if " " not in stem:
        stem = stem.replace("_", " ")
    return " ".join(stem.split()) or path.strip()


def fold(text: str) -> str:
    """Only letters and digits, in one case: enough to see whether one text says the other."""
    return "".join(c for c in text.casefold() if c.isalnum())


def _partition(text: str) -> tuple[str, str, str]:
    if match := DASH.search(text):
        return text[: match.start()].strip(), match.group(), text[match.end() :].strip()
    return text.strip(), "", ""

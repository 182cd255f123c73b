"""What a name says: artists, title and version of a recording, without the noise of files and shops.

Two names are the same recording when `identity` is the same. It errs on the side of two: a version, a guest or a
subtitle that only one of them names keeps them apart.
"""

import html
import re
import unicodedata
from typing import NamedTuple

IDENTITY_LENGTH = 400

# --- Folding ---------------------------------------------------------------------------------------------------
# Letters that Unicode does not take apart, and signs that stand for letters inside a name: Ty Dolla $ign, P!nk.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "&": " and ", "+": " and "}
)
_DOLLAR = re.compile(r"(?<=[a-z])\$|\$(?=[a-z])")
_BANG = re.compile(r"(?<=[a-z])!(?=[a-z])")
_QUOTES = re.compile(r"['’‘`´ʼ]")
_ASCII = re.compile(r"[a-z0-9]+")
# Accents, Hebrew and Arabic vowel points; the vowels of Telugu or Thai are letters and stay.
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670]")
# Not seen: joiners, direction marks, variation selectors.
_UNSEEN = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
_ALIKE = {"n": "and", "pt": "part", "rmx": "remix", "ver": "version", "acapella": "acappella"}


def fold(text: str) -> str:
    """Case, accents, punctuation, `&` and a leading “The” do not count: `The Café & Co!` → `cafe and co`.

    A name of nothing but signs (“!!!”, “🔥”) keeps them.
    """
    plain = _QUOTES.sub("", text)
    if not plain.isascii():
        plain = _UNSEEN.sub("", unicodedata.normalize("NFKD", plain))
        plain = unicodedata.normalize("NFKD", plain.casefold())
        plain = _QUOTES.sub("", _ACCENTS.sub("", plain))
    plain = _BANG.sub("i", _DOLLAR.sub("s", plain.casefold().translate(_PLAIN)))
    if plain.isascii():
        words = _ASCII.findall(plain)
    else:
        words = "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in plain).split()
    if not words or not any(c.isalnum() for word in words for c in word):
        return unicodedata.normalize("NFC", "".join(plain.split()))
    words = [_ALIKE.get(word, word) for word in _initials(words)]
    while len(words) > 1 and words[0] == "the":
        del words[0]
    return unicodedata.normalize("NFC", " ".join(words))


def _initials(words: list[str]) -> list[str]:
    """`h e r` → `her`: T.I., M.A.N.D.Y. and A R I Z O N A are written with and without dots."""
    joined: list[str] = []
    is_open = False
    for word in words:
        is_letter = len(word) == 1 and "a" <= word <= "z"
        if is_letter and is_open:
            joined[-1] += word
        else:
            joined.append(word)
        is_open = is_letter
    return joined


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# --- Noise -----------------------------------------------------------------------------------------------------
_ENDINGS = "com|net|org|info|biz|in|me|pl|cc|eu|us|ru|lt|tk|co|fm|dj|io|de|hu|fr|it|es|nl|uk|to|ws|xyz|pro|site|ocm"
_ADDRESS = re.compile(
    rf"[(\[]?\s*(?:https?\b[\s_:/-]*\S+|www\.\S+|(?<![\w.])[\w-]{{3,}}(?:\.[\w-]+)*\.(?:{_ENDINGS})(?:\.[a-z]{{2}})?(?![\w.]))"
    r"\s*[)\]]?",
    re.IGNORECASE,
)
_ENDING = re.compile(r"\.(?:mp3|mo3|m4a|mp4|wav|wmv|flac|aiff?|ogg|avi)$", re.IGNORECASE)
_FRONT = re.compile(r"^\s*(?:premiere\s*:\s*|0\d\s*[-.]?\s+(?=\S))", re.IGNORECASE)
_DASH = re.compile(r"\s+[-–—~|]\s+|\s+[-–—]\s*$|^\s*[-–—]\s+")
_FEAT = re.compile(r"(?<![\w'])(?:feat|ft|featuring)(?:\.\s*|\s+)(?=\S)", re.IGNORECASE)
_GUESTS = re.compile(r"^\s*(?:(?:feat|ft|featuring)\b\.?|with\b)\s*(?=\S)", re.IGNORECASE)
_REMASTER = re.compile(
    r"\b(?:\d{4}\s+)?(?:digital(?:ly)?\s+)?re-?master(?:ed)?(?:\s+(?:in\s+)?\d{4})?(?:\s+(?:version|edition))?\b", re.I
)
# What says nothing about which recording it is, alone or together, in brackets or behind a dash.
_NOISE = _words(
    "official video audio music lyric lyrics lyrical clip hq hd 4k 1080p 720p 320 320kbps 256kbps kbps mp3 mv "
    "visualizer visualiser full hifi free download out now exclusive premiere promo bonus track tracks deluxe edition "
    "expanded anniversary soundtrack ost stereo remastered remaster"
)
_PART_OF_NOISE = {"the", "and", "with", "original", "motion", "picture", "version", "song", "new", "edition", "series"}
# What makes another recording of it.
_VERSION = _words(
    "remix mix edit version live acoustic unplugged instrumental karaoke cover clean explicit dirty demo dub bootleg "
    "mashup rework reworked remake flip vip refix session sessions stripped piano orchestral orchestra symphonic "
    "acappella extended slowed sped reverb nightcore lofi 8d medley reprise alternate alternative mono single radio "
    "studio studios club inch take rehearsal tribute original cast recorded colors bbc spotify lounge concert tour "
    "unreleased hushed muffled chopped screwed intro outro interlude quick censored uncensored"
)
_OF_FILMS = {"original", "version", "cast"}  # From the Original Motion Picture
# `Acoustic Version` and `Acoustic` are the same words for the same thing; `Piano Version` and `Piano`, too.
_PLAIN_VERSION = re.compile(r"^(.+) version$")
_EXTENDED = re.compile(r"^extended (?:mix|version)$")
_SAYS_LITTLE = {"official", "hq", "hd", "audio", "video", "the"}
# Unbracketed at the end of a title.
_TAIL = re.compile(
    r"(?<=\S)\s+((?:radio|club|extended|original|single|album|dance|vocal|dub|acoustic|live|piano)\s+(?:edit|mix|version)"
    r"|remix|rmx|instrumental|karaoke)\s*$",
    re.IGNORECASE,
)
_ARTISTS = re.compile(
    r"\s*(?:[,;&+/،、]|(?<=\s)_(?=\s)|\b(?:and|with|vs|versus|feat|ft|featuring|presents|pres)\b\.?)\s*", re.IGNORECASE
)
_TIMES = re.compile(r"(?<=\S)\s+[x×]\s+(?![x×]\s)(?=\S)", re.IGNORECASE)  # not the X of Lil Nas X x Sia


class Name(NamedTuple):
    """A name taken apart. The first three are folded, to compare; the rest is as it was written, to show."""

    artists: frozenset[str]
    title: str
    version: str  # empty: the original, as far as the name says
    shown_artist: str
    shown_title: str
    shown_version: str
    noise: tuple[str, ...]

    @property
    def identity(self) -> str:
        """Equal and not empty: the same recording. A title without an artist never identifies."""
        if not self.artists or not self.title:
            return ""
        return f"{' + '.join(sorted(self.artists))} – {self.title} {self.version}".rstrip()[:IDENTITY_LENGTH]


def identity(artist: str, title: str, remix: str = "") -> str:
    """A name for the recording; equal names are the same recording. Empty: cannot be told."""
    return parse(artist, title, remix).identity


def parse(artist: str, title: str, remix: str = "") -> Name:
    """Take a name apart as DJs' files write it: any tag may hold anything, in any spelling. Never raises."""
    noise: list[str] = []
    heading = title
    artist, title, remix = (_without_addresses(text, noise) for text in (artist, title, remix))
    if not title and "-" in heading:  # “Undipo-Naasongs.me” is no address
        title = _without_addresses(heading.rpartition("-")[0], noise)
    if artist and fold(artist) == fold(title) and _DASH.search(title):
        artist = ""  # some taggers write the whole “Artist - Title” into both
    artist, title = _halves(artist, title)
    pieces = _pieces(title)
    shown, versions, guests = [pieces[0][1]], [], []
    for is_group, text in pieces[1:]:
        kind = _kind(is_group, text)
        if kind == "guests":
            guests.append(_GUESTS.sub("", text))
        elif kind == "noise":
            noise.append(text)
        elif kind == "version":
            text, said = _cut_guests(text)
            guests += said
            versions.append(text)
        else:
            shown.append(f"({text})" if is_group else f"- {text}")
    head, said = _cut_guests(shown[0])
    guests += said
    main = " ".join(filter(None, [head.strip(), *shown[1:]])).strip()
    main = _REMASTER.sub(" ", main).strip() or main
    if tail := _TAIL.search(main):
        main, versions = main[: tail.start()], [*versions, tail[1]]
    if not fold(main) or not main:
        main, versions = _as_it_was(title, versions)
    if remix and _kind(True, remix) != "noise" and fold(remix) not in fold(title):
        versions.append(remix)
    version = _canonical(versions)
    return Name(
        _singers([artist, *guests], version, main),
        fold(main),
        version,
        ", ".join({fold(one): one for text in (artist, *guests) for one in split_artists(text)}.values()),
        main,
        ", ".join(dict.fromkeys(" ".join(v.split()) for v in versions)),
        tuple(noise),
    )


def is_all_version(title: str) -> bool:
    """Whether a title says nothing but a version or noise: “Acoustic”, “Remastered 2011”."""
    return all(_kind(*piece) in ("version", "noise") for piece in _pieces(title))


def split_artists(text: str) -> list[str]:
    """The artists that one field names: `A feat. B & C` → A, B, C."""
    parts = [part for big in _ARTISTS.split(text) for part in _TIMES.split(big)]
    kept = [part.strip() for part in parts if fold(part)]
    return [part for part in kept if fold(part) != "the"] or kept


# --- Taking apart ----------------------------------------------------------------------------------------------
def _without_addresses(text: str, noise: list[str]) -> str:
    """One field without web addresses and the ending of a file; what was dropped goes to `noise`."""
    text = " ".join(_UNSEEN.sub("", html.unescape(text)).replace("\0", " ").split())
    if text and " " not in text and "_" in text:
        text = text.replace("_", " ").strip()
    for pattern in (_ADDRESS, _ENDING, _FRONT):
        if found := pattern.findall(text):
            noise += found
            text = pattern.sub(" ", text).strip()
    return re.sub(r"\s+[-–—]\s*$", "", " ".join(text.split()))


def _halves(artist: str, title: str) -> tuple[str, str]:
    """“Artist - Title” in the title: taken apart if the artist is missing, without it if he is said twice."""
    dash = re.search(r"\s+[-–—]\s+", title)
    if not dash:
        return artist, title
    left, right = title[: dash.start()], title[dash.end() :]
    if not fold(left) or not fold(right) or is_all_version(right):
        return artist, title
    if not artist:
        return left, right
    known, said = _folded([artist]), _folded([left])
    return (f"{artist}, {left}", right) if known & said and (known <= said or said <= known) else (artist, title)


def _pieces(text: str) -> list[tuple[bool, str]]:
    """The title in pieces: its head, then what stands in brackets (True) or behind a dash (False), in order."""
    pieces: list[tuple[bool, str]] = []
    depth, start = 0, 0
    for at, c in enumerate(text):
        if c in "([{":
            if not (depth or at == 0 or text[at - 1] in " )]}" or _GUESTS.match(text[at + 1 :])):
                continue  # L.O.V.(e)
            if depth == 0:
                pieces += _dashed(text[start:at], not pieces)
                start = at + 1
            depth += 1
        elif c in ")]}" and depth:
            depth -= 1
            if depth == 0:
                pieces.append((True, text[start:at].strip()))
                start = at + 1
    rest = text[start:]
    pieces += [(True, rest.strip())] if depth else _dashed(rest, not pieces)
    return [pieces[0], *(piece for piece in pieces[1:] if piece[1])] if pieces else [(False, "")]


def _dashed(text: str, is_first: bool) -> list[tuple[bool, str]]:
    parts = [part.strip() for part in _DASH.split(text)]
    return [(False, part) for n, part in enumerate(parts) if part or (is_first and n == 0)]


def _kind(is_group: bool, text: str) -> str:
    """What a piece is: guests, noise, version, or part of the title."""
    if _GUESTS.match(text):
        return "guests"
    words = fold(_cut_guests(_REMASTER.sub(" ", text))[0]).split()
    said = set(words)
    if not words or (is_group and re.fullmatch(r"\d{4}", words[0]) and len(words) == 1):
        return "noise"
    if said & _NOISE and said <= _NOISE | _PART_OF_NOISE:
        return "noise"
    if words[0] in ("from", "music") and len(words) > 1 and not said & (_VERSION - _OF_FILMS):
        return "noise"
    return "version" if said & _VERSION else "title"


def _cut_guests(text: str) -> tuple[str, list[str]]:
    """`Now feat. Forrest` → Now, and Forrest."""
    found = _FEAT.search(text)
    if not found or not fold(text[: found.start()]):
        return text, []
    return text[: found.start()], [text[found.end() :]]


def _as_it_was(title: str, versions: list[str]) -> tuple[str, list[str]]:
    """A title of nothing but brackets or a version (“(Remix)”) is its own title."""
    bare = " ".join(title.split())
    return (bare, [v for v in versions if fold(v) not in fold(bare)]) if fold(bare) else ("", versions)


def _canonical(versions: list[str]) -> str:
    """The versions in one spelling and order."""
    found = set()
    for text in versions:
        words = [w for w in fold(_REMASTER.sub(" ", text)).split() if w not in _SAYS_LITTLE]
        said = _EXTENDED.sub("extended", " ".join(words))
        if (plain := _PLAIN_VERSION.match(said)) and set(plain[1].split()) <= _VERSION - {
            "original",
            "single",
            "radio",
        }:
            said = plain[1]
        found.add(said)
    return " ".join(sorted(found - {""}))


def _folded(texts: list[str]) -> set[str]:
    return {fold(one) for text in texts for one in split_artists(text)} - {""}


def _singers(texts: list[str], version: str, title: str) -> frozenset[str]:
    """All artists, those of the first text and guests; not a remixer, whom the version names and shops list."""
    if not _folded(texts[:1]):
        return frozenset()  # guests of whom?
    everybody = _folded(texts)
    padded = f" {version} "
    return frozenset({one for one in everybody if f" {one} " not in padded} or everybody)

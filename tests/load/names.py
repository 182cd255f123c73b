"""Names as DJs' files have them, made from what shops publish: the noise rates were measured on real files.

Of 530 plays of VirtualDJ: no artist in 52 %, neither artist nor title in 32 % (then the file's name is all there is),
“ - ” inside the title in 26 %, the remix tag says the title again in 80 %. What is never taken away is what tells two
recordings apart: a version, and a guest where there is a recording without that guest. Nobody could tell them then.
"""

import csv
import random
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pika_dj.names import name_track

NO_ARTIST, NO_TAGS, DASH_IN_TITLE, REMIX_AGAIN = 0.52, 0.32, 0.26, 0.8
NOISE, ADDRESS, TYPO, FEWER, NO_SINGER = 0.15, 0.15, 0.04, 0.12, 0.08
SAME_LENGTH = 2  # seconds: one recording published twice under two ISRCs
SITES = ["www.djlist.org", "zippyon.org", "music-djs.com", "www.myfreemp3.cc", "http://promodj.com", "4clubbers.pl"]
JUNK = ["(Official Video)", "(Official Music Video)", "[Official Audio]", "(Lyrics)", "(Lyric Video)", "[HQ]", "(HD)"]
JUNK += ["(2016)", "- Remastered 2011", "(Remastered)", "[OUT NOW]", "(Bonus Track)"]
VERSIONS = ["Acoustic", "Live", "Instrumental", "Clean", "Kygo Remix", "Extended Mix", "Radio Edit", "Karaoke Version"]
_GUESTS = re.compile(r"\s*[(\[](?:feat\.?|ft\.?|with)\s+([^)\]]+)[)\]]", re.IGNORECASE)
_VERSION = re.compile(
    r"\s+[-–]\s+([^-–]+)$|\s+[(\[]([^)\]]*(?:remix|mix|edit|acoustic|live|version|ver\.|demo)[^)\]]*)[)\]]", re.I
)


class Played(NamedTuple):
    """What our DJ program tells of a play; no ISRC and no hash, which would be too easy."""

    artist: str
    title: str
    remix: str
    duration_ms: int | None


@dataclass
class Recording:
    """One recording: every row that shares an ISRC, or the letters of its name and its length."""

    song: str
    artists: list[str]
    seconds: int
    isrcs: set[str]
    rows: list[dict[str, str]] = field(default_factory=list)
    title: str = ""
    version: str = ""
    guests: list[str] = field(default_factory=list)
    has_sibling: bool = False  # a recording of the same title by one of the same people

    def __post_init__(self) -> None:
        bare = _GUESTS.sub("", self.song)
        self.guests = [who for text in _GUESTS.findall(self.song) for who in re.split(r",|&| and ", text)]
        self.guests = [who.strip() for who in self.guests if who.strip()]
        found = _VERSION.search(bare)
        self.version = (found[1] or found[2]).strip() if found else ""
        self.title = (bare[: found.start()] + bare[found.end() :]).strip() if found else bare.strip()

    @property
    def singers(self) -> list[str]:
        """Those that are not guests; one at least."""
        guests = {letters(who) for who in self.guests}
        return [who for who in self.artists if letters(who) not in guests] or self.artists[:1]


def letters(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


def read_sets(folder: Path) -> list[Recording]:
    """All recordings of the CSV files there, each once."""
    found: dict[str, Recording] = {}
    for file in sorted(folder.glob("*.csv")):
        with file.open(encoding="utf-8-sig", newline="") as lines:
            for row in csv.DictReader(lines):
                isrc, artists = row["ISRC"].strip().upper(), [one.strip() for one in row["Artist"].split(",")]
                if not isrc or not row["Song"].strip():
                    continue
                minutes, _, seconds = row["Time"].partition(":")
                one = Recording(row["Song"], artists, int(minutes) * 60 + int(seconds), {isrc})
                found.setdefault(isrc, one).rows.append(row)
    return _once(found.values())


def _once(recordings: Iterable[Recording]) -> list[Recording]:
    alike: dict[tuple[str, frozenset[str]], list[Recording]] = defaultdict(list)
    for one in recordings:
        known = alike[letters(one.song), frozenset(map(letters, one.artists))]
        twin = next((other for other in known if abs(other.seconds - one.seconds) <= SAME_LENGTH), None)
        if twin:
            twin.isrcs |= one.isrcs
            twin.rows += one.rows
        else:
            known.append(one)
    every = [one for known in alike.values() for one in known]
    people: dict[str, list[Recording]] = defaultdict(list)
    for one in every:
        people[letters(one.title)].append(one)
    for same in people.values():
        for one in same:
            mine = set(map(letters, one.artists))
            one.has_sibling = any(mine & set(map(letters, it.artists)) for it in same if it is not one)
    return every


# --- As a file has it ------------------------------------------------------------------------------------------
def render(one: Recording, dice: random.Random, version: str | None = None) -> Played:
    """A play of it as our DJ program sends it, from the tags and the path of such a file."""
    version = one.version if version is None else version
    artist, title = _artist_and_title(one, dice)
    artist, title = _spelt(artist, dice), _spelt(title, dice)
    if dice.random() < TYPO:
        artist, title = (_typo(artist, dice), title) if dice.random() < 0.3 else (artist, _typo(title, dice))
    remix, said = "", title
    if version:
        said = title + dice.choice([f" ({version})"] * 3 + [f" - {version}", f" [{version}]", f" ({version.lower()})"])
        if dice.random() < 0.5:
            remix = version
    if dice.random() < NOISE:
        said = f"{said} {dice.choice(JUNK)}"
    if dice.random() < ADDRESS:
        site = dice.choice(SITES)
        said = f"{said} {dice.choice(['%s', '[%s]', '(%s)']) % site}"
        remix = remix or (dice.choice(SITES) if dice.random() < 0.5 else "")
    name = said if dice.random() < NO_SINGER else f"{artist} - {said}"
    path = _path(name, dice)
    if remix == version and version and dice.random() > REMIX_AGAIN:
        said = title  # the version in the remix tag alone
    drawn = dice.random()
    if drawn < NO_TAGS:
        artist, said, remix = "", "", ""
    elif drawn < NO_ARTIST:
        # Most of these have it all in the title.
        artist, said = "", name if dice.random() < 0.8 else said
    elif dice.random() < (DASH_IN_TITLE - (NO_ARTIST - NO_TAGS) * 0.8) / (1 - NO_ARTIST) / 2:
        said = f"{artist} - {said}"
    its = name_track(artist, said, remix, path)
    milliseconds = (one.seconds * 1000 + dice.randint(-1500, 1500)) if dice.random() < 0.5 else None
    return Played(its.artist[:500], its.title[:500], its.remix[:200], milliseconds)


def _artist_and_title(one: Recording, dice: random.Random) -> tuple[str, str]:
    singers = list(one.singers)
    if one.version:  # shops list the remixer as an artist
        singers = [who for who in singers if letters(who) not in letters(one.version)] or singers
    if len(singers) > 1:
        if dice.random() < 0.15:
            dice.shuffle(singers)
        elif dice.random() < FEWER and not one.has_sibling:
            singers = singers[:1]
    artist, title = dice.choice([" & ", ", ", ", ", " x ", " and ", "; ", " / "]).join(singers), one.title
    if one.guests and not (dice.random() < FEWER and not one.has_sibling):
        guests, how = dice.choice([" & ", ", "]).join(one.guests), dice.choice(["feat.", "feat.", "ft.", "ft", "Feat."])
        if dice.random() < 0.5:
            title = f"{title} ({how} {guests})" if dice.random() < 0.7 else f"{title} {how} {guests}"
        else:
            artist = f"{artist} {how} {guests}" if dice.random() < 0.7 else f"{artist}, {guests}"
    return artist, title


def _spelt(text: str, dice: random.Random) -> str:
    drawn = dice.random()
    if drawn < 0.12:
        text = text.lower()
    elif drawn < 0.18:
        text = text.upper()
    if dice.random() < 0.3:
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    if dice.random() < 0.2:
        text = text.replace("'", dice.choice(["", "’", "´"]))
    if dice.random() < 0.2:
        text = text.replace(" & ", " and ")
    if dice.random() < 0.1 and text.lower().startswith("the "):
        text = text[4:]
    return text


def _typo(text: str, dice: random.Random) -> str:
    at = dice.randrange(max(1, len(text) - 1))
    cut = dice.choice(["swap", "drop", "double"])
    middle = {"swap": text[at : at + 2][::-1], "drop": text[at + 1 : at + 2], "double": text[at : at + 1] * 2}[cut]
    return text[:at] + middle + text[at + (1 if cut == "double" else 2) :]


def _path(name: str, dice: random.Random) -> str:
    name = re.sub(r'[\\/:*?"<>|]', "_", name)
    if dice.random() < 0.12:
        name = name.replace(" ", "_")
    elif dice.random() < 0.1:
        name = f"{dice.randint(1, 19):02} - {name}"
    return rf"D:\Music\WCS\{name}.mp3"

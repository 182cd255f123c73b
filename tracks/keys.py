"""Under which numbers a recording is found, however its name is written: equality look-ups, no search engine.

A key is the hash of two words of a name, one of the artist and one of the title: rare together, however common each
is. A name of few words has keys for its misspellings, too: each word with any one letter left out. And the title
alone, for plays whose file names no artist.
"""

from collections.abc import Iterable
from hashlib import blake2b
from itertools import combinations

from pika.titles import Name, fold, split_artists

# How many words of a recording's title and artists make its keys, and of a play's, which may be half noise.
TITLE_WORDS, ARTIST_WORDS = 3, 4
PLAY_WORDS = 6
LONE_WORDS = 8  # of a title that may hold the artist, too
SHORTEST = 4  # letters of a word that is worth misspelling
# They say little and stand in a tenth of all names: taken last.
_LITTLE = "a an and i im in is it its my me of on or the to you your with love dj for no we be all"
_COMMON = frozenset(_LITTLE.split())


def track_keys(name: Name) -> set[int]:
    """Those of a recording."""
    title, artists = best_words(name.title.split(), TITLE_WORDS), _artist_words(name)
    keys = {*whole(name.title), *(pair(one, other) for one in title for other in artists)}
    if not artists:
        keys |= {pair(one, other) for one, other in combinations(title, 2)}
    return keys | _misspelt(title, artists)


def play_keys(name: Name) -> set[int]:
    """Those under which to look for a play, which is like asking for every spelling at once."""
    if not name.artists:
        words = best_words(name.title.split(), LONE_WORDS)
        return {*whole(name.title), *(pair(one, other) for one, other in combinations(words, 2))}
    words = best_words(name.title.split(), PLAY_WORDS)
    artists = best_words([word for one in name.artists for word in one.split()], PLAY_WORDS)
    keys = {*whole(name.title), *(pair(one, other) for one in words for other in artists)}
    return keys | _misspelt(words[:TITLE_WORDS], artists[:ARTIST_WORDS], is_play=True)


def best_words(words: Iterable[str], count: int) -> list[str]:
    """The telling ones: not the common, the long first."""
    return sorted(dict.fromkeys(words), key=lambda word: (word in _COMMON, -len(word), word))[:count]


def whole(title: str) -> set[int]:
    """Of a title, however its words are parted."""
    return {_number(f"= {title.replace(' ', '')}")} if title else set()


def pair(one: str, other: str) -> int:
    return _number(" ".join(sorted((one, other))))


def _artist_words(name: Name) -> list[str]:
    """The best word of each of the first artists (a file may name the first alone), then of the rest of the first."""
    people = [best_words(fold(one).split(), 2) for one in split_artists(name.shown_artist)]
    people = [words for words in people if words]
    first = [words[0] for words in people[: ARTIST_WORDS - 1]]
    return list(dict.fromkeys(first + [word for words in people for word in words[1:]]))[:ARTIST_WORDS]


def _misspelt(title: list[str], artists: list[str], is_play: bool = False) -> set[int]:
    """Where one wrong letter would leave no pair: with each letter of that word left out, on both sides.

    Beside it the other side's first word; a play, whose words may be in another order, tries all.
    """
    keys = set()
    if len(title) == 1:
        beside = artists if is_play else artists[:1]
        keys |= {pair(f"{short}~", one) for short in _shorter(title[0]) for one in beside}
    if len(artists) == 1:
        beside = title if is_play else title[:1]
        keys |= {pair(f"{short}~", one) for short in _shorter(artists[0]) for one in beside}
    return keys


def _shorter(word: str) -> set[str]:
    if len(word) < SHORTEST:
        return set()
    return {word[:10], *(word[:at] + word[at + 1 : 10] for at in range(min(len(word), 10)))}


def _number(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), signed=True)

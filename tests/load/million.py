"""Look-ups among 10,000, 100,000 and a million recordings, in a private database.

The names are made up, of real words: each word is drawn as often as it stands in the names of the real sets, so that
“love” and “you” are in tens of thousands of them. Titles are shared; a tenth of the made-up people sing a third.
"""

import json
import random
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from pika.titles import Name
from tests.load.measure import percentile
from tests.load.settled import linked, settle_names

PEOPLE, TITLES = 30_000, 60_000
SIZES, ASKED, WARM, SEED = (10_000, 100_000, 1_000_000), 300, 40, 7
CHUNK = 5000
COMMON = 12  # how often a word of the sets is drawn, to one that nobody else has
VERSIONS = ["", "", "", "", "", "", "Live", "Acoustic", "Remix", "Radio Edit", "Instrumental"]


def run(folder: Path, most: int) -> dict[str, Any]:
    """Fill up to each size and measure; look-ups of names that are there, and noisy ones that nearly are."""
    import django

    django.setup()
    from django.db import connection

    from tracks.models import Identity

    started, done = time.monotonic(), 0
    made = _names(folder)
    found = []
    sizes = sorted({size for size in SIZES if size < most} | {most})
    for size in sizes:
        _fill(made, done, size)
        done = size
        Identity.objects.all().delete()
        settle_names()
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        found.append({"tracks": size, **_measure(size)})
    first = found[0]
    ratio = {
        f"{its['tracks']} {what}": round(its[what][1] / first[what][1], 2)
        for its in found[1:]
        for what in ("lookup_ms", "candidates_ms")
    }
    note = f"Took {(time.monotonic() - started) / 60:.1f} minutes. Names are made of the words of {folder.name}."
    return {"sizes": found, "ratio": ratio, "note": note}


def _names(folder: Path) -> Iterator[Name]:
    """Recordings without end; the same ones each time. Titles are shared: there are TITLES of them."""
    from pika.titles import parse
    from tests.load.names import read_sets

    recordings = read_sets(folder)
    title_words = [word for one in recordings for word in one.title.split()]
    artist_words = [word for one in recordings for who in one.artists for word in who.split()]
    lengths = [len(one.title.split()) for one in recordings]
    dice = random.Random(SEED)

    def word(words: list[str]) -> str:
        return dice.choice(words) if dice.randrange(COMMON) else _new_word(dice)

    def titled() -> Name:
        return parse("x", " ".join(word(title_words) for _ in range(dice.choice(lengths))))

    def person() -> Name:
        return parse(" ".join(word(artist_words) for _ in range(dice.choice((1, 2, 2, 2, 3)))), "x")

    people = [one for one in (person() for _ in range(PEOPLE)) if one.artists]
    titles = [one for one in (titled() for _ in range(TITLES)) if one.title and not one.version]
    versions = [parse("x", "x", text) for text in VERSIONS]
    while True:
        who = dice.choice(people[: PEOPLE // 10] if dice.random() < 0.33 else people)
        other = dice.choice(people) if dice.random() < 0.2 else None
        title, version = dice.choice(titles), dice.choice(versions)
        shown = f"{who.shown_artist}, {other.shown_artist}" if other else who.shown_artist
        artists = who.artists | other.artists if other else who.artists
        yield title._replace(
            artists=artists, shown_artist=shown, version=version.version, shown_version=version.shown_version
        )


def _new_word(dice: random.Random) -> str:
    return "".join(dice.choice(("ka", "lo", "min", "tes", "ru", "vi", "dor", "en", "sha", "bel")) for _ in range(3))


def _fill(made: Iterator[Name], done: int, size: int) -> None:
    """Up to `size` recordings, as the product adds them; with Postgres through COPY."""
    from django.db import connection

    from tracks.models import Track, TrackKey

    for first in range(done, size, CHUNK):
        tracks = [
            Track(
                pk=number,
                title=one.shown_title,
                version=one.shown_version,
                artist=one.shown_artist,
                identity=one.identity,
                duration_ms=200_000,
            )
            for number, one in enumerate(islice(made, min(CHUNK, size - first)), first + 1)
        ]
        keys = [(key, track.pk) for track in tracks for key in track_keys_of(track)]
        if connection.vendor == "postgresql":
            _copy(tracks, keys)
        else:
            Track.objects.bulk_create(tracks)
            TrackKey.objects.bulk_create(TrackKey(key=key, track_id=pk) for key, pk in keys)


def track_keys_of(track: Any) -> set[int]:
    from tracks.keys import track_keys
    from tracks.repository import name_of

    return track_keys(name_of(track))


def _copy(tracks: list[Any], keys: list[tuple[int, int]]) -> None:
    from django.db import connection, transaction

    columns = "id, code, title, version, artist, album, isrc, identity, sources, created_at, duration_ms"
    with transaction.atomic(), connection.cursor() as cursor:
        with cursor.copy(f"COPY tracks_track ({columns}) FROM STDIN") as copy:
            for its in tracks:
                names = (its.title, its.version, its.artist, "", "", its.identity)
                copy.write_row((its.pk, its.code, *names, "{}", its.created_at, its.duration_ms))
        with cursor.copy("COPY tracks_trackkey (key, track_id) FROM STDIN") as copy:
            for row in keys:
                copy.write_row(row)


def _measure(size: int) -> dict[str, Any]:
    """[p50, p95] in ms of the normalised look-up and of all candidates."""
    from pika.titles import identity
    from stages.models import Play
    from tracks.models import Track
    from tracks.repository import candidates

    dice = random.Random(size)
    asked = [Track.objects.get(pk=dice.randint(1, size)) for _ in range(ASKED + WARM)]
    looked, suggested, found = [], [], 0
    for place, track in enumerate(asked):
        title = f"{track.title} ({track.version})" if track.version else track.title
        start = time.perf_counter()
        linked(Play(artist=track.artist, title=title, identity=identity(track.artist, title)))
        middle = time.perf_counter()
        artist, title = _noisy(track.artist, title, dice)
        play = Play(artist=artist, title=title, identity=identity(artist, title))
        begun = time.perf_counter()
        answer = candidates(play)
        end = time.perf_counter()
        if place >= WARM:
            looked.append((middle - start) * 1000)
            suggested.append((end - begun) * 1000)
            found += track.pk in [its.track.pk for its in answer]
    told = {"lookup_ms": looked, "candidates_ms": suggested}
    both = {key: [round(percentile(its, share), 2) for share in (0.5, 0.95)] for key, its in told.items()}
    return both | {"found": round(found / ASKED, 3)}


def _noisy(artist: str, title: str, dice: random.Random) -> tuple[str, str]:
    """One letter wrong in a third, the artist missing in a third, a web address in the rest."""
    kind = dice.randrange(3)
    if kind == 0:
        at = dice.randrange(max(1, len(title) - 1))
        return artist, title[:at] + title[at + 1 :]
    return ("", f"{artist} - {title}"[:200]) if kind == 1 else (artist, f"{title} [www.djlist.org]")


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]), int(sys.argv[2]))))

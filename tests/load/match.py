"""Recognising recordings by name: precision and recall on real sets, and look-ups among a million.

The repository holds most of the recordings; the others are played as well, so that a link can be wrong. Beside us, in
the same run: the exact string, and the best of rapidfuzz's token_set_ratio from 90 on.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pika.setup.testservers import test_servers as private_servers
from tests.load.measure import percentile
from tests.load.settled import linked, settle_names
from tests.processes import ROOT, manage

SETS = ROOT.parent / "shared/data/wcs_sets"
DOC = ROOT / "docs/matching.md"
SEED, AWAY, OTHER_VERSIONS, PLAYS_EACH = 20261121, 0.25, 0.25, 2
FOUR = ("auto_precision", "auto_recall", "first_suggestion_recall", "p95_ms")


def bench(sets: Path | None = None, tracks: int | None = None, is_embedded: bool = False) -> dict[str, Any]:
    """On the sets; with `tracks` the speed among so many instead."""
    folder = (sets or SETS).resolve()
    if not any(folder.glob("*.csv")):
        raise FileNotFoundError(f"No sets (*.csv) in {folder}.")
    with tempfile.TemporaryDirectory() as data, private_servers(is_embedded) as servers:
        env = {
            "DATABASE_URL": servers.database_url or "",
            "REDIS_URL": "",
            "PIKA_DATA": data,
            "PIKA_LOG_LEVEL": "ERROR",
            "PYTHONPATH": f"{ROOT}:{ROOT}/clients/dj/src",
            "DJANGO_SETTINGS_MODULE": "pika.settings",
        }
        manage(env, "migrate", "-v", "0")
        module = "tests.load.million" if tracks else "tests.load.match"
        command = [sys.executable, "-m", module, str(folder), str(tracks or 0)]
        told = subprocess.run(command, env=os.environ | env, check=True, text=True, stdout=-1, cwd=ROOT)
        return {**json.loads(told.stdout.splitlines()[-1]), "header": servers.header_lines}


def show(found: dict[str, Any]) -> str:
    if "sizes" in found:
        return "\n".join([*found["header"], "", *_speed(found)])
    lines = [*found["header"], "", _said(found), "", *table(found), ""]
    lines += [f"Wrong link: “{play}” is not {track}." for play, track in found["wrong"]]
    return "\n".join(lines)


def table(found: dict[str, Any]) -> list[str]:
    """For docs/matching.md."""
    rows = [("Pika!", found), ("exact string", found["exact"]), ("token_set ≥ 90", found["token_set"])]
    lines = [
        "| way | links made that are right | plays linked by themselves | right as first suggestion | p95 |",
        "|---|---|---|---|---|",
    ]
    for name, its in rows:
        precision, recall, first, p95 = (its[key] for key in FOUR)
        lines.append(f"| {name} | {precision:.4f} | {recall:.3f} | {first:.3f} | {p95:.1f} ms |")
    return lines


def write(found: dict[str, Any]) -> None:
    """The table in docs/matching.md, between its two marks."""
    mark, lines = ("tracks", _speed(found)) if "sizes" in found else ("sets", [_said(found), "", *table(found)])
    start, end = f"<!-- made by bench match: {mark} -->\n", f"<!-- end of {mark} -->"
    before, _, rest = DOC.read_text(encoding="utf-8").partition(start)
    _, _, after = rest.partition(end)
    DOC.write_text("".join([before, start, *(f"{line}\n" for line in lines), end, after]), encoding="utf-8")


def _said(found: dict[str, Any]) -> str:
    return (
        f"{found['plays']} plays of {found['recordings']} recordings; {found['known']} of them are in the repository, "
        f"{found['strangers']} plays are of others or of versions that are not there. {found['links']} links were "
        f"made, {len(found['wrong'])} of them wrong."
    )


def _speed(found: dict[str, Any]) -> list[str]:
    lines = [
        "| recordings | look-up p50 | p95 | candidates p50 | p95 | found among them |",
        "|---|---|---|---|---|---|",
    ]
    for its in found["sizes"]:
        times = " | ".join(f"{ms:.2f} ms" for ms in (*its["lookup_ms"], *its["candidates_ms"]))
        lines.append(f"| {its['tracks']:,} | {times} | {its['found']:.3f} |")
    ratios = ", ".join(f"{ratio} ({of.replace('_ms', '')})" for of, ratio in found["ratio"].items())
    return [*lines, "", f"p95 by that of the smallest: {ratios}. {found['note']}"]


# --- In a process of its own -----------------------------------------------------------------------------------
def run(folder: Path) -> dict[str, Any]:
    import django

    django.setup()
    from tests.load.names import VERSIONS, Recording, read_sets, render
    from tracks.repository import NewTrack, add_tracks

    dice = random.Random(SEED)
    recordings = read_sets(folder)
    known = [one for one in recordings if dice.random() > AWAY]
    of_isrc = {isrc: one for one in known for isrc in one.isrcs}
    tracks = add_tracks(_new(one, isrc, NewTrack) for isrc, one in of_isrc.items())
    settle_names()
    plays: list[tuple[Any, Recording | None]] = []
    there = {id(one) for one in known}
    for one in recordings:
        for _ in range(PLAYS_EACH):
            plays.append((render(one, dice), one if id(one) in there else None))
        if not one.version and not one.has_sibling and dice.random() < OTHER_VERSIONS:
            plays.append((render(one, dice, version=dice.choice(VERSIONS)), None))
    ours, wrong = _measure(plays, _ours({track.pk: of_isrc[track.isrc] for track in tracks}))
    names = [(f"{', '.join(one.artists)} - {one.song}", one) for one in known]
    its: dict[str, Any] = {
        "exact": _measure(plays, _exact(names))[0],
        "token_set": _measure(plays, _token_set(names))[0],
    }
    its |= {"plays": len(plays), "recordings": len(recordings), "known": len(known)}
    its["strangers"] = sum(truth is None for _, truth in plays)
    return ours | its | {"wrong": wrong}


def _new(one: Any, isrc: str, new_track: Any) -> Any:
    row = next(row for row in one.rows if row["ISRC"].strip().upper() == isrc)
    ids = {row["Spotify Track Id"] for row in one.rows if row["ISRC"].strip().upper() == isrc}
    its = {"album": row["Album"], "isrc": isrc, "duration_ms": one.seconds * 1000, "spotify_ids": sorted(ids)}
    return new_track(title=row["Song"], artist=", ".join(one.artists), **its)


Answer = tuple[Any, Any]  # the recording that is linked, and the first suggestion


def _measure(plays: list[Any], ask: Callable[[Any], Answer]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    seconds, links, right, first, wrong = [], 0, 0, 0, []
    for play, truth in plays:
        start = time.perf_counter()
        linked, suggested = ask(play)
        seconds.append(time.perf_counter() - start)
        first += truth is not None and suggested is truth
        links += linked is not None
        right += linked is not None and linked is truth
        if linked is not None and linked is not truth:
            wrong.append((f"{play.artist} – {play.title}", f"{', '.join(linked.artists)} – {linked.song}"))
    answerable = sum(truth is not None for _, truth in plays)
    found = (right / links if links else 0.0, right / answerable, first / answerable)
    told = dict(
        zip(FOUR, [*(round(share, 4) for share in found), round(percentile(seconds, 0.95) * 1000, 2)], strict=True)
    )
    return told | {"links": links}, wrong


def _ours(of_track: dict[int, Any]) -> Callable[[Any], Answer]:
    from pika.titles import identity
    from stages.models import Play
    from tracks.repository import candidates

    def ask(its: Any) -> Answer:
        play = Play(**its._asdict(), identity=identity(its.artist, its.title, its.remix))
        track, suggested = linked(play), candidates(play)
        return of_track.get(track or 0), of_track[suggested[0].track.pk] if suggested else None

    return ask


def _exact(names: list[tuple[str, Any]]) -> Callable[[Any], Answer]:
    found = dict(names)

    def ask(play: Any) -> Answer:
        one = found.get(f"{play.artist} - {play.title}")
        return one, one

    return ask


def _token_set(names: list[tuple[str, Any]]) -> Callable[[Any], Answer]:
    from rapidfuzz import fuzz, process, utils

    choices = [utils.default_process(name) for name, _ in names]

    def ask(play: Any) -> Answer:
        whole = utils.default_process(f"{play.artist} - {play.title}")
        _, score, place = process.extractOne(whole, choices, scorer=fuzz.token_set_ratio)
        return names[place][1] if score >= 90 else None, names[place][1]

    return ask


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]))))

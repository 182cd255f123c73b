"""Playlists under injected faults: ours, and as everybody does it (PUT, then POST, with spotipy's own retries).

The stand-in of tests/spotify fails every fourth call, before the effect or after it, and somebody edits a playlist in
the middle now and then. A run is exact (these songs, in this order, in one playlist), or a conflict that was told with
the backup intact, or songs were lost, or doubled.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import timedelta
from typing import Any

from pika.setup.testservers import test_servers as private_servers
from tests.processes import ROOT, manage

SHARE = 0.25  # of the calls that fail
EDITS = 0.1  # of the runs in which somebody else changes the playlist
QUIET = (1, 40, 100, 101, 250, 350)  # sizes written without faults, for the number of calls


def bench(runs: int = 200, is_embedded: bool = False) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, private_servers(is_embedded) as servers:
        env = {
            "DATABASE_URL": servers.database_url or "",
            "REDIS_URL": "",
            "PIKA_DATA": folder,
            "PIKA_LOG_LEVEL": "CRITICAL",
            "PYTHONPATH": f"{ROOT}:{ROOT}/clients/dj/src",
            "DJANGO_SETTINGS_MODULE": "pika.settings",
        }
        manage(env, "migrate", "-v", "0")
        command = [sys.executable, "-m", "tests.load.export", str(runs)]
        done = subprocess.run(command, env=os.environ | env, check=True, text=True, stdout=-1, cwd=ROOT)
    return {**json.loads(done.stdout.splitlines()[-1]), "header": servers.header_lines}


def show(found: dict[str, Any]) -> str:
    columns = ["", "exact", "conflicts", "lost", "doubled"]
    lines = [*found["header"], "", f"{found['runs']} runs, {SHARE:.0%} of the calls fail"]
    lines += ["  ".join(name.ljust(11) for name in columns)]
    for name, its in (("pika", found), ("PUT, POST", found["baseline"])):
        lines.append("  ".join(str(value).ljust(11) for value in [name, *(its[column] for column in columns[1:])]))
    calls = found["calls"]
    lines.append(f"calls without faults: {calls['quiet']}, the least possible: {calls['least']}")
    lines.append(f"calls with faults: {calls['faulty']} times the least possible (median)")
    return "\n".join(lines)


# --- The process that writes --------------------------------------------------------------------------------------
class Story:
    """One run: what is in the playlist, what shall be in it, what fails. The same for both."""

    def __init__(self, seed: int, is_quiet: bool = False) -> None:
        from tests.spotify.standin import CUT, SILENCE, Fault

        self.rng = random.Random(seed)
        self.size = self.rng.randrange(1, 350)
        self.before = self.rng.randrange(1, 250) if seed % 4 == 0 else 0  # an update of an older one
        self.is_order = seed % 8 == 1  # a permutation, among local files and rows without a track
        self.is_edited = not is_quiet and self.rng.random() < EDITS
        zero = {"Retry-After": "0"}
        faults = [Fault(429, headers=zero), Fault(500), Fault(503), Fault(CUT), Fault(502, True), Fault(CUT, True)]
        self.faults = [*faults * 3, Fault(SILENCE, True)]
        self.is_quiet = is_quiet

    def fault(self, call: Any) -> Any:
        return self.rng.choice(self.faults) if not self.is_quiet and self.rng.random() < SHARE else None


class Bench:
    def __init__(self) -> None:
        from cryptography.fernet import Fernet
        from django.conf import settings
        from django.utils import timezone

        from accounts.models import User
        from pika.crypto import seal
        from pika.gateways.spotify import SCOPES
        from playlists.models import SpotifyLink
        from tests.spotify.standin import CLIENT, SECRET, Standin

        self.standin = Standin(is_checking=False)
        self.standin.silence = 0.6
        settings.FIELD_KEYS = [Fernet.generate_key().decode()]
        settings.SPOTIFY_CLIENT_ID, settings.SPOTIFY_SECRET, settings.SPOTIFY_TIMEOUT = CLIENT, SECRET, 20.0
        settings.SPOTIFY_API_URL, settings.SPOTIFY_ACCOUNTS_URL = f"{self.standin.url}/v1", self.standin.url
        self.user = User.objects.create_user("marcus@example.com")
        its = {"access_token": seal(self.standin.token(seconds=1e6)), "refresh_token": seal("none")}
        its |= {"scopes": " ".join(SCOPES), "expires_at": timezone.now() + timedelta(days=9), "account_id": "acc"}
        SpotifyLink.objects.create(user=self.user, login="marcus", **its)

    def songs(self, first: int, count: int) -> list[str]:
        from tests.spotify.standin import an_id

        return [an_id(number) for number in range(first, first + count)]

    def begin(self, story: Story) -> None:
        """An empty account, and what happens to it."""
        self.standin.playlists.clear()
        self.standin.calls.clear()
        self.standin.fault_for, self.was_edited = story.fault, False

        def edit(call: Any) -> None:
            mine = next(iter(self.standin.playlists.values()), None)
            is_time = mine is not None and call.method == "GET" and len(mine.rows) >= min(100, story.size)
            if story.is_edited and not self.was_edited and mine and is_time and call.path.endswith("/items"):
                self.was_edited = True
                mine.rows.insert(0, type(mine.rows[0])(f"spotify:track:{self.songs(9000, 1)[0]}"))
                mine.version += 1

        self.standin.before_effect = edit

    # --- Ours ---------------------------------------------------------------------------------------------------
    def ours(self, story: Story, number: int) -> tuple[str, float]:
        """What became of it; calls by the least possible."""
        from playlists.actions import Wanted, export_playlist
        from playlists.models import Export, Rewrite
        from playlists.rewriting import least_calls

        if story.is_order:
            return self.ours_in_order(story)
        self.standin.before_effect, self.standin.fault_for = lambda call: None, lambda call: None
        self.standin.playlists.clear()
        ref = f"run {number}"

        def export(ids: list[str]) -> Export:
            wanted = [Wanted(its, its) for its in ids]
            return export_playlist(self.user, "set", ref, f"Set {number}", "", wanted)

        older: dict[str, Any] = {}
        if story.before:
            export(self.songs(0, story.before))
            self.work()
            older = dict(self.standin.playlists)
        self.begin(story)
        self.standin.playlists.update(older)
        before = [uri for its in older.values() for uri in its.uris]
        target = [f"spotify:track:{its}" for its in self.songs(500, story.size)]
        export(self.songs(500, story.size))
        export(self.songs(500, story.size))  # twice
        self.work()
        calls = len(self.standin.calls)
        its = Export.objects.get(ref=ref)
        least = least_calls(before, target, is_known=not before) + (not before)
        made = list(self.standin.playlists.values())
        if its.state == "done" and [one.uris for one in made] in ([target], [[self.edited_uri, *target]]):
            return "exact", calls / least
        if its.state == "conflict":
            last = Rewrite.objects.latest("pk")
            kept = [row["uri"] for row in last.backup]
            is_unwritten = last.state != "conflict"  # it was noticed before anything was written
            is_intact = len(made) == 1 and (is_unwritten or kept in (before, [self.edited_uri, *before]))
            return ("conflicts" if is_intact and self.was_edited else "lost"), calls / least
        return _verdict([one.uris for one in made], target), calls / least

    @property
    def edited_uri(self) -> str:
        return f"spotify:track:{self.songs(9000, 1)[0]}"

    def ours_in_order(self, story: Story) -> tuple[str, float]:
        from pika.gateways import spotify
        from playlists import rewriting
        from playlists.models import Rewrite

        self.begin(story)
        self.standin.before_effect = lambda call: None
        local = "spotify:local:A:B:C:1"
        uris = [f"spotify:track:{its}" for its in self.songs(0, 8 + story.size % 20)]
        playlist = self.standin.playlist([*uris, local, ""])
        rows = list(playlist.rows)
        keys = [row.uri or f"null:{row.added_at}" for row in rows]
        order = story.rng.sample(range(len(rows)), len(rows))
        target = [keys[at] for at in order]
        client, journal, known = spotify.connect(self.standin.token()), None, None
        for _ in range(2000):
            try:
                if journal is None:
                    journal, known = rewriting.begin(self.user, client, playlist.id, target)
                if rewriting.go_on(journal, client, known):
                    break
            except (spotify.Away, spotify.Unknown):
                pass
            if journal is not None:
                journal, known = Rewrite.objects.get(pk=journal.pk), None
        is_exact = playlist.rows == [rows[at] for at in order]
        return ("exact" if is_exact else "lost"), len(self.standin.calls) / rewriting.least_calls(keys, target)

    def work(self) -> None:
        from django.utils import timezone

        from pika.jobs.actions import run_due
        from pika.jobs.models import Job

        while Job.objects.filter(state="queued").update(due_at=timezone.now()):
            run_due()

    # --- As everybody does it ------------------------------------------------------------------------------------
    def theirs(self, story: Story) -> str:
        import requests
        import spotipy

        self.begin(story)
        self.standin.before_effect = lambda call: None  # it would not see it anyway
        api = spotipy.Spotify(auth=self.standin.token(), requests_timeout=0.5, backoff_factor=0)
        api.prefix = f"{self.standin.url}/v1/"
        uris = [f"spotify:track:{its}" for its in self.songs(500, story.size)]
        if story.is_order or story.before:
            count = 8 + story.size % 20 if story.is_order else story.before
            made = self.standin.playlist([f"spotify:track:{its}" for its in self.songs(0, count)]).id
            if story.is_order:
                uris = list(story.rng.sample(self.standin.playlists[made].uris, count))
        try:
            if not story.is_order and not story.before:
                about = {"name": "Set", "public": True, "description": ""}
                made = api._post("me/playlists", payload=about)["id"]
            api._put(f"playlists/{made}/items", payload={"uris": uris[:100]})
            for at in range(100, len(uris), 100):
                api._post(f"playlists/{made}/items", payload={"uris": uris[at : at + 100]})
        except (spotipy.SpotifyException, requests.RequestException, AttributeError):
            pass  # and somebody presses the button again, or not
        return _verdict([one.uris for one in self.standin.playlists.values()], uris)


def _verdict(made: list[list[str]], target: list[str]) -> str:
    if made == [target]:
        return "exact"
    found = Counter(uri for uris in made for uri in uris)
    return "lost" if Counter(target) - found else "doubled"


def run(runs: int) -> None:
    import logging

    import django
    from django.conf import settings

    django.setup()
    logging.disable(logging.CRITICAL)
    its = Bench()
    quiet = least = 0
    its.ours(Story(2, is_quiet=True), -1)  # which kind of app it is, is found out once
    for number, size in enumerate(QUIET):
        story = Story(2, is_quiet=True)
        story.size = size
        verdict, ratio = its.ours(story, -2 - number)
        assert verdict == "exact", verdict
        quiet += len(its.standin.calls)
        least += round(len(its.standin.calls) / ratio)
    settings.SPOTIFY_TIMEOUT = 0.5
    ours: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    ratios = []
    for number in range(runs):
        verdict, ratio = its.ours(Story(number), number)
        ours[verdict] += 1
        ratios.append(ratio)
        theirs[its.theirs(Story(number))] += 1
    names = ("exact", "conflicts", "lost", "doubled")
    calls = {"quiet": quiet, "least": least, "faulty": round(statistics.median(ratios), 2)}
    baseline = {name: theirs[name] for name in names}
    print(json.dumps({"runs": runs, **{name: ours[name] for name in names}, "calls": calls, "baseline": baseline}))


if __name__ == "__main__":
    run(int(sys.argv[1]))

"""`manage.py bench NAME`: measure against a baseline in the same run. Needs the checkout, not the image."""

import json
import sys
from argparse import ArgumentParser
from importlib import import_module
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

# How many phones each has, if nobody says.
PHONES = {"fanout": 1000, "storm": 1000, "routing": 5000, "scale": 10_000, "push": 5000, "register": 500}
BENCHES = ["sessions", *PHONES, "chaos", "match", "export"]


class Command(BaseCommand):
    help = "Run a benchmark on servers of its own (loopback, private data)."
    requires_system_checks: list[str] = []  # type: ignore[assignment]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", choices=BENCHES)
        parser.add_argument(
            "--sessions", type=int, help="sessions: how many evenings (200); routing: how many DJs (100)"
        )
        parser.add_argument(
            "--phones",
            type=int,
            help="fanout, storm: 1000; routing, push: 5000; scale: 10000; chaos: 200; register: 500",
        )
        parser.add_argument("--processes", type=int, help="web processes of ours (1, chaos: 2; not with --embedded)")
        parser.add_argument("--rounds", type=int, default=2, help="chaos: how often each fault")
        parser.add_argument("--seconds", type=float, help="fanout: one round, so long (instead of three of 4)")
        parser.add_argument("--rate", type=float, help="fanout: messages a second (10); then without the baselines")
        parser.add_argument(
            "--sets", type=Path, help="match: a folder of sets (CSV with ISRC); ../shared/data/wcs_sets"
        )
        parser.add_argument("--tracks", type=int, help="match: speed among so many tracks (1000000 takes some minutes)")
        parser.add_argument("--markdown", action="store_true", help="match: write the table into docs/matching.md")
        parser.add_argument("--runs", type=int, default=200, help="export: how many playlists")
        parser.add_argument("--embedded", action="store_true", help="SQLite and memory instead of Postgres and Redis")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        try:
            bench = import_module(f"tests.load.{name}")
        except ModuleNotFoundError as error:
            raise CommandError("Benchmarks live in tests/load of the checkout; they are not in the image.") from error
        if options["embedded"] and (name in {"chaos", "scale"} or (options["processes"] or 1) > 1):
            raise CommandError("Embedded is one process.")
        if name == "chaos":
            found = bench.bench(options["phones"] or 200, options["processes"] or 2, options["rounds"])
            self.stdout.write(json.dumps(found) if options["json"] else bench.show(found))
            if found["broken"]:
                sys.exit(1)
            return
        if name == "export":
            found = bench.bench(options["runs"], options["embedded"])
            self.stdout.write(json.dumps(found) if options["json"] else bench.show(found))
            if found["lost"] or found["doubled"]:
                sys.exit(1)
            return
        if name == "match":
            try:
                found = bench.bench(options["sets"], options["tracks"], options["embedded"])
            except FileNotFoundError as error:
                raise CommandError(str(error)) from error
            if options["markdown"]:
                bench.write(found)
            self.stdout.write(json.dumps(found, ensure_ascii=False) if options["json"] else bench.show(found))
            return
        if name in {"push", "register"}:
            found = bench.bench(options["phones"] or PHONES[name], options["embedded"])
            self.stdout.write(json.dumps(found) if options["json"] else bench.show(found))
            return
        if name == "sessions":
            result = bench.bench(options["sessions"] or 200, options["embedded"])
            self.stdout.write(json.dumps(result) if options["json"] else bench.show(result))
            return
        tuning: dict[str, Any] = {"sessions": options["sessions"] or 100} if name == "routing" else {}
        if options["seconds"]:
            tuning |= {"seconds": options["seconds"], "rounds": 1}
        if options["rate"]:
            tuning |= {"rate": options["rate"], "baselines": ()}
        result = bench.bench(
            options["phones"] or PHONES[name], options["processes"] or 1, options["embedded"], **tuning
        )
        self.stdout.write(json.dumps(result.summary()) if options["json"] else bench.show(result))
        if name == "routing" and not result.ok:
            sys.exit(1)

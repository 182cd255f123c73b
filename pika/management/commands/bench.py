"""`manage.py bench NAME`: measure against a baseline in the same run. Needs the checkout, not the image."""

import json
from argparse import ArgumentParser
from importlib import import_module
from typing import Any

from django.core.management.base import BaseCommand, CommandError

BENCHES = ["sessions"]


class Command(BaseCommand):
    help = "Run a benchmark on servers of its own (loopback, private data)."
    requires_system_checks: list[str] = []  # type: ignore[assignment]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", choices=BENCHES)
        parser.add_argument("--sessions", type=int, default=200)
        parser.add_argument("--embedded", action="store_true", help="SQLite and memory instead of Postgres and Redis")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            bench = import_module(f"tests.load.{options['name']}")
        except ModuleNotFoundError as error:
            raise CommandError("Benchmarks live in tests/load of the checkout; they are not in the image.") from error
        result = bench.bench(options["sessions"], options["embedded"])
        self.stdout.write(json.dumps(result) if options["json"] else bench.show(result))

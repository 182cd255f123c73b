"""`test` in the list of commands; manage.py goes to `pika.setup.run_tests` directly, before any setting is read."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pika.setup import run_tests


class Command(BaseCommand):
    help = "Run pytest on servers of its own (test --embedded: on SQLite and memory)."

    def handle(self, *args: Any, **options: Any) -> None:
        raise CommandError(f"Start it with manage.py itself.\n\n{run_tests.HELP}")

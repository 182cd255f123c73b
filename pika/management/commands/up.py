"""`up` in the list of commands; manage.py goes to `pika.setup.up` directly, before any setting is read."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from pika.setup import up


class Command(BaseCommand):
    help = "Set up and run everything, in one process."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        up.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        up.run(options["host"], options["port"], options["data"], options["demo"])

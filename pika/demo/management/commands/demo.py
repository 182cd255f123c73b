"""`manage.py demo`: make Elena's weekend, or tell about it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from pika.demo.weekend import describe, make_weekend


class Command(BaseCommand):
    help = "Make Elena's weekend with a robot DJ on each of its four stages. Again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--describe", action="store_true", help="only print its people and their password")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["describe"]:
            self.stdout.write(describe())
        else:
            make_weekend()

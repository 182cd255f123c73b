"""`manage.py serve`: the web role of the image; `--check` only looks whether it could."""

import socket
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from pika.setup import serve


class Command(BaseCommand):
    help = "Serve in production: WEB_PROCESSES processes over Postgres and Redis. For everything in one: manage.py up"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (8000; 0 picks a free one)")
        parser.add_argument("--check", action="store_true", help="look at environment, database and Redis, and end")
        # From the process that keeps several of them.
        parser.add_argument("--listen-fd", type=int, help="(internal) the socket that is listening already")
        parser.add_argument("--beat-fd", type=int, help="(internal) where to say that all is well")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check"]:
            sys.exit(self.check_servers())
        if options["listen_fd"] is not None:
            sys.exit(serve.serve_on(socket.socket(fileno=options["listen_fd"]), options["beat_fd"]))
        sys.exit(serve.run(options["host"], options["port"]))

    def check_servers(self) -> int:
        """Say how environment, database and Redis are; the exit code."""
        serve.check_environment(serve.web_processes())
        serve.trusted_proxies()
        problems = {
            "database": serve.database_problem(settings.DATABASE_URL),
            "redis": serve.redis_problem(settings.REDIS_URL),
        }
        for name, problem in problems.items():
            self.stdout.write(f"{name}: {problem or 'ok'}")
        return 1 if any(problems.values()) else 0

#!/usr/bin/env python3
"""The way in: `up` sets up and runs everything, `test` sets up and tests everything, then any Django command."""

import os
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))

# Only syntax that an old Python 3 can read, so that it gets a sentence and not a SyntaxError.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "Pika! needs Python 3.11 or newer; this is Python {}.{} ({}).\n"
        "Start it with a newer one, for example: python3.12 manage.py {}".format(
            sys.version_info[0], sys.version_info[1], sys.executable, " ".join(sys.argv[1:]) or "up"
        )
    )


def main(argv: list[str]) -> None:
    from pika.setup import install

    install.enter(ROOT, argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pika.settings")
    # The demo reads a real DJ's set with the parser of the DJ client.
    sys.path.insert(1, os.path.join(ROOT, "clients", "dj", "src"))
    command = argv[1] if len(argv) > 1 else "help"
    if command == "up":
        from pika.setup.up import main as up

        sys.exit(up(argv[2:]))
    if command == "test":
        from pika.setup.run_tests import main as run_tests

        sys.exit(run_tests(argv[2:]))
    from django.core.management import execute_from_command_line

    execute_from_command_line(argv)


if __name__ == "__main__":
    main(sys.argv)

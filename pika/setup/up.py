"""`python3 manage.py up`: the whole product in one process."""

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import IO

from pika.setup import Refused, ground, terminal
from pika.setup.embedded import Embedded
from pika.setup.web import Web, leave

ROOT = Path(__file__).resolve().parent.parent.parent


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 lets phones in")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (8000; 0 picks a free one)")
    parser.add_argument(
        "--data", type=Path, default=None, help="folder for database and secrets (var, beside manage.py)"
    )
    parser.add_argument(
        "--demo",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="make the demo weekend (the default on a fresh database)",
    )


def main(arguments: list[str]) -> int:
    """Set up and serve until told to stop; the exit code. Refused, with a sentence, when something is in the way."""
    parser = argparse.ArgumentParser(prog="manage.py up", description="Set up and run everything, in one process.")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    # A shell that starts us in the background has told us to ignore Ctrl-C; whoever sends it all the same means it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return run(options.host, options.port, options.data, options.demo)


def run(host: str, port: int, data: Path | None, demo: bool | None) -> int:
    data = (data or Path(os.environ.get("PIKA_DATA") or ROOT / "var")).expanduser().resolve()
    try:
        listening = ground.bind(host, port, data)
        ground.make_folder(data)
        # With servers of their own several processes may share the folder: it then holds only the secrets.
        held = None if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL") else ground.hold(data)
        return _serve(listening, host, data, demo, held)
    except KeyboardInterrupt:
        terminal.say("\nStopped before it was up.")
        leave(130)
        raise


def _serve(listening: socket.socket, host: str, data: Path, demo: bool | None, held: IO[str] | None) -> int:
    os.environ["PIKA_DATA"] = str(data)
    import django
    from django.conf import settings
    from django.db import connections

    django.setup()
    # "No hostname was supplied": memory has none.
    logging.getLogger("kombu.connection").setLevel(logging.ERROR)
    alone = ground.check_servers(settings.DATABASE_URL, settings.REDIS_URL)
    _prepare_database(demo)
    connections.close_all()
    from pika.celery import app

    port = listening.getsockname()[1]
    url = terminal.base_url(terminal.host_to_open(host), port)
    if held:
        ground.leave_word(held, url)
    embedded = Embedded(app)
    web = Web(
        "pika.asgi:application",
        settings.UVICORN,
        on_ready=lambda: _welcome(url, host, data, embedded.worker.concurrency),
        on_stopping=lambda: _stop(embedded),
    )

    def on_death(name: str) -> None:
        terminal.say(f"The {name} has died; what it said is above. Half a system must not serve: stopping.")
        web.ask_to_stop(1)

    embedded.start(on_death)
    code = _until_stopped(web, listening, embedded)
    del alone, held  # held until here
    leave(code)
    return code


def _stop(embedded: Embedded) -> None:
    embedded.stop()
    # From a thread: this runs in a signal handler, perhaps in the middle of another print.
    threading.Thread(target=terminal.say, args=("Stopping ...",), daemon=True).start()


def _until_stopped(web: Web, listening: socket.socket, embedded: Embedded) -> int:
    try:
        code = web.serve_on(listening)
    except SystemExit:  # uvicorn has said why it could not start
        web.ask_to_stop(1)
        code = 1
    is_clean = embedded.wait(until=web.stopped_by)
    terminal.say("Stopped." if is_clean else "Stopped. What was not finished goes on at the next start.")
    return code


def _prepare_database(demo: bool | None) -> None:
    from django.core.management import call_command, get_commands
    from django.db import connection

    is_fresh = not connection.introspection.table_names()
    if is_fresh:
        terminal.say("Making the database ...")
    call_command("migrate", verbosity=0, interactive=False)
    if demo or (demo is None and is_fresh):
        if "demo" in get_commands():
            terminal.say("Making the demo weekend ...")
            call_command("demo")
        elif demo:
            raise Refused("There is no demo in this checkout: the command `demo` is missing.")


def _welcome(url: str, host: str, data: Path, worker_threads: int) -> None:
    # Asks the database, which must not be done inside uvicorn's event loop.
    threading.Thread(target=_say_welcome, args=(url, host, data, worker_threads), daemon=True).start()


def _say_welcome(url: str, host: str, data: Path, worker_threads: int) -> None:
    from django.conf import settings
    from django.db import connections

    try:
        code, people = _stage_code(), _people()
    finally:
        connections.close_all()
    parts = [
        f"\nPika! is up: {url}/\n",
        terminal.what_to_open(url, code),
        f"\nWhat runs:\n{terminal.what_runs(data, settings.DATABASE_URL, settings.REDIS_URL, worker_threads)}",
    ]
    if people:
        parts.append(f"\n{people}")
    if code and (drawn := terminal.qr(f"{url}/s/{code}", sys.stdout.encoding)):
        parts.append(f"\n{drawn}\n  {url}/s/{code}")
        if host not in terminal.ANY_HOST:
            parts.append("  (for the phones around you: up --host 0.0.0.0)")
    parts.append("\nStop with Ctrl-C. Everything that counts is on disk.")
    terminal.say("\n".join(parts))


def _stage_code() -> str | None:
    from django.apps import apps

    try:
        stage = apps.get_model("stages", "Stage")
    except LookupError:
        return None
    first = stage._default_manager.public().order_by("pk").first()
    return first.code if first else None


def _people() -> str:
    import io

    from django.core.management import call_command, get_commands

    if "demo" not in get_commands():
        return ""
    out = io.StringIO()
    call_command("demo", "--describe", stdout=out)
    return out.getvalue().rstrip()

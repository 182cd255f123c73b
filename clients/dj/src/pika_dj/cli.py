"""The command line: what can be asked, and every trouble as one line."""

from __future__ import annotations

import argparse
import signal
import sqlite3
import sys
from collections.abc import Sequence
from types import FrameType

from pika_dj import VERSION, screen
from pika_dj.doctor import doctor
from pika_dj.hide import hide
from pika_dj.login import login
from pika_dj.screen import Trouble, log
from pika_dj.settings import Settings, home
from pika_dj.sources.choose import NAMES, Wanted
from pika_dj.verify import verify


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code: 0 done, 1 trouble, 2 misunderstood, 130 interrupted."""
    asked = _parser().parse_args(arguments)
    screen.prepare(home())
    try:
        return _run(asked)
    except (Trouble, sqlite3.Error) as trouble:
        words = str(trouble)
        if isinstance(trouble, sqlite3.Error):
            words = f"The outbox in {home()} cannot be used: {trouble}. Is the disk full?"
        log.error(words)
        print(f"pika-dj: {words}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, EOFError):
        return 130


def _run(asked: argparse.Namespace) -> int:
    if asked.command == "login":
        return login(asked.server, asked.token)
    if asked.command == "doctor":
        return doctor(asked.folder)
    settings = Settings.load()
    if asked.command == "hide":
        return hide(settings, is_hidden=not asked.undo)
    if asked.command == "verify":
        return verify(settings, asked.session)
    # Imported here: the websocket library is not needed to log in or to ask the doctor.
    signal.signal(signal.SIGTERM, _interrupt)
    if asked.command == "replay":
        from pika_dj.replay import replay

        return replay(settings, asked.files, speed=asked.speed, stage=asked.stage)
    from pika_dj.live import Options, live

    source = Wanted(
        name=asked.source,
        folder=asked.folder or settings.folder,
        port=asked.port,
        plugin_password=settings.plugin_password,
        listener_secret=settings.listener_secret,
    )
    options = Options(
        stage=asked.stage,
        name=asked.name,
        delay_s=asked.delay,
        after_s=settings.after_s if asked.after is None else asked.after,
        keep=asked.keep,
        source=source,
    )
    return live(settings, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pika-dj", description="Tells Pika! what you play.")
    parser.add_argument("--version", action="version", version=f"pika-dj {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    command = commands.add_parser("login", help="keep your token")
    command.add_argument("--server", help="the address of Pika!, for example https://pika.example.org")
    command.add_argument("--token", help="your token; asked for, and not shown, when you leave it out")

    command = commands.add_parser("live", help="tell the floor what you play")
    command.add_argument("--stage", default="", help="the stage's code; without it you get a page of your own")
    command.add_argument("--source", choices=NAMES, default="virtualdj", help="where your tracks come from")
    command.add_argument("--folder", default="", help="the folder of your DJ program, when it is not found")
    command.add_argument("--port", type=_port, help="the port of Network Control, or to listen on (wnp)")
    command.add_argument("--delay", type=_delay, metavar="S", help="publish every track S seconds later, 0-600")
    command.add_argument("--name", default="", metavar="DJNAME", help="the name dancers see")
    command.add_argument("--after", type=_seconds, metavar="S", help="seconds a track must be heard first (15)")
    command.add_argument("--keep", action="store_true", help="leave the session open on Ctrl-C")

    command = commands.add_parser("replay", help="send the plays of history files")
    command.add_argument("files", nargs="+", metavar="FILE", help="history files, or folders of them")
    command.add_argument("--speed", type=_speed, default=60.0, help="1 as it was, 60 (usual), 0 at once")
    command.add_argument("--stage", default="", help="the stage's code")

    command = commands.add_parser("doctor", help="check everything before the first dance")
    command.add_argument("--folder", default="", help="the folder of VirtualDJ, when it is not found")

    command = commands.add_parser("hide", help="hide the track you are playing now")
    command.add_argument("--undo", action="store_true", help="show it again")

    command = commands.add_parser("verify", help="say what the songs of your last set were")
    command.add_argument("session", nargs="?", default="", metavar="CODE", help="another set, by its code")
    return parser


def _seconds(text: str) -> float:
    return _number(text, 1_000_000, "seconds, 0 or more")


def _speed(text: str) -> float:
    return _number(text, 1_000_000, "a number, 0 or more")


def _delay(text: str) -> int:
    return int(_number(text, 600, "from 0 to 600 seconds"))


def _port(text: str) -> int:
    return int(_number(text, 65535, "from 0 to 65535"))


def _number(text: str, largest: float, words: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= largest:
        raise argparse.ArgumentTypeError(f"{text} does not fit; it must be {words}")
    return value


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt

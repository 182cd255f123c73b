"""`pika-dj doctor`: everything that must be right before the first dance, in one go."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pika_dj.login import who_am_i
from pika_dj.outbox import Outbox
from pika_dj.rest import TokenRefused
from pika_dj.screen import Trouble, say
from pika_dj.settings import Settings, home, is_open_line
from pika_dj.sources import mixxx, serato, virtualdj_home
from pika_dj.tracks import utc_now

SKEW_S = 5.0  # the server corrects more than this, but the DJ's own records would be wrong
LONGEST_DELAY_S = 60


class Finding(NamedTuple):
    """One line of the doctor: what was looked at, whether it is right, and what to do if not."""

    what: str
    is_ok: bool
    words: str

    def __str__(self) -> str:
        return f"{'OK     ' if self.is_ok else 'PROBLEM'}  {self.what}: {self.words}"


def doctor(folder: str = "") -> int:
    """Print every finding; returns 1 when there is a problem, else 0."""
    findings = []
    for finding in examine(folder):
        say(str(finding))
        findings.append(finding)
    problems = sum(not finding.is_ok for finding in findings)
    say("Everything is ready." if not problems else f"{problems} to put right.")
    return 1 if problems else 0


def examine(folder: str = "") -> Iterator[Finding]:
    """The findings, in the order a DJ would put them right."""
    yield _storage()
    try:
        settings = Settings.load()
        settings.require_login()
    except Trouble as trouble:
        yield Finding("Login", False, str(trouble))
        settings = None
    if settings:
        yield from _server(settings)
        yield from _outbox(settings)
    yield from _folders(folder or (settings.folder if settings else ""))


def _storage() -> Finding:
    place = home()
    try:
        place.mkdir(parents=True, exist_ok=True)
        probe = place / "doctor.probe"
        probe.write_text("", "utf-8")
        probe.unlink()
    except OSError as error:
        return Finding("Storage", False, f"{place} cannot be written ({error.strerror}). Check its permissions.")
    return Finding("Storage", True, str(place))


def _server(settings: Settings) -> Iterator[Finding]:
    if is_open_line(settings.server):
        yield Finding("Line", False, "The address is http: others can read your token. Log in with https.")
    asked_at = utc_now()
    try:
        me = who_am_i(settings)
    except Trouble as trouble:
        if isinstance(trouble.__cause__, TokenRefused):
            yield Finding("Server", True, settings.server)
            yield Finding("Token", False, str(trouble))
        else:
            yield Finding("Server", False, str(trouble))
        return
    yield Finding("Server", True, settings.server)
    yield Finding("Token", True, f"You are {me.get('name') or me.get('email')}")
    yield _clock(str(me.get("serverTime")), asked_at + (utc_now() - asked_at) / 2)


def _clock(server_time: str, here: datetime) -> Finding:
    try:
        ahead = (here - datetime.fromisoformat(server_time)).total_seconds()
    except (ValueError, TypeError):
        return Finding("Clock", False, "The server did not say its time. Is it the right server?")
    if abs(ahead) > SKEW_S:
        way = "ahead" if ahead > 0 else "behind"
        return Finding("Clock", False, f"It is {abs(ahead):.0f} s {way}. Let the system set the time by itself.")
    return Finding("Clock", True, f"{abs(ahead):.1f} s off")


def _outbox(settings: Settings) -> Iterator[Finding]:
    outbox = Outbox(home() / "outbox.sqlite")
    try:
        waiting = outbox.count(settings.server, "waiting")
        rejected = outbox.count(settings.server, "rejected")
    finally:
        outbox.close()
    words = f"{waiting} tracks waiting, {rejected} not taken by the server"
    yield Finding("Outbox", True, words + (" (see the log file for the reasons)" if rejected else ""))


def _folders(folder: str) -> Iterator[Finding]:
    virtualdj = Path(folder).expanduser() if folder else virtualdj_home.find_home()
    if virtualdj:
        yield from _virtualdj(virtualdj)
        return
    if serato.usual_sessions().is_dir():
        yield Finding("Serato", True, f"{serato.usual_sessions()} (start with --source serato)")
    elif found := mixxx.usual_database():
        yield Finding("Mixxx", True, f"{found} (start with --source mixxx)")
    else:
        yield Finding("Folder", False, "No VirtualDJ, Serato or Mixxx was found. Say where it is with --folder.")


def _virtualdj(folder: Path) -> Iterator[Finding]:
    history = virtualdj_home.history_of(folder)
    if not history.is_dir() or not os.access(history, os.R_OK):
        yield Finding("Folder", False, f"{history} cannot be read. Give VirtualDJ's folder with --folder.")
        return
    files = sum(1 for _ in history.rglob("*.m3u"))
    if files:
        yield Finding("Folder", True, f"{history}, {files} evenings")
    else:
        words = f"{history} holds no history yet. Play one track for a minute in VirtualDJ, then ask again."
        yield Finding("Folder", False, words)
    delay = virtualdj_home.history_delay_s(history.parent)
    if delay is None:
        words = "settings.xml was not found, so the delay of the history is not known (usually 45 s)"
        yield Finding("VirtualDJ settings", True, words)
    elif delay > LONGEST_DELAY_S:
        words = f"Tracks are written {delay} s late. In VirtualDJ's options set historyDelay to 45 or less."
        yield Finding("VirtualDJ settings", False, words)
    else:
        yield Finding("VirtualDJ settings", True, f"tracks are written {delay} s after they start")

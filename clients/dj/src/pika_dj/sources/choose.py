"""The source the DJ asked for, found on this computer."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pika_dj.screen import Trouble
from pika_dj.sources import Source, mixxx, netcontrol, serato, typed, virtualdj, virtualdj_home, wnp

NAMES = ("virtualdj", "netcontrol", "wnp", "serato", "mixxx", "type")


@dataclass(frozen=True)
class Wanted:
    """What the command line and the settings say about the source."""

    name: str = "virtualdj"
    folder: str = ""
    port: int | None = None
    plugin_password: str = ""
    listener_secret: str = ""


def open_source(wanted: Wanted, since: datetime, after_s: float) -> Source:
    """The source, ready to be asked. Raises Trouble with what to do when it is not on this computer."""
    folder = Path(wanted.folder).expanduser() if wanted.folder else None
    if folder and not folder.exists():
        raise Trouble(f"There is no folder {folder}")
    if wanted.name == "netcontrol":
        password = os.environ.get("PIKA_DJ_PLUGIN_PASSWORD") or wanted.plugin_password
        return netcontrol.NetworkControl(after_s, wanted.port, password)
    if wanted.name == "wnp":
        secret = os.environ.get("PIKA_DJ_LISTENER_SECRET") or wanted.listener_secret
        return wnp.NowPlayingListener(after_s, wanted.port, secret)
    if wanted.name == "serato":
        sessions = serato.sessions_of(folder) if folder else serato.usual_sessions()
        if not sessions.is_dir():
            raise Trouble(f"No Serato sessions in {sessions}. Say where they are with --folder.")
        return serato.SeratoSessions(sessions, since)
    if wanted.name == "mixxx":
        database = folder or mixxx.usual_database()
        if not database:
            raise Trouble("Mixxx's database was not found. Say where mixxxdb.sqlite is with --folder.")
        return mixxx.MixxxHistory(database, since)
    if wanted.name == "type":
        return typed.TypedTracks()
    home = folder or virtualdj_home.find_home()
    if not home:
        raise Trouble("VirtualDJ's folder was not found. Say where it is with --folder.")
    history = virtualdj_home.history_of(home)
    return virtualdj.VirtualDJHistory(history, since, virtualdj_home.bpm_by_path(history.parent))

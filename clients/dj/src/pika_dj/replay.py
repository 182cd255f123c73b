"""`pika-dj replay`: send the plays of history files with their own times. Can be killed and started again."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pika_dj.booth import Booth, new_session, page_of
from pika_dj.musicfile import complete
from pika_dj.outbox import Outbox, Session
from pika_dj.plays import play_id, record_of
from pika_dj.rest import end_request
from pika_dj.screen import Trouble, say
from pika_dj.settings import Settings, home
from pika_dj.sources.serato import read_session
from pika_dj.sources.tracklist import read_tracklist
from pika_dj.sources.virtualdj import read_history
from pika_dj.tracks import HeardTrack

BETWEEN_FILES_S = 10.0  # between two evenings; nobody waits for a month to pass
LOOK_EVERY_S = 0.05
# The outbox keeps the newest 10,000, so a long replay lets the server catch up before it puts more.
MOST_WAITING = 2_000
READERS = {".m3u": read_history, ".session": read_session, ".txt": read_tracklist}


def replay(settings: Settings, files: Sequence[str], *, speed: float = 60.0, stage: str = "") -> int:
    """Send every play of the files once, in order, then end the session. Raises Trouble.

    Killed at any moment and started with the same files, it goes on in the same session where it was.
    Returns 1 when the server refused some plays, else 0.
    """
    settings.require_login()
    paths = find_files(files)
    plays = read_all(paths)
    outbox = Outbox(home() / "outbox.sqlite")
    try:
        session = _session_for(outbox, settings.server, paths, stage)
        booth = Booth(settings, outbox, session)
        try:
            _open(booth)
            _play_all(booth, plays, speed)
            return _finish(booth)
        except KeyboardInterrupt:
            say("Stopped. The same command goes on from here.")
            return 130
        finally:
            booth.stop()
    finally:
        outbox.close()


def find_files(names: Sequence[str]) -> list[Path]:
    """The files meant, each once: as given, and the m3u files of a folder in the order they were played."""
    found: dict[Path, None] = {}
    for name in names:
        path = Path(name).expanduser()
        if path.is_dir():
            inside = [file for file in path.rglob("*") if file.suffix.lower() == ".m3u" and file.is_file()]
            dated = [(plays[0].played_at, file.name, file) for file in inside if (plays := _read(file))]
            found |= dict.fromkeys(file.resolve() for *_, file in sorted(dated))
            if not dated:
                raise Trouble(f"There is no history in {path}")
        elif not path.is_file():
            raise Trouble(f"There is no file {path}")
        elif path.suffix.lower() not in READERS:
            raise Trouble(f"{path.name} is no history file. Known are VirtualDJ's m3u and txt, and Serato's session.")
        else:
            found[path.resolve()] = None
    return list(found)


def read_all(paths: Sequence[Path]) -> list[HeardTrack]:
    """All plays of the files in order. Raises Trouble when there are none."""
    plays = []
    for path in paths:
        inside = _read(path)
        if not inside:
            say(f"{path.name} holds no plays with a time; skipped.")
        plays += inside
    if not plays:
        raise Trouble("These files hold no plays with a time.")
    return plays


def play_ids(session_id: str, plays: Sequence[HeardTrack]) -> list[str]:
    """The id of each play; plays alike in everything are counted, so that each stays one."""
    twins: Counter[str] = Counter()
    ids = []
    for play in plays:
        alike = play_id(session_id, play)
        twins[alike] += 1
        ids.append(play_id(session_id, play, twins[alike]))
    return ids


def _read(path: Path) -> list[HeardTrack]:
    """The plays of a file that have a time. A list without times is no history."""
    try:
        return [play for play in READERS[path.suffix.lower()](path) if play.played_at]
    except OSError as error:
        raise Trouble(f"{path} cannot be read: {error.strerror}") from error


def _session_for(outbox: Outbox, server: str, paths: Sequence[Path], stage: str) -> Session:
    """The session of this replay: the one that was not finished, or a new one."""
    what = json.dumps([server, stage, [os.fspath(path) for path in paths]])
    kind = "replay:" + hashlib.sha256(what.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    for session in outbox.sessions(server, kind):
        if session.state == "open":
            outbox.set_state(session.session_id, "again")  # ask the server what became of it
        say("Going on with the replay that was not finished.")
        return session
    return new_session(outbox, server, kind, {"stageId": stage} if stage else {})


def _open(booth: Booth) -> None:
    """Wait until the server has the session. Raises Trouble when it refuses."""
    booth.start_sender()
    while (state := booth.state()) in ("new", "again"):
        booth.wait(LOOK_EVERY_S)
    if state == "refused":
        booth.outbox.forget_session(booth.session_id)
        raise Trouble(booth.sender.refusal)
    if state == "open":
        booth.start_socket()
        say(f"Your page: {page_of(booth.sender.opened, booth.settings.server)}")
    else:
        say("The session has ended meanwhile; the rest goes into its history.")


def _play_all(booth: Booth, plays: Sequence[HeardTrack], speed: float) -> None:
    """Put the plays that are not in the outbox yet, at the speed asked for."""
    known = booth.outbox.known_ids(booth.session_id)
    before: HeardTrack | None = None
    for play, identity in zip(plays, play_ids(booth.session_id, plays), strict=True):
        if identity in known:
            before = play
            continue
        _pass_time(booth, gap_s(before, play) / speed if speed else 0.0)
        before = play
        track = complete(play)
        record: dict[str, Any] = record_of(track, identity, is_hidden=track.is_hidden, is_replay=True)
        booth.play(record)
        say(f"{play.played_at:%Y-%m-%d %H:%M}  {track.words}" + ("  (hidden)" if track.is_hidden else ""))
        while booth.unsent() > MOST_WAITING:
            booth.state()
            booth.wait(LOOK_EVERY_S)


def gap_s(before: HeardTrack | None, play: HeardTrack) -> float:
    """Seconds from one play to the next, as they were; between two files a short pause instead."""
    if before is None or before.played_at is None or play.played_at is None:
        return 0.0
    if before.origin != play.origin:
        return BETWEEN_FILES_S
    return max(0.0, (play.played_at - before.played_at).total_seconds())


def _pass_time(booth: Booth, seconds: float) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        booth.state()  # a refused token ends the wait
        booth.wait(min(left, 1.0))


def _finish(booth: Booth) -> int:
    """End the session once everything is sent, and forget it: the next replay is a new one."""
    booth.ask_later(f"end:{booth.session_id}", end_request(booth.session_id))
    while booth.unsent():
        booth.state()
        booth.wait(LOOK_EVERY_S)
    rejected = booth.outbox.rejections(booth.session_id)
    sent = booth.outbox.count(booth.settings.server, "sent", booth.session_id)
    booth.outbox.forget_session(booth.session_id)
    say(f"Done: {sent} plays sent" + (f", {len(rejected)} not taken." if rejected else "."))
    return 1 if rejected else 0

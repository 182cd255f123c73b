"""Brings the outbox to the server: sessions, plays in batches, errands, until each is settled."""

from __future__ import annotations

import sqlite3
import threading
from typing import Any

from pika_dj.backoff import Backoff
from pika_dj.connection import Connection
from pika_dj.outbox import Errand, Outbox, Session
from pika_dj.rest import Api, Busy, Refused, TokenRefused, Unreachable
from pika_dj.screen import log, say

BATCH = 100
IDLE_S = 1.0


class Sender:
    """One server's share of the outbox. `step` does one thing; `run` does all of them in a thread."""

    def __init__(self, api: Api, outbox: Outbox, connection: Connection, session_id: str = "") -> None:
        self.api = api
        self.outbox = outbox
        self.connection = connection
        self.session_id = session_id  # opened even while nothing waits
        self.opened: dict[str, Any] = {}  # what the server said of it
        self.refusal = ""  # why it was refused
        self.token_refusal = ""
        self.wake = threading.Event()
        self._backoff = Backoff()
        self._size = BATCH
        self._said = ""

    def run(self, stop: threading.Event) -> None:
        """Step until told to stop, or until the token is refused."""
        while not stop.is_set():
            try:
                pause = self.step()
            except TokenRefused as refused:
                self.token_refusal = str(refused)
                return
            except Exception:  # whatever it is, the plays must go on being sent
                log.exception("the sender stumbled")
                pause = self._backoff.failed()
            if pause is None:
                self.wake.wait(IDLE_S)
                self.wake.clear()
            elif pause:
                stop.wait(pause)

    def step(self) -> float | None:
        """Do the next thing. Returns 0 when there may be more, None when there is not, else the seconds to
        wait before trying again. Raises TokenRefused."""
        try:
            is_busy = self._next()
        except Busy as busy:
            self._say_once(str(busy))
            return busy.retry_after_s
        except Unreachable as error:
            self.connection.lost("sender", str(error))
            return self._backoff.failed()
        except sqlite3.Error as error:
            log.error("the outbox cannot be written: %s", error)
            return self._backoff.failed()
        self._backoff.worked()
        if is_busy:
            self._said = ""
            self.connection.back("sender")
        return 0.0 if is_busy else None

    def _say_once(self, words: str) -> None:
        if words != self._said:
            self._said = words
            say(f"{words.rstrip('.')}. Your tracks are kept and will be sent.")

    def _next(self) -> bool:
        """True when something was done."""
        batch = self.outbox.next_batch(self.api.server, self._size)
        for session_id in (self.session_id, batch[0] if batch else ""):
            session = self.outbox.session(session_id)
            if session and session.state in ("new", "again"):
                self._open(session)
                return True
            if session and session.state == "refused" and batch and batch[0] == session_id:
                self.outbox.reject_session(session_id, "the session was refused")
                return True
        if batch:
            self._send(*batch)
            return True
        if errand := self.outbox.next_errand(self.api.server):
            self._do(errand)
            return True
        return False

    def _open(self, session: Session) -> None:
        try:
            answer = self.api.open_session({"sessionId": session.session_id, **session.request})
        except Refused as no:
            # An ended session, or one whose stage is closed by now, still takes its late plays.
            is_known = session.state == "again" or no.code == "session_over"
            self.outbox.set_state(session.session_id, "over" if is_known else "refused")
            if session.session_id == self.session_id:
                self.refusal = str(no)
            log.warning("session %s refused: %s %s", session.session_id, no.status, no)
            return
        if session.session_id == self.session_id:
            self.opened = answer
        self.outbox.set_state(session.session_id, "open")

    def _send(self, session_id: str, plays: list[dict[str, Any]]) -> None:
        try:
            results = self.api.send_plays(session_id, plays)
        except Refused as no:
            self._sort_out(session_id, plays, no)
            return
        self._size = min(BATCH, self._size * 2)
        if not self._settle(plays, results):
            raise Unreachable("an answer that settles nothing")

    def _settle(self, plays: list[dict[str, Any]], results: list[dict[str, Any]]) -> bool:
        """Note each play's result; the others stay waiting. True when any is settled."""
        answers = {str(result.get("playId")): result for result in results}
        stored, refused = [], []
        for play in plays:
            answer = answers.get(play["playId"], {})
            if answer.get("status") in ("created", "duplicate"):
                stored.append(play["playId"])
            elif answer.get("status") == "rejected":
                refused.append((play, str(answer.get("error") or "no reason given")))
        self.outbox.mark_sent(stored)
        for play, reason in refused:
            self._reject(play, reason)
        return bool(stored or refused)

    def _sort_out(self, session_id: str, plays: list[dict[str, Any]], no: Refused) -> None:
        """A batch was refused. One bad play must not take 99 good ones along: halve until it is alone."""
        if no.status == 404:
            count = self.outbox.reject_session(session_id, str(no))
            say(f"The server did not take {count} tracks: {no}")
        elif len(plays) == 1:
            self._reject(plays[0], str(no))
            self._size = min(BATCH, self._size * 2)
        else:
            self._size = len(plays) // 2

    def _reject(self, play: dict[str, Any], reason: str) -> None:
        self.outbox.mark_rejected(play["playId"], reason)
        say(f'The server did not take "{play["track"]["title"]}": {reason}')

    def _do(self, errand: Errand) -> None:
        try:
            self.api.ask(*errand.request)
        except Refused as no:
            log.warning("errand %s refused: %s %s", errand.about, no.status, no)
        self.outbox.drop_errand(errand.id)
        if errand.about.startswith("end:"):
            self.outbox.set_state(errand.session_id, "over")

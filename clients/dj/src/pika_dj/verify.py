"""`pika-dj verify`: say what the songs of a set were, one line a song; what is said is kept by the server at once.

Lines and not single keys: so a link can simply be pasted, and it works in every terminal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from pika_dj.outbox import Outbox
from pika_dj.rest import Api, Busy, Refused, TokenRefused, Unreachable
from pika_dj.screen import Trouble, say
from pika_dj.settings import Settings, home

A_PAGE = 10
NUMBERS = {"": 1, "y": 1, "1": 1, "2": 2, "3": 3, "4": 4, "5": 5}
HELP = (
    "Enter or y: the first one · 1-5: that one · n: next · s: skip · r: not the first · f: find on Spotify · "
    "u: undo · q: stop · or a link"
)


def verify(settings: Settings, session_id: str = "", read: Callable[[str], str] = input) -> int:
    """Ask about every song that is still open. Raises Trouble."""
    settings.require_login()
    api = Api(settings.server, settings.token)
    try:
        return _Talk(api, session_id or _last_session(settings), read).run()
    except TokenRefused as error:
        raise Trouble(str(error)) from error
    except Refused as error:
        raise Trouble(f"The server says: {error}") from error
    except Busy as error:
        raise Trouble(f"The server is busy. Try again in {error.retry_after_s:.0f} s. {_KEPT}") from error
    except Unreachable as error:
        raise Trouble(f"{settings.server} does not answer ({error}). {_KEPT}") from error


_KEPT = "What you said until now is kept; go on with: pika-dj verify"


def _last_session(settings: Settings) -> str:
    """The set that was played last from this computer."""
    outbox = Outbox(home() / "outbox.sqlite")
    try:
        known = [*outbox.sessions(settings.server, "live"), *outbox.sessions(settings.server, "replay")]
    finally:
        outbox.close()
    if not known:
        raise Trouble("No set was played from this computer. Say which: pika-dj verify CODE (it is on your sets' page)")
    return known[0].session_id


class _Talk:
    """One DJ, one set: asks, listens, tells the server."""

    def __init__(self, api: Api, session_id: str, read: Callable[[str], str]) -> None:
        self.api = api
        self.path = f"/sessions/{quote(session_id, safe='')}/unverified-tracks"
        self.read = read
        self.waiting: list[dict[str, Any]] = []
        self.later: list[str] = []  # of this run; they stay open, in front of what comes behind
        self.said: list[dict[str, Any]] = []
        self.searched: set[str] = set()  # play ids
        self.is_searching = True  # by itself, where nobody said anything yet; until the first refusal
        self.done = self.total = 0

    def run(self) -> int:
        while question := self._next():
            try:
                line = self._ask(question)
            except EOFError:  # no more input: as if `q`
                line = "q"
            if line == "q":
                say(f"{self.done} of {self.total} done. {_KEPT}")
                return 0
            if self._does(question, line):
                self.waiting.remove(question)
        if self.later:
            say(f"{self.done} of {self.total} done, {len(self.later)} left for later: pika-dj verify")
        else:
            say(f"All {self.total} done. Thank you!" if self.total else "Nothing was played in this set.")
        return 0

    def _next(self) -> dict[str, Any] | None:
        if not self.waiting:
            answer = self.api.ask("GET", f"{self.path}?limit={A_PAGE}&offset={len(self.later)}")
            self.waiting = list(answer.get("results") or [])
            self.total = int(answer.get("total") or 0)
            self.done = self.total - int(answer.get("count") or 0)
        return self.waiting[0] if self.waiting else None

    def _ask(self, question: dict[str, Any]) -> str:
        track = question["track"]
        words = " – ".join(part for part in (track.get("artist"), track.get("title")) if part)
        say(f"\n{self.done + 1} of {self.total}  {words}" + (f" ({track['remix']})" if track.get("remix") else ""))
        if question.get("isConflict"):
            say("   DJs do not agree about this one.")
        if not question["suggestions"] and self.is_searching and question["playId"] not in self.searched:
            self._find(question)
        for number, offer in enumerate(question["suggestions"], 1):
            say(f"   {number}  {_shown(offer)}")
        if not question["suggestions"]:
            say("   Nobody said yet what this is. Paste its link on Spotify, or: n next, s skip, ? help")
        return self.read("> ").strip()

    def _find(self, question: dict[str, Any], *, is_asked: bool = False) -> None:
        """Add what Spotify's search finds. Why it cannot is said, and then it is not asked again by itself."""
        self.searched.add(question["playId"])
        try:
            found = self.api.ask("GET", f"/plays/{quote(question['playId'], safe='')}/search").get("suggestions") or []
        except (Busy, Refused, Unreachable) as error:
            self.is_searching = False
            if is_asked or not isinstance(error, Unreachable):
                say(f"   {error}")
            return
        known = [(its["trackId"], its["link"]) for its in question["suggestions"]]
        new = [its for its in found if (its["trackId"], its["link"]) not in known]
        question["suggestions"] += new
        if is_asked and not new:
            say("   Spotify finds nothing else.")

    def _does(self, question: dict[str, Any], line: str) -> bool:
        """What the line says; True when the question is done with."""
        key, offers = line.lower(), question["suggestions"]
        if key == "n":
            self.later.append(question["playId"])
            return True
        if key == "s":
            return self._tell(question, verdict="skip")
        if key == "u":
            self._undo()
        elif key == "f":
            self._find(question, is_asked=True)
        elif key == "r" and offers:
            if not offers[0]["trackId"] or self._tell(question, verdict="reject", trackId=offers[0]["trackId"]):
                del offers[0]
        elif key in NUMBERS:
            number = NUMBERS[key]
            if number <= len(offers):
                offer = offers[number - 1]
                which = {"trackId": offer["trackId"]} if offer["trackId"] else {"link": offer["link"]}
                return self._tell(question, verdict="confirm", **which)
            say(f"There is no number {number} here." if offers else HELP)
        elif len(line) > 8:
            return self._tell(question, verdict="confirm", link=line)
        else:
            say(HELP)
        return False

    def _tell(self, question: dict[str, Any], **verdict: str) -> bool:
        """True when the server took it. Its refusal is said, and the question asked again."""
        try:
            answer = self.api.ask("POST", "/tracks/verify", {"verdicts": [{"playId": question["playId"], **verdict}]})
        except Unreachable as error:
            say(f"No connection ({error}): this is not saved yet. Say it again.")
            return False
        [result] = answer.get("results") or [{}]
        if result.get("status") != "ok":
            say(str(result.get("error") or "The server did not understand this."))
            return False
        if verdict["verdict"] in ("confirm", "skip"):
            self.said.append(question)
            self.done += 1
        if verdict["verdict"] == "confirm" and "link" in verdict:
            say(f"   It is {result.get('words')}")
        return True

    def _undo(self) -> None:
        if not self.said:
            say("There is nothing to undo in this run.")
            return
        last = self.said[-1]
        if self._tell(last, verdict="withdraw"):
            self.said.pop()
            self.done -= 1
            self.waiting.insert(0, last)


def _shown(offer: dict[str, Any]) -> str:
    version = f" ({offer['version']})" if offer["version"] else ""
    voices = f", {offer['djs']} DJ{'s' if offer['djs'] > 1 else ''}" if offer["djs"] else ""
    differs = "; ".join(f"{its['field']}: {its['play'] or '-'} > {its['track'] or '-'}" for its in offer["differences"])
    return f"{offer['artist']} – {offer['title']}{version}  [{offer['words']}{voices}]" + (
        f"  {differs}" if differs else ""
    )

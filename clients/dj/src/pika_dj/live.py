"""`pika-dj live`: tell the floor what plays, while it plays."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pika_dj.booth import Booth, new_session, page_of, where
from pika_dj.keyboard import Keyboard
from pika_dj.musicfile import complete
from pika_dj.outbox import Outbox, Session
from pika_dj.plays import play_id, record_of
from pika_dj.rest import TokenRefused, end_request, hide_request, pause_request
from pika_dj.screen import Trouble, say
from pika_dj.settings import Settings, home
from pika_dj.sources import Source, SourceTrouble
from pika_dj.sources.choose import Wanted, open_source
from pika_dj.sources.typed import TypedTracks
from pika_dj.tracks import HeardTrack, clean_text, utc_now

LOOK_EVERY_S = 1.0
# A session this program left without ending it (a crash, --keep) is taken up again within this time.
TAKEN_UP_WITHIN = timedelta(hours=8)
HELP = "h + Enter hides or shows this track, p + Enter pauses or goes on, Ctrl-C ends the session."


@dataclass(frozen=True)
class Options:
    """What the DJ asked for on the command line."""

    stage: str = ""
    name: str = ""
    delay_s: int | None = None
    after_s: float = 15.0
    keep: bool = False
    source: Wanted = field(default_factory=Wanted)


def live(settings: Settings, options: Options, keyboard: Keyboard | None = None) -> int:
    """Run until Ctrl-C, or until the session is ended on the website. Raises Trouble."""
    settings.require_login()
    outbox = Outbox(home() / "outbox.sqlite")
    try:
        evening = _begin(settings, options, outbox, keyboard)
        try:
            evening.run()
        except KeyboardInterrupt:
            say("Finishing...")
        finally:
            evening.close()
        evening.end(keep=options.keep)
        return 0
    finally:
        outbox.close()


def _begin(settings: Settings, options: Options, outbox: Outbox, keyboard: Keyboard | None) -> Evening:
    """Open the session, or go on without the server when it does not answer. Raises Trouble."""
    request: dict[str, Any] = {
        "djName": clean_text(options.name, 80),
        "stageId": options.stage,
        "delaySeconds": options.delay_s,
    }
    request = {name: value for name, value in request.items() if value not in ("", None)}
    left = _left_open(outbox, settings.server, request)
    session = left or new_session(outbox, settings.server, "live", request)
    while True:
        source = open_source(options.source, datetime.fromisoformat(session.started_at), options.after_s)
        booth = Booth(settings, outbox, session)
        try:
            booth.sender.step()
        except TokenRefused as error:
            source.close()
            raise Trouble(str(error)) from error
        state = booth.state()
        if state == "refused":
            source.close()
            outbox.forget_session(session.session_id)
            raise Trouble(booth.sender.refusal)
        if state != "over":
            return Evening(booth, source, keyboard or Keyboard(), session, options.after_s)
        source.close()
        if session is not left:
            raise Trouble(booth.sender.refusal)
        session = new_session(outbox, settings.server, "live", request)


def _left_open(outbox: Outbox, server: str, request: dict[str, Any]) -> Session | None:
    for session in outbox.sessions(server, "live"):
        age = utc_now() - datetime.fromisoformat(session.started_at)
        is_left = session.state in ("new", "again", "open")
        if is_left and session.request == request and age < TAKEN_UP_WITHIN:
            if session.state == "open":
                outbox.set_state(session.session_id, "again")  # ask the server whether it is still live
            return session
    return None


class Evening:
    """One live session: source and keyboard in, outbox and socket out."""

    def __init__(self, booth: Booth, source: Source, keyboard: Keyboard, session: Session, after_s: float) -> None:
        self.booth = booth
        self.outbox = booth.outbox
        self.source = source
        self.keyboard = keyboard
        self.session_id = session.session_id
        self.is_paused = False
        self._was_paused_for = ""  # the play that is hidden by the pause alone
        self._after = timedelta(seconds=0 if isinstance(source, TypedTracks) else after_s)
        self._early: list[HeardTrack] = []
        self._record: dict[str, Any] | None = None
        self._is_hidden = session.is_hidden
        self._known = self.outbox.known_ids(self.session_id)
        self._page = ""
        self._trouble = ""
        self._ready: list[str] = []  # what was on the decks at the last look

    def run(self) -> None:
        """Look at the source and the keyboard every second, until the session is over."""
        self.booth.start_sender()
        say(HELP)
        while not self.booth.socket.is_over:
            self.look()
            is_done = isinstance(self.source, TypedTracks) and self.keyboard.is_closed
            if is_done and not self.keyboard.has_lines():
                return
            self.booth.wait(LOOK_EVERY_S)
        say("Your session was ended on the website.")

    def look(self) -> None:
        """Everything that is new since the last look. Raises Trouble when the session cannot go on."""
        self._greet()
        for line in self.keyboard.lines():
            self._obey(line)
        try:
            heard = self.source.poll()
            self._trouble = ""
        except SourceTrouble as trouble:
            heard = []
            if str(trouble) != self._trouble:
                self._trouble = str(trouble)
                say(self._trouble)
        self._ask_ahead()
        for track in self._due(heard):
            self._play(track)
        self._notice_hide()

    def close(self) -> None:
        """Let go of the source and stop sending."""
        self.source.close()
        self.booth.stop()

    def end(self, *, keep: bool) -> None:
        """End the session at the server, now or as soon as it can be reached."""
        if not keep:
            self.booth.ask_later(f"end:{self.session_id}", end_request(self.session_id))
        self.booth.flush()
        if left := self.booth.unsent():
            say(f"Not everything is sent yet ({left}). It will be when you start pika-dj the next time.")
        elif keep:
            say("Your session stays open. The same command goes on with it.")
        else:
            say("Your session has ended. Good night.")

    def _greet(self) -> None:
        """Say where the session is, as soon as the server has it."""
        state = self.booth.state()
        if state == "refused":
            self.outbox.forget_session(self.session_id)
            raise Trouble(self.booth.sender.refusal)
        if state == "over":
            self.booth.socket.is_over = True
        elif state == "open" and not self._page:
            opened = self.booth.sender.opened
            self._page = page_of(opened, self.booth.settings.server) or "no page"
            self.booth.start_socket()
            name = opened.get("djName") or "yourself"
            say(f"You are live as {name}{where(opened)}. Your page: {self._page}")

    def _ask_ahead(self) -> None:
        """What is loaded and may come next: if it was played at the event before, the DJ hears it now."""
        ready: list[HeardTrack] = getattr(self.source, "ready", [])
        for track in ready:
            if track.path not in self._ready and not track.is_hidden:
                self.booth.socket.ask_ahead(complete(track).to_wire())
        self._ready = [track.path for track in ready]

    def _due(self, heard: list[HeardTrack]) -> list[HeardTrack]:
        """What was heard long enough. History files come late anyway, unless their delay is set to 0."""
        latest = utc_now() - self._after
        heard = self._early + heard
        self._early = [track for track in heard if (track.played_at or latest) > latest]
        return [track for track in heard if (track.played_at or latest) <= latest]

    def _play(self, track: HeardTrack) -> None:
        play = play_id(self.session_id, track)
        ordinal = 1
        while self._record and play == self._record["playId"]:
            ordinal += 1
            play = play_id(self.session_id, track, ordinal)
        if play in self._known:
            return  # told before this program was started again
        track = complete(track)
        is_hidden = track.is_hidden or self.is_paused
        self._was_paused_for = play if self.is_paused and not track.is_hidden else ""
        self._record = record_of(track, play, is_hidden=is_hidden)
        self._is_hidden = is_hidden
        self._known.add(play)
        self.booth.play(self._record)
        self.outbox.set_playing(self.session_id, play, track.words, is_hidden)
        moment = (track.played_at or utc_now()).astimezone().strftime("%H:%M")
        say(f"{moment}  {track.words}" + ("  (hidden)" if is_hidden else ""))

    def _obey(self, line: str) -> None:
        if line.lower() == "h":
            self._hide()
        elif line.lower() == "p":
            self._pause()
        elif isinstance(self.source, TypedTracks):
            self.source.take(line)
        else:
            say(HELP)

    def _hide(self) -> None:
        session = self.outbox.session(self.session_id)
        if not session or not session.play_id:
            say("Nothing is playing yet.")
            return
        self._was_paused_for = ""  # the DJ decided about this track
        self._set_hidden(session.play_id, not session.is_hidden)
        say(f"{'Shown again' if session.is_hidden else 'Hidden'}: {session.words}")

    def _pause(self) -> None:
        """What is played during a pause stays hidden, except the track that plays when it ends."""
        self.is_paused = not self.is_paused
        self.booth.ask_later(f"pause:{self.session_id}", pause_request(self.session_id, self.is_paused))
        say("Paused: the next tracks stay hidden." if self.is_paused else "Going on: your tracks are shown.")
        if not self.is_paused and self._was_paused_for:
            self._set_hidden(self._was_paused_for, False)
            self._was_paused_for = ""

    def _set_hidden(self, play: str, is_hidden: bool) -> None:
        self.outbox.hide(self.session_id, play, is_hidden)
        self.booth.ask_later(f"hide:{play}", hide_request(self.session_id, play, is_hidden))

    def _notice_hide(self) -> None:
        """The current track may have been hidden here or in another terminal: the socket must follow."""
        session = self.outbox.session(self.session_id)
        if not self._record or not session or session.play_id != self._record["playId"]:
            return
        if session.is_hidden != self._is_hidden:
            self._is_hidden = session.is_hidden
            self.booth.announce(self._record | {"isHidden": session.is_hidden})

"""VirtualDJ's Network Control plugin: asks what is audible now, without the delay of the history.

Only questions (`/query`) are asked, never a command (`/execute`). In sandbox mode the DJ rehearses in the
headphones and VirtualDJ calls that audible too, so sandbox is asked first and nothing counts while it is on.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Hashable
from http.client import HTTPException
from urllib.parse import urlencode

from pika_dj.names import name_track
from pika_dj.sources import SourceTrouble
from pika_dj.sources.audible import Audible
from pika_dj.tracks import HeardTrack, utc_now

PORTS = (80, 8080)
DECKS = (1, 2, 3, 4)
YES = ("on", "yes", "true", "1")
TIMEOUT_S = 2.0


class NetworkControl:
    """The plays of a VirtualDJ whose plugin answers on this computer."""

    def __init__(self, after_s: float, port: int | None = None, password: str = "") -> None:
        self.ports = (port,) if port else PORTS
        self._headers = {"Authorization": f"Bearer {password}"} if password else {}
        self._audible = Audible(after_s)
        self.ready: list[HeardTrack] = []  # what is loaded and was not played from there: it may come next
        self._silent: dict[int, tuple[str, HeardTrack | None]] = {}  # deck → what was loaded there, and as what
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def poll(self) -> list[HeardTrack]:
        """What became a play since the last call; see Source."""
        if self._is_yes("sandbox"):
            return []
        sounding: dict[Hashable, HeardTrack] = {}
        for deck in DECKS:
            if self._is_yes(f"deck {deck} is_audible"):
                if track := self._loaded(deck):
                    sounding[deck, track.path, track.words] = track
                    self._silent[deck] = track.path, None  # it was played, and is not what comes next
            else:
                self._look_at(deck)
        self.ready = [track for _path, track in self._silent.values() if track]
        return self._audible.hear(sounding, utc_now())

    def _look_at(self, deck: int) -> None:
        """A silent deck: one question a second, all of them when something else is loaded."""
        path = self.ask(f"deck {deck} get_loaded_song 'filepath'")
        if path != self._silent.get(deck, ("", None))[0]:
            self._silent[deck] = path, self._loaded(deck) if path else None

    def close(self) -> None:
        """Every question was its own connection."""

    def _loaded(self, deck: int) -> HeardTrack | None:
        path = self.ask(f"deck {deck} get_loaded_song 'filepath'")
        artist = self.ask(f"deck {deck} get_loaded_song 'artist'")
        title = self.ask(f"deck {deck} get_loaded_song 'title'")
        remix = self.ask(f"deck {deck} get_loaded_song 'remix'")
        comment = self.ask(f"deck {deck} get_loaded_song 'comment'")
        name = name_track(artist, title, remix, path)
        if not name.title:
            return None
        stream = path.removeprefix("netsearch://") if path.startswith("netsearch://") else ""
        return HeardTrack(
            title=name.title,
            artist=name.artist,
            remix=name.remix,
            quality=name.quality,
            path=path,
            stream_id=stream,
            origin="network control",
            comment=comment,
        )

    def _is_yes(self, script: str) -> bool:
        return self.ask(script).lower() in YES

    def ask(self, script: str) -> str:
        """The plugin's answer to one question. Raises SourceTrouble."""
        for port in self.ports:
            url = f"http://127.0.0.1:{port}/query?{urlencode({'script': script})}"
            try:
                with self._opener.open(
                    urllib.request.Request(url, headers=self._headers), timeout=TIMEOUT_S
                ) as response:
                    answer: bytes = response.read(10_000)
            except urllib.error.HTTPError as error:
                error.close()
                if error.code in (401, 403):
                    raise SourceTrouble(
                        "VirtualDJ's Network Control wants its password. Set PIKA_DJ_PLUGIN_PASSWORD."
                    ) from error
                continue
            except (OSError, HTTPException):
                continue
            self.ports = (port,)
            return answer.decode("utf-8", "replace").strip().strip('"')
        raise SourceTrouble(
            "VirtualDJ's Network Control does not answer. Install and start it in VirtualDJ's extensions."
        )

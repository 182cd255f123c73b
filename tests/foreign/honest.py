"""Honest people on the stage: a DJ who plays on, and a phone that must hear every track in order all the while."""

import threading
import time
from types import TracebackType

from tests.cast import Dancer, Dj
from tests.foreign.conftest import House

LAST = "The last song"
EVERY = 0.1  # seconds between two tracks; within what one socket may say


class Floor:
    """`with Floor(house): …` plays from the first line to the last, then looks whether all of it was heard."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.played: list[str] = []
        self.heard: list[str] = []
        self.slowest = 0.0  # seconds a DJ waited for the ACK of a track
        self._problem: BaseException | None = None
        self._is_over = threading.Event()

    def __enter__(self) -> "Floor":
        self._dj, self._phone = Dj(self.house.ws), Dancer(self.house.ws)
        assert self._dj.go_live(self.house.tokens[0], stageId=self.house.stages[0])["type"] == "ACK"
        assert self._phone.follow(self.house.stages[0])["type"] == "ACK"
        self._threads = [threading.Thread(target=it, daemon=True) for it in (self._play, self._listen)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(15)
        if error is None:
            self.check()
            self._dj.end()
        self._dj.close()
        self._phone.close()

    def check(self) -> None:
        assert self._problem is None, repr(self._problem)
        assert self.played and self.heard == self.played

    def _play(self) -> None:
        try:
            while not self._is_over.wait(EVERY):
                self._play_one(f"Song {len(self.played)}")
            self._play_one(LAST)
        except BaseException as problem:
            self._problem = self._problem or problem

    def _play_one(self, title: str) -> None:
        began = time.monotonic()
        answer = self._dj.play(title)
        assert answer["type"] == "ACK", answer
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.played.append(title)

    def _listen(self) -> None:
        try:
            while LAST not in self.heard[-1:]:
                self.heard.append(self._phone.hear("NOW_PLAYING")["track"]["title"])
        except BaseException as problem:
            self._problem = self._problem or problem

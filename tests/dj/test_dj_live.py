"""A DJ's evening: what the floor hears, what is kept, what stays private."""

import io
import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from dj_samples import history_line
from fake_pika import FakePika

from pika_dj.hide import hide
from pika_dj.keyboard import Keyboard
from pika_dj.live import Evening, Options, _begin, live
from pika_dj.outbox import Outbox
from pika_dj.screen import Trouble
from pika_dj.settings import Settings
from pika_dj.sources import SourceTrouble
from pika_dj.tracks import HeardTrack, utc_now

Start = Callable[..., "subprocess.Popen[str]"]


class Decks:
    """A source the test plays on."""

    def __init__(self) -> None:
        self.tracks: list[HeardTrack] = []
        self.ready: list[HeardTrack] = []
        self.trouble = ""

    def play(self, title: str, *, ago_s: float = 60, **more: Any) -> None:
        self.tracks.append(HeardTrack(title, played_at=utc_now() - timedelta(seconds=ago_s), origin="t", **more))

    def poll(self) -> list[HeardTrack]:
        if self.trouble:
            raise SourceTrouble(self.trouble)
        told, self.tracks = self.tracks, []
        return told

    def close(self) -> None:
        pass


class Silent(io.StringIO):
    """A keyboard nobody touches."""


@pytest.fixture
def decks(monkeypatch: pytest.MonkeyPatch) -> Decks:
    decks = Decks()
    monkeypatch.setattr("pika_dj.live.open_source", lambda *_: decks)
    return decks


@pytest.fixture
def evening(settings: Settings, pika: FakePika, decks: Decks, home: Path) -> Iterator[Evening]:
    """Marcus, live on the main floor, his threads running; the test says when he looks."""
    outbox = Outbox(home / "outbox.sqlite")
    evening = _begin(settings, Options(stage="FLOOR2"), outbox, Keyboard(Silent()))
    evening.booth.start_sender()
    evening.look()
    yield evening
    evening.close()
    outbox.close()


def announced(pika: FakePika) -> list[str]:
    return [frame["track"]["title"] for frame in pika.frames if frame["type"] == "BROADCAST_TRACK"]


def recorded(pika: FakePika) -> list[str]:
    return [play["track"]["title"] for play in pika.the_plays()]


def test_a_track_is_announced_and_recorded_under_one_id(evening: Evening, decks: Decks, pika: FakePika) -> None:
    decks.play("Eins", artist="A")
    evening.look()
    pika.wait_for(lambda: announced(pika) == recorded(pika) == ["Eins"])
    frame = pika.frames[-1]
    (play,) = pika.the_plays()
    assert (frame["playId"], frame["playedAt"], frame["track"]) == (
        play["playId"],
        play["playedAt"],
        play["track"],
    )


def test_of_many_tracks_at_once_the_record_has_all_and_the_floor_hears_the_latest(
    evening: Evening, decks: Decks, pika: FakePika
) -> None:
    pika.wait_for(lambda: [f["type"] for f in pika.frames] == ["REGISTER_SESSION"])
    with evening.booth.socket._lock:  # the socket cannot speak in between
        for n in range(5):
            decks.play(f"T{n}", ago_s=300 - n)
        tracks = decks.poll()
    evening.booth.socket.play = _once_at_the_end(evening.booth.socket.play, len(tracks))  # type: ignore[method-assign]
    decks.tracks = tracks
    evening.look()
    pika.wait_for(lambda: recorded(pika) == [f"T{n}" for n in range(5)] and announced(pika) == ["T4"])


def _once_at_the_end(play: Callable[..., None], count: int) -> Callable[..., None]:
    calls: list[Any] = []

    def collected(frame: Any) -> None:
        calls.append(frame)
        if len(calls) == count:
            for each in calls:
                play(each)

    return collected


def test_a_track_heard_for_less_than_15_seconds_waits(evening: Evening, decks: Decks, pika: FakePika) -> None:
    decks.play("Zu neu", ago_s=5)
    evening.look()
    assert evening.outbox.known_ids(evening.session_id) == set()
    evening._after = timedelta(seconds=4)
    evening.look()
    pika.wait_for(lambda: recorded(pika) == ["Zu neu"])


def test_a_file_with_pikahide_in_its_comment_is_never_announced(evening: Evening, decks: Decks, pika: FakePika) -> None:
    decks.play("Geheim", comment="my edit, pikahide please")
    evening.look()
    decks.play("Offen")
    evening.look()
    pika.wait_for(lambda: recorded(pika) == ["Geheim", "Offen"] and announced(pika) == ["Offen"])
    assert [play.get("isHidden", False) for play in pika.the_plays()] == [True, False]


def test_h_hides_the_current_track_and_shows_it_again(evening: Evening, decks: Decks, pika: FakePika) -> None:
    decks.play("Eins")
    evening.look()
    pika.wait_for(lambda: recorded(pika) == ["Eins"])
    play = pika.the_plays()[0]["playId"]
    evening._obey("h")
    pika.wait_for(lambda: pika.hidden == {play: True})
    evening._obey("H")
    pika.wait_for(lambda: pika.hidden == {play: False})


def test_a_track_hidden_before_it_left_never_leaves_openly(evening: Evening, decks: Decks, pika: FakePika) -> None:
    pika.wait_for(lambda: len(pika.sockets) == 1)
    pika.stop()
    decks.play("Eins")
    evening.look()
    evening._obey("h")
    evening._notice_hide()
    pika.start()
    pika.wait_for(lambda: recorded(pika) == ["Eins"] and len(pika.sockets) == 1)
    assert pika.the_plays()[0]["isHidden"] is True
    assert announced(pika) == []


def test_what_is_played_in_a_pause_stays_hidden_except_what_plays_at_its_end(
    evening: Evening, decks: Decks, pika: FakePika
) -> None:
    evening._obey("p")
    pika.wait_for(lambda: pika.the_session().get("isPaused") is True)
    for title in ("Probe", "Tanz"):
        decks.play(title)
        evening.look()
    pika.wait_for(lambda: recorded(pika) == ["Probe", "Tanz"])
    assert announced(pika) == []
    assert [play["isHidden"] for play in pika.the_plays()] == [True, True]
    evening._obey("p")
    evening.look()
    pika.wait_for(lambda: announced(pika) == ["Tanz"] and pika.the_session()["isPaused"] is False)
    pika.wait_for(lambda: pika.hidden == {pika.the_plays()[1]["playId"]: False})


def test_a_marked_track_stays_hidden_when_the_pause_ends(evening: Evening, decks: Decks, pika: FakePika) -> None:
    evening._obey("p")
    decks.play("Geheim", comment="PIKAHIDE")
    evening.look()
    evening._obey("p")
    evening.look()
    pika.wait_for(lambda: recorded(pika) == ["Geheim"] and pika.the_session().get("isPaused") is False)
    assert (pika.hidden, announced(pika)) == ({}, [])


def test_pika_dj_hide_in_a_second_terminal(
    evening: Evening, decks: Decks, pika: FakePika, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    decks.play("Eins", artist="A")
    evening.look()
    pika.wait_for(lambda: recorded(pika) == ["Eins"])
    play = pika.the_plays()[0]["playId"]
    capsys.readouterr()
    assert hide(settings, is_hidden=True) == 0
    assert (pika.hidden, capsys.readouterr().out) == ({play: True}, "Hidden: A - Eins\n")
    evening._notice_hide()
    assert evening.booth.socket._latest is None
    assert hide(settings, is_hidden=False) == 0
    assert pika.hidden == {play: False}


def test_a_lost_connection_is_said_once_and_nothing_is_lost(
    evening: Evening, decks: Decks, pika: FakePika, capsys: pytest.CaptureFixture[str]
) -> None:
    decks.play("Vorher")
    evening.look()
    pika.wait_for(lambda: announced(pika) == recorded(pika) == ["Vorher"])
    capsys.readouterr()
    pika.stop()
    for title in ("Eins", "Zwei"):
        decks.play(title)
        evening.look()
    pika.start()
    pika.wait_for(lambda: recorded(pika) == ["Vorher", "Eins", "Zwei"] and announced(pika)[-1:] == ["Zwei"])
    assert announced(pika) == ["Vorher", "Zwei"]  # never a queue of old news
    words = capsys.readouterr().out
    assert words.count("No connection. Your tracks are kept and will be sent.\n") == 1


def test_what_the_floor_says_is_printed_in_one_line(
    evening: Evening, pika: FakePika, capsys: pytest.CaptureFixture[str]
) -> None:
    pika.wait_for(lambda: len(pika.sockets) == 1 and len(pika.frames) == 1)
    capsys.readouterr()
    track = {"title": "Lily\x1b[2J", "artist": "Kate"}
    pika.tell({"type": "LIKE_RECEIVED", "payload": {"track": track}, "count": 3})
    pika.tell({"type": "TEMPO_FEEDBACK", "faster": 1, "perfect": 20, "slower": 4})
    pika.tell({"type": "REPEAT_WARNING", "track": track, "stageName": "Blues Room", "djName": "Elena"})
    pika.tell({"type": "LISTENER_COUNT", "count": 9})
    pika.tell({"type": "SESSION_ENDED", "sessionId": evening.session_id})
    evening.booth._threads[1].join(5)
    assert capsys.readouterr().out.splitlines() == [
        "Like: Kate - Lily [2J (3)",
        "Tempo: 1 faster, 20 perfect, 4 slower",
        "Careful, played before: Kate - Lily [2J, earlier, Blues Room, by Elena",
    ]
    assert evening.booth.socket.is_over is True


def test_what_is_on_a_deck_and_was_played_before_is_said_before_it_starts(
    evening: Evening, decks: Decks, pika: FakePika, capsys: pytest.CaptureFixture[str]
) -> None:
    pika.heard_before = {"Lily": {"playedAt": "?", "stageName": "Blues Room", "djName": "Elena", "words": "played"}}
    evening.look()
    capsys.readouterr()
    for title in ("Rare", "Lily"):
        decks.ready = [HeardTrack(title, "Kate", path=f"/{title}.mp3")]
        for _ in range(3):  # it lies there for minutes
            evening.look()
    pika.wait_for(lambda: asked_ahead(pika) == ["Rare", "Lily"])
    decks.play("Lily")
    evening.look()
    pika.wait_for(lambda: announced(pika) == ["Lily"])
    told = "On your deck, and played before: Kate - Lily, earlier, Blues Room, by Elena\n"
    pika.tell({"type": "SESSION_ENDED", "sessionId": evening.session_id})
    evening.booth._threads[1].join(5)
    assert capsys.readouterr().out.count(told) == 1
    assert pika.breaches == []


def test_a_server_that_does_not_know_what_comes_next_is_no_trouble(
    evening: Evening, decks: Decks, pika: FakePika, capsys: pytest.CaptureFixture[str]
) -> None:
    pika.heard_before = None
    decks.ready = [HeardTrack("Lily", path="/Lily.mp3")]
    evening.look()
    pika.wait_for(lambda: asked_ahead(pika) == ["Lily"])
    pika.tell({"type": "SESSION_ENDED", "sessionId": evening.session_id})
    evening.booth._threads[1].join(5)
    assert "did not announce" not in capsys.readouterr().out


def asked_ahead(pika: FakePika) -> list[str]:
    return [frame["track"]["title"] for frame in pika.frames if frame["type"] == "NEXT_TRACK"]


def test_trouble_with_the_source_is_said_once(
    evening: Evening, decks: Decks, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    decks.trouble = "The folder is gone"
    for _ in range(3):
        evening.look()
    assert capsys.readouterr().out == "The folder is gone\n"


def test_an_evening_can_begin_without_a_connection(
    settings: Settings, pika: FakePika, decks: Decks, home: Path
) -> None:
    pika.stop()
    outbox = Outbox(home / "outbox.sqlite")
    evening = _begin(settings, Options(), outbox, Keyboard(Silent()))
    decks.play("Eins")
    evening.look()
    pika.start()
    evening.booth.start_sender()
    pika.wait_for(lambda: bool(pika.sessions) and recorded(pika) == ["Eins"])
    evening.look()
    pika.wait_for(lambda: announced(pika) == ["Eins"])
    evening.close()
    evening.end(keep=False)
    outbox.close()
    assert pika.the_session()["ended"] is True


def test_an_evening_after_a_crash_goes_on_in_the_same_session(
    settings: Settings, pika: FakePika, decks: Decks, home: Path
) -> None:
    for _ in range(2):
        outbox = Outbox(home / "outbox.sqlite")
        evening = _begin(settings, Options(stage="FLOOR2"), outbox, Keyboard(Silent()))
        decks.tracks = [HeardTrack("Eins", origin="a.m3u", played_at=utc_now().replace(year=2024, microsecond=0))]
        evening.look()
        evening.close()
        evening.booth.flush()
        outbox.close()
    assert len(pika.sessions) == 1


def test_a_session_that_was_ended_is_not_gone_on_with(
    settings: Settings, pika: FakePika, decks: Decks, home: Path
) -> None:
    for _ in range(2):
        outbox = Outbox(home / "outbox.sqlite")
        evening = _begin(settings, Options(), outbox, Keyboard(Silent()))
        evening.close()
        outbox.close()
        for session in pika.sessions.values():
            session["ended"] = True
    assert len(pika.sessions) == 2


def test_a_wrong_stage_code_is_said(settings: Settings, pika: FakePika, decks: Decks) -> None:
    with pytest.raises(Trouble, match=r"^Stage not found$"):
        live(settings, Options(stage="NOSUCH"), Keyboard(Silent()))
    assert pika.sessions == {}


def test_a_whole_evening_typed_by_hand(settings: Settings, pika: FakePika, home: Path, pika_dj: Start) -> None:
    child = pika_dj("live", "--source", "type", "--name", "DJ Marcus", "--delay", "30")
    assert child.stdin
    assert child.stdout
    child.stdin.write("Kate Bush - Lily\n")
    child.stdin.flush()
    pika.wait_for(lambda: announced(pika) == ["Lily"])
    words, _ = child.communicate("Untitled\n", timeout=15)
    assert child.returncode == 0
    assert [(play["track"]["artist"], play["track"]["title"]) for play in pika.the_plays()] == [
        ("Kate Bush", "Lily"),
        ("", "Untitled"),
    ]
    session = pika.the_session()
    assert (session["ended"], session["djName"], session["delaySeconds"]) == (True, "DJ Marcus", 30)
    assert f"You are live as DJ Marcus. Your page: {pika.url}{session['url']}\n" in words
    assert words.endswith("Your session has ended. Good night.\n")
    log = (home / "pika-dj.log").read_text("utf-8")
    assert "Kate Bush - Lily" in log
    assert settings.token not in log + words


def test_a_virtualdj_evening_killed_and_started_again(
    settings: Settings, pika: FakePika, pika_dj: Start, tmp_path: Path
) -> None:
    history = tmp_path / "VirtualDJ" / "History"
    history.mkdir(parents=True)
    arguments = ("live", "--folder", str(history.parent), "--stage", "FLOOR2", "--after", "0")
    file = history / "2026-01-01.m3u"
    file.write_text(history_line("Vor der Sitzung", int(utc_now().timestamp()) - 100))
    child = pika_dj(*arguments)
    pika.wait_for(lambda: bool(pika.sessions))
    now = int(utc_now().timestamp())  # whole seconds, as VirtualDJ writes them
    file.write_text(file.read_text() + history_line("Eins", now))
    pika.wait_for(lambda: recorded(pika) == ["Eins"])
    child.kill()
    child.wait()
    file.write_text(file.read_text() + history_line("Zwei", now + 1))
    again = pika_dj(*arguments)
    pika.wait_for(lambda: recorded(pika) == ["Eins", "Zwei"] and announced(pika)[-1:] == ["Zwei"])
    again.terminate()
    words, _ = again.communicate(timeout=15)
    assert again.returncode == 0
    assert "on Main Floor (Swing Weekend)" in words
    assert pika.the_session()["ended"] is True


def test_the_frames_are_json_of_at_most_ten_kilobytes(evening: Evening, decks: Decks, pika: FakePika) -> None:
    decks.play("🕺" * 900, artist="𝄞" * 900, album="𝄞" * 900, remix="𝄞" * 900, stream_id="𝄞" * 900)
    evening.look()
    pika.wait_for(lambda: announced(pika) == ["🕺" * 500])
    assert len(json.dumps(pika.frames[-1], ensure_ascii=False).encode()) <= 10_000

"""The sender: every play reaches the server once, whatever happens on the way."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_pika import FakePika, problem

from pika_dj.connection import Connection
from pika_dj.outbox import Outbox
from pika_dj.plays import play_id, record_of
from pika_dj.rest import Api, Busy, Refused, TokenRefused, Unreachable, hide_request
from pika_dj.sender import Sender
from pika_dj.settings import Settings
from pika_dj.tracks import HeardTrack, from_unix

SESSION = "5a6c1a52-6a41-4a51-9f0a-2f0a51a1b0c1"
NO_CONNECTION = "No connection. Your tracks are kept and will be sent."


@pytest.fixture
def outbox(home: Path) -> Iterator[Outbox]:
    box = Outbox(home / "outbox.sqlite")
    yield box
    box.close()


@pytest.fixture
def sender(settings: Settings, outbox: Outbox) -> Sender:
    outbox.remember_session(SESSION, settings.server, "live", {"djName": "Marcus"}, "2026-01-01T20:00:00Z")
    return Sender(Api(settings.server, settings.token), outbox, Connection(), SESSION)


@pytest.fixture
def put(outbox: Outbox, settings: Settings) -> Callable[..., None]:
    def put(*titles: str, session: str = SESSION) -> None:
        heard = [HeardTrack(title, played_at=from_unix(1_700_000_000)) for title in titles]
        outbox.put(settings.server, session, [record_of(track, play_id(session, track)) for track in heard])

    return put


def drain(sender: Sender, most: int = 1000) -> None:
    """Step until nothing is left to do."""
    for _ in range(most):
        if sender.step() is None:
            return
    raise AssertionError("it goes on for ever")


def titles(pika: FakePika) -> list[str]:
    return [play["track"]["title"] for play in pika.the_plays()]


def test_the_session_is_opened_before_the_first_play(sender: Sender, pika: FakePika, put: Callable[..., None]) -> None:
    put("Eins")
    drain(sender)
    assert pika.requests == [("POST", "/api/v1/sessions"), ("POST", f"/api/v1/sessions/{SESSION}/plays")]
    assert (pika.the_session()["djName"], titles(pika)) == ("Marcus", ["Eins"])


def test_many_plays_go_in_batches_of_a_hundred(sender: Sender, pika: FakePika, put: Callable[..., None]) -> None:
    put(*[f"{n:03}" for n in range(250)])
    drain(sender)
    assert titles(pika) == [f"{n:03}" for n in range(250)]
    assert len(pika.requests) == 1 + 3


@pytest.mark.parametrize("fault", ["before", "after", "html", 500, 502])
def test_a_failed_request_is_repeated_and_the_play_is_there_once(
    sender: Sender,
    pika: FakePika,
    put: Callable[..., None],
    fault: str | int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pika.fail((fault, "/sessions"), (fault, "/plays"), (fault, "/plays"))
    put("Eins", "Zwei")
    drain(sender)
    assert titles(pika) == ["Eins", "Zwei"]
    assert sender.outbox.count(pika.url, "sent") == 2
    assert capsys.readouterr().out.splitlines() == [NO_CONNECTION, "Connected again."] * 2


def test_a_server_that_is_away_loses_nothing(sender: Sender, pika: FakePika, put: Callable[..., None]) -> None:
    pika.stop()
    put("Eins")
    assert [sender.step() for _ in range(3)] == [0.01] * 3
    pika.start()
    drain(sender)
    assert titles(pika) == ["Eins"]


@pytest.mark.parametrize("status", [429, 503])
def test_the_server_says_how_long_to_wait(
    sender: Sender, pika: FakePika, put: Callable[..., None], status: int
) -> None:
    put("Eins")
    pika.fail((status, "/sessions", 7))
    assert sender.step() == 7.0
    drain(sender)
    assert titles(pika) == ["Eins"]


def test_a_refused_token_stops_the_sender_and_keeps_the_plays(
    sender: Sender, pika: FakePika, put: Callable[..., None]
) -> None:
    put("Eins")
    pika.token = "another"
    with pytest.raises(TokenRefused):
        sender.step()
    assert sender.outbox.count(pika.url, "waiting") == 1


def test_a_pause_the_server_asks_for_is_explained_once(
    sender: Sender, pika: FakePika, put: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    put("Eins")
    pika.fail((429, "/sessions", 7), (429, "/sessions", 7))
    assert [sender.step(), sender.step()] == [7.0, 7.0]
    assert capsys.readouterr().out == "As the test asked. Your tracks are kept and will be sent.\n"


def test_a_token_that_may_not_do_this_keeps_the_plays(sender: Sender, pika: FakePika, put: Callable[..., None]) -> None:
    sender.step()
    put("Eins")
    pika.fail((403, "/plays"))
    with pytest.raises(TokenRefused, match=r"^As the test asked\. Make a new token"):
        sender.step()
    assert sender.outbox.count(pika.url, "waiting") == 1


def test_the_sender_survives_what_nobody_thought_of(
    sender: Sender, pika: FakePika, put: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    put("Eins")
    stumbles = [ZeroDivisionError(), KeyError("x")]
    real = sender.step

    def step() -> float | None:
        if stumbles:
            raise stumbles.pop()
        return real()

    monkeypatch.setattr(sender, "step", step)
    stop = threading.Event()
    thread = threading.Thread(target=sender.run, args=(stop,))
    thread.start()
    pika.wait_for(lambda: bool(pika.sessions) and titles(pika) == ["Eins"])
    stop.set()
    sender.wake.set()
    thread.join(5)
    assert not thread.is_alive()


def test_a_rejected_play_is_noted_and_the_others_go_on(
    sender: Sender, pika: FakePika, put: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    pika.bad_titles = {"Zwei"}
    put("Eins", "Zwei", "Drei")
    drain(sender)
    assert titles(pika) == ["Eins", "Drei"]
    assert sender.outbox.rejections(SESSION) == [("Zwei", "No such title")]
    assert capsys.readouterr().out == 'The server did not take "Zwei": No such title\n'


def test_one_play_that_spoils_its_batch_is_found_and_left_out(
    sender: Sender, pika: FakePika, put: Callable[..., None]
) -> None:
    put(*[f"{n:03}" for n in range(60)], "POISON", *[f"{n:03}" for n in range(60, 130)])
    drain(sender)
    assert titles(pika) == [f"{n:03}" for n in range(130)]
    assert sender.outbox.rejections(SESSION) == [("POISON", "Not valid (track.title: Poisonous.)")]
    assert len(pika.requests) < 30


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_a_batch_refused_for_ever_ends_as_rejected(
    sender: Sender, pika: FakePika, put: Callable[..., None], status: int
) -> None:
    sender.step()
    put("Eins")
    pika.fail(*[(status, "/plays")] * 5)
    drain(sender)
    assert sender.outbox.rejections(SESSION) == [("Eins", "As the test asked.")]
    assert len(pika.faults) == 4


def test_a_session_the_server_never_heard_of_does_not_hold_up_the_next(
    sender: Sender, pika: FakePika, put: Callable[..., None]
) -> None:
    gone = "00000000-0000-4000-8000-000000000000"
    put("Alt", "Älter", session=gone)
    put("Neu")
    drain(sender)
    assert titles(pika) == ["Neu"]
    assert sender.outbox.rejections(gone) == [("Alt", "Session not found"), ("Älter", "Session not found")]


def test_plays_of_an_ended_session_are_still_sent(sender: Sender, pika: FakePika, put: Callable[..., None]) -> None:
    sender.step()
    pika.the_session()["ended"] = True
    sender.outbox.set_state(SESSION, "again")
    put("Spät")
    drain(sender)
    assert titles(pika) == ["Spät"]
    session = sender.outbox.session(SESSION)
    assert session
    assert session.state == "over"


def test_an_errand_is_done_after_the_plays_and_once(sender: Sender, pika: FakePika, put: Callable[..., None]) -> None:
    put("Eins")
    play = play_id(SESSION, HeardTrack("Eins", played_at=from_unix(1_700_000_000)))
    sender.outbox.put_errand(pika.url, SESSION, f"hide:{play}", hide_request(SESSION, play, True))
    pika.fail(("after", "/hide"))
    drain(sender)
    assert pika.hidden == {play: True}
    assert [path.rsplit("/", 1)[1] for _, path in pika.requests] == ["sessions", "plays", "hide", "hide"]


def test_the_play_id_is_the_same_for_the_same_play_only() -> None:
    track = HeardTrack("Eins", origin="a.m3u", path="D:\\1.mp3", played_at=from_unix(1_700_000_000))
    later = HeardTrack("Eins", origin="a.m3u", path="D:\\1.mp3", played_at=from_unix(1_700_000_001))
    retagged = HeardTrack("One", origin="a.m3u", path="D:\\1.mp3", played_at=from_unix(1_700_000_000))
    assert play_id("s", track) == play_id("s", retagged)
    assert len({play_id("s", track), play_id("s", later), play_id("t", track), play_id("s", track, 2)}) == 4


def test_answers_become_the_right_trouble(settings: Settings, pika: FakePika) -> None:
    api = Api(settings.server, settings.token)
    cases = [
        (302, Unreachable),
        (404, Refused),
        (429, Busy),
        (503, Busy),
        (500, Unreachable),
        ("html", Unreachable),
    ]
    for fault, trouble in cases:
        pika.fail((fault, "/me"))
        with pytest.raises(trouble):
            api.me()
    assert api.me()["name"] == "Marcus"


def test_the_token_is_in_no_word_of_any_trouble(settings: Settings, pika: FakePika) -> None:
    api = Api(settings.server, settings.token)
    assert settings.token not in repr(settings) + repr(api)
    pika.fail((400, "/me"))
    with pytest.raises(Refused) as no:
        api.me()
    assert settings.token not in str(no.value)
    assert problem("a", "b") == {"error": {"code": "a", "message": "b"}}

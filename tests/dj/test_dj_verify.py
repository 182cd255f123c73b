"""`pika-dj verify`: a set said from the terminal, a line a song."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fake_pika import FakePika, problem

from pika_dj.cli import main
from pika_dj.outbox import Outbox
from pika_dj.rest import TokenRefused
from pika_dj.settings import Settings, home

LINK = "https://open.spotify.com/track/4iV5W9uYEdYUVa79Axb7Rh?si=x"


def question(number: int, *offers: str) -> dict[str, Any]:
    return {
        "playId": f"play{number}",
        "track": {"title": f"Song {number}", "artist": "Band"},
        "isConflict": len(offers) > 1,
        "suggestions": [
            {
                "trackId": code,
                "link": "" if code else LINK,
                "title": f"Song {number}",
                "version": "Live",
                "artist": "Band",
                "words": "Same file",
                "djs": 2,
                "differences": [{"field": "version", "play": "", "track": "Live"}],
            }
            for code in offers
        ],
    }


@pytest.fixture
def a_set(pika: FakePika, settings: Settings) -> None:
    """Three songs: two suggestions, one of a catalogue, none."""
    pika.sessions["SET1"] = {"sessionId": "SET1", "ended": True}
    pika.questions = [question(1, "one", "two"), question(2, ""), question(3)]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """typed("", "s"): run it, and type these lines; at the end of them the terminal is closed."""

    def run(*lines: str) -> tuple[int, str, str]:
        keys: Iterator[str] = iter(lines)

        def read(_prompt: str = "") -> str:
            try:
                return next(keys)
            except StopIteration:
                raise EOFError from None

        monkeypatch.setattr("pika_dj.cli.verify", lambda settings, code: _verify(settings, code, read))
        code = main(["verify", "SET1"])
        out, err = capsys.readouterr()
        return code, out, err

    from pika_dj.verify import verify as _verify

    return run


def said(pika: FakePika) -> list[tuple[str, str]]:
    return [
        (play, its["verdict"] + ":" + (its.get("trackId") or its.get("link") or ""))
        for play, its in pika.verdicts.items()
    ]


def searched(pika: FakePika) -> list[str]:
    return [path.split("/")[-2] for _method, path in pika.requests if path.endswith("/search")]


def test_enter_takes_the_first_a_number_another_and_a_link_can_be_pasted(
    pika: FakePika, a_set: None, typed: Any
) -> None:
    code, out, err = typed("", "1", LINK)
    assert (code, err) == (0, "")
    assert said(pika) == [("play1", "confirm:one"), ("play2", f"confirm:{LINK}"), ("play3", f"confirm:{LINK}")]
    assert "1 of 3  Band – Song 1" in out
    assert "   1  Band – Song 1 (Live)  [Same file, 2 DJs]  version: - > Live" in out
    assert "DJs do not agree about this one." in out
    assert "It is Etta James – At Last" in out
    assert out.endswith("All 3 done. Thank you!\n")


def test_next_leaves_it_for_the_next_run_and_skip_for_ever(pika: FakePika, a_set: None, typed: Any) -> None:
    assert typed("n", "s", "n")[1].endswith("1 of 3 done, 2 left for later: pika-dj verify\n")
    assert said(pika) == [("play2", "skip:")]
    assert "2 of 3  Band – Song 1" in typed("q")[1]


def test_undo_brings_the_last_one_back(pika: FakePika, a_set: None, typed: Any) -> None:
    code, out, _ = typed("u", "2", "u", "1", "q")
    assert code == 0
    assert out.count("1 of 3  Band – Song 1") == 3
    assert "There is nothing to undo in this run." in out
    assert said(pika) == [("play1", "confirm:one")]


def test_not_the_first_one_shows_what_is_left(pika: FakePika, a_set: None, typed: Any) -> None:
    typed("r", "", "q")
    assert said(pika) == [("play1", "confirm:two")]


def test_what_is_refused_is_said_and_asked_again(pika: FakePika, a_set: None, typed: Any) -> None:
    _, out, _ = typed("https://open.spotify.com/album/x", "7", "5", "?", "q")
    assert "This is a link to a whole album." in out
    assert "There is no number 5 here." in out
    assert out.count("1 of 3  Band – Song 1") == 5
    assert (said(pika), out.count("n: next · s: skip")) == ([], 2)


def test_a_line_that_breaks_loses_nothing(pika: FakePika, a_set: None, typed: Any) -> None:
    pika.fail(("before", "/tracks/verify"), ("after", "/tracks/verify"))
    _, out, _ = typed("", "", "", "q")
    assert out.count("this is not saved yet. Say it again.") == 2
    assert said(pika) == [("play1", "confirm:one")]
    pika.fail(("before", "unverified"))
    code, _, err = typed("q")
    assert code == 1
    assert "What you said until now is kept; go on with: pika-dj verify" in err


def test_a_withdrawn_token_says_what_to_do(pika: FakePika, a_set: None, typed: Any) -> None:
    pika.token = "another"
    assert typed("") == (1, "", f"pika-dj: {TokenRefused.words}\n")


def test_without_a_code_it_is_the_set_that_was_played_last(
    pika: FakePika, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify"]) == 1
    assert "No set was played from this computer." in capsys.readouterr().err
    outbox = Outbox(home() / "outbox.sqlite")
    outbox.close()
    assert main(["verify", "NOSUCH"]) == 1
    assert "Session not found" in capsys.readouterr().err


def test_what_nobody_said_is_searched_and_more_is_found_when_asked(pika: FakePika, a_set: None, typed: Any) -> None:
    [offer] = question(3, "")["suggestions"]
    pika.found["play3"] = 200, {"suggestions": [offer | {"title": "Found", "words": "On Spotify", "djs": 0}]}
    pika.found["play1"] = 200, {"suggestions": [offer | {"title": "Else", "words": "On Spotify", "djs": 0}]}
    code, out, err = typed("f", "3", "n", "1")
    assert (code, err) == (0, "")
    assert "   3  Band – Else (Live)  [On Spotify]" in out
    assert "   1  Band – Found (Live)  [On Spotify]" in out
    assert "Nobody said yet" not in out
    assert said(pika) == [("play1", f"confirm:{LINK}"), ("play3", f"confirm:{LINK}")]
    assert searched(pika) == ["play1", "play3"]
    pika.verdicts.clear()
    pika.found["play1"] = 200, {"suggestions": []}
    assert "   Spotify finds nothing else." in typed("f", "q")[1]


def test_a_spotify_that_asks_to_wait_says_so_and_is_not_asked_on_every_song(
    pika: FakePika, settings: Settings, typed: Any
) -> None:
    words = "Spotify asks us to wait: its search is back in 3 hours."
    wait = 503, problem("spotify_wait", words, retryAfter=10800)
    pika.sessions["SET1"] = {"sessionId": "SET1", "ended": True}
    pika.questions = [question(1), question(2), question(3)]
    pika.found = dict.fromkeys(["play1", "play2", "play3"], wait)
    code, out, err = typed("n", "f", LINK, "n")
    assert (code, err) == (0, "")
    assert out.count(f"   {words}\n") == 2  # by itself, and when it was asked for
    assert searched(pika) == ["play1", "play2"]
    assert said(pika) == [("play2", f"confirm:{LINK}")]  # everything else goes on


def test_without_a_link_to_spotify_the_terminal_says_it_once(pika: FakePika, settings: Settings, typed: Any) -> None:
    pika.sessions["SET1"] = {"sessionId": "SET1", "ended": True}
    pika.questions = [question(1), question(2)]
    assert typed("n", "n")[1].count("Link your Spotify account first.") == 1

"""The command line as the DJ sees it: logging in, the doctor, and every trouble in plain words."""

import json
import os
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dj_samples import history_line
from fake_pika import TOKEN, FakePika

from pika_dj.cli import main
from pika_dj.rest import TokenRefused
from pika_dj.screen import Trouble
from pika_dj.settings import Settings, is_open_line, server_address


class Shown:
    """What a command printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def run(self, *arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        out, err = self._capsys.readouterr()
        return code, out, err


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Shown:
    return Shown(capsys)


# Logging in


def test_logging_in_says_who_you_are_and_keeps_the_token_to_yourself(shown: Shown, pika: FakePika, home: Path) -> None:
    code, out, err = shown.run("login", "--server", pika.url + "/", "--token", TOKEN)
    assert (code, out, err) == (0, f"Logged in at {pika.url} as Marcus.\n", "")
    stored = home / "settings.json"
    assert json.loads(stored.read_text())["token"] == TOKEN
    if os.name == "posix":
        assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert TOKEN not in (home / "pika-dj.log").read_text()


def test_what_is_left_out_is_asked_and_the_token_is_not_shown(
    shown: Shown, pika: FakePika, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda _: pika.url)
    monkeypatch.setattr("getpass.getpass", lambda _: TOKEN)
    assert shown.run("login") == (0, f"Logged in at {pika.url} as Marcus.\n", "")


def test_a_wrong_token_is_said_and_the_right_one_before_it_kept(
    shown: Shown, pika: FakePika, settings: Settings
) -> None:
    words = "The server does not know this token. Make a new one on the website and copy all of it."
    assert shown.run("login", "--server", pika.url, "--token", "wrong") == (1, "", f"pika-dj: {words}\n")
    assert Settings.load() == settings


def test_a_server_that_does_not_answer_is_said(shown: Shown, pika: FakePika) -> None:
    pika.stop()
    code, out, err = shown.run("login", "--server", pika.url, "--token", TOKEN)
    assert (code, out) == (1, "")
    assert err.startswith(f"pika-dj: {pika.url} does not answer (")
    assert TOKEN not in err


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("pika.example.org", "https://pika.example.org"),
        (" https://pika.example.org/ ", "https://pika.example.org"),
        ("localhost:8000", "http://localhost:8000"),
        ("http://192.168.1.5:8000", "http://192.168.1.5:8000"),
    ],
)
def test_a_server_address_as_people_type_it(typed: str, address: str) -> None:
    assert server_address(typed) == address


@pytest.mark.parametrize("typed", ["", "ftp://x", "https://", "https://u:p@x", "https://x:99999", "https://x?y=1"])
def test_what_is_no_server_address_is_said(typed: str) -> None:
    with pytest.raises(Trouble, match=r"^This is not a server address: "):
        server_address(typed)


def test_only_plain_http_over_a_network_is_an_open_line() -> None:
    open_lines = [is_open_line(url) for url in ("http://10.0.0.1", "http://127.0.0.1:8000", "https://x.org")]
    assert open_lines == [True, False, False]


# Trouble in words


@pytest.mark.parametrize("arguments", [("live",), ("hide",), ("replay", "x.m3u")])
def test_without_login_every_command_says_so(shown: Shown, arguments: tuple[str, ...]) -> None:
    assert shown.run(*arguments) == (1, "", "pika-dj: You are not logged in. Run: pika-dj login\n")


def test_a_broken_settings_file_is_said_and_mended_by_logging_in(shown: Shown, pika: FakePika, home: Path) -> None:
    home.mkdir()
    (home / "settings.json").write_text("{")
    words = f"pika-dj: The settings file cannot be read: {home / 'settings.json'}. Log in again.\n"
    assert shown.run("hide") == (1, "", words)
    assert shown.run("login", "--server", pika.url, "--token", TOKEN)[0] == 0


def test_hide_without_a_session_is_said(shown: Shown, settings: Settings) -> None:
    words = "pika-dj: Nothing is playing from this computer. Start with: pika-dj live\n"
    assert shown.run("hide") == (1, "", words)


def test_a_withdrawn_token_stops_everything_with_words(
    shown: Shown, pika: FakePika, settings: Settings, tmp_path: Path
) -> None:
    pika.token = "another"
    file = tmp_path / "a.m3u"
    file.write_text(history_line("Eins", 1_700_000_000))
    words = f"pika-dj: {TokenRefused.words}\n"
    assert TokenRefused.words.endswith("Make a new one on the website, then: pika-dj login")
    assert shown.run("replay", str(file)) == (1, "", words)
    assert shown.run("live", "--source", "type") == (1, "", words)


def test_a_folder_that_is_not_there_is_said(shown: Shown, settings: Settings, tmp_path: Path) -> None:
    words = f"pika-dj: There is no folder {tmp_path / 'nosuch'}\n"
    assert shown.run("live", "--folder", str(tmp_path / "nosuch")) == (1, "", words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("live", "--delay", "601"), "601 does not fit; it must be from 0 to 600 seconds"),
        (("live", "--after", "-1"), "-1 does not fit; it must be seconds, 0 or more"),
        (("live", "--after", "soon"), "soon does not fit; it must be seconds, 0 or more"),
        (("replay", "x", "--speed", "nan"), "nan does not fit; it must be a number, 0 or more"),
        (("live", "--source", "winamp"), "invalid choice: 'winamp'"),
    ],
)
def test_what_cannot_be_meant_is_said(
    shown: Shown, arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err


# The doctor


@pytest.fixture
def virtualdj(tmp_path: Path) -> Path:
    folder = tmp_path / "VirtualDJ"
    (folder / "History").mkdir(parents=True)
    (folder / "History" / "2026-01-01.m3u").write_text(history_line("Eins", 1_700_000_000))
    (folder / "settings.xml").write_text("<options><historyDelay>45</historyDelay></options>")
    return folder


def verdicts(out: str) -> list[str]:
    return [" ".join(line.split(":")[0].split()) for line in out.splitlines()[:-1]]


def test_the_doctor_finds_a_healthy_laptop_healthy(shown: Shown, settings: Settings, virtualdj: Path) -> None:
    code, out, _ = shown.run("doctor", "--folder", str(virtualdj))
    what = ("Storage", "Server", "Token", "Clock", "Outbox", "Folder", "VirtualDJ settings")
    assert verdicts(out) == [f"OK {name}" for name in what]
    assert (code, out.splitlines()[-1]) == (0, "Everything is ready.")
    assert settings.token not in out


def test_the_doctor_sees_a_wrong_clock_and_a_slow_history(
    shown: Shown, settings: Settings, pika: FakePika, virtualdj: Path
) -> None:
    pika.ahead_s = 42
    (virtualdj / "settings.xml").write_text("<historyDelay>300</historyDelay>")
    code, out, _ = shown.run("doctor", "--folder", str(virtualdj))
    assert code == 1
    assert "PROBLEM  Clock: It is 42 s ahead. Let the system set the time by itself.\n" in out
    assert "PROBLEM  VirtualDJ settings: Tracks are written 300 s late." in out
    assert out.endswith("2 to put right.\n")


def test_the_doctor_goes_on_after_a_problem(shown: Shown, settings: Settings, pika: FakePika, tmp_path: Path) -> None:
    pika.token = "another"
    code, out, _ = shown.run("doctor", "--folder", str(tmp_path / "nosuch"))
    assert (code, verdicts(out)) == (
        1,
        ["OK Storage", "OK Server", "PROBLEM Token", "OK Outbox", "PROBLEM Folder"],
    )


def test_the_doctor_before_the_first_login(shown: Shown, virtualdj: Path) -> None:
    code, out, _ = shown.run("doctor", "--folder", str(virtualdj))
    assert (code, "PROBLEM  Login: You are not logged in. Run: pika-dj login\n" in out) == (1, True)


def test_the_program_asks_nothing_that_only_some_systems_have() -> None:
    sources = (Path(sys.modules["pika_dj"].__file__ or "").parent).rglob("*.py")
    text = "\n".join(file.read_text("utf-8") for file in sources)
    words = ("import termios", "import fcntl", "SIGALRM", "os.fork", "import pwd", "import select", "os.kill")
    assert [word for word in words if word in text] == []
    assert datetime.now(UTC).tzinfo is UTC

"""Places that are listened to while they play: Network Control, What's Now Playing, the keyboard."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pika_dj.screen import Trouble
from pika_dj.sources import SourceTrouble
from pika_dj.sources.audible import Audible
from pika_dj.sources.choose import Wanted, open_source
from pika_dj.sources.netcontrol import NetworkControl
from pika_dj.sources.typed import TypedTracks
from pika_dj.sources.wnp import NowPlayingListener
from pika_dj.tracks import HeardTrack

EVENING = 1_700_000_000


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(EVENING + seconds, UTC)


# What sounds long enough


def test_a_track_counts_after_its_first_seconds_without_a_break() -> None:
    audible, lily = Audible(15), HeardTrack("Lily")
    assert audible.hear({1: lily}, at(0)) == []
    assert audible.hear({}, at(10)) == []  # only tried
    assert audible.hear({1: lily}, at(12)) == []
    assert audible.hear({1: lily}, at(26)) == []
    (play,) = audible.hear({1: lily}, at(27))
    assert play.played_at == at(12)
    assert audible.hear({1: lily}, at(400)) == []


def test_a_short_silence_is_a_break_and_a_long_one_a_new_play() -> None:
    audible, lily = Audible(0), HeardTrack("Lily")
    assert len(audible.hear({1: lily}, at(0))) == 1
    audible.hear({}, at(30))
    assert audible.hear({1: lily}, at(40)) == []
    audible.hear({}, at(120))
    assert len(audible.hear({1: lily}, at(121))) == 1


# VirtualDJ's Network Control


class FakePlugin:
    """VirtualDJ's plugin: answers scripts, wants a password when it has one."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.password = ""
        self.asked: list[str] = []
        plugin = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                script = parse_qs(url.query)["script"][0]
                plugin.asked.append(f"{url.path} {script}")
                is_right = not plugin.password or self.headers["Authorization"] == f"Bearer {plugin.password}"
                data = plugin.answers.get(script, "").encode() if is_right else b"no"
                self.send_response(200 if is_right else 401)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def load(self, deck: int, title: str, artist: str = "", *, audible: str = "on") -> None:
        self.answers[f"deck {deck} is_audible"] = audible
        self.answers[f"deck {deck} get_loaded_song 'title'"] = title
        self.answers[f"deck {deck} get_loaded_song 'artist'"] = artist
        self.answers[f"deck {deck} get_loaded_song 'filepath'"] = f"D:\\{title}.mp3"


@pytest.fixture
def plugin() -> Iterator[FakePlugin]:
    plugin = FakePlugin()
    yield plugin
    plugin.http.shutdown()
    plugin.http.server_close()


def test_network_control_tells_what_is_audible_on_any_deck(plugin: FakePlugin) -> None:
    source = NetworkControl(0, plugin.port)
    plugin.load(1, "Lily", "Kate Bush")
    plugin.load(2, "Next", "Cued", audible="off")
    assert [(play.artist, play.title, play.path) for play in source.poll()] == [("Kate Bush", "Lily", "D:\\Lily.mp3")]
    plugin.load(2, "Next", "Cued")
    assert [play.title for play in source.poll()] == ["Next"]
    assert source.poll() == []


def test_network_control_tells_what_is_ready_to_come_next(plugin: FakePlugin) -> None:
    source = NetworkControl(0, plugin.port)
    plugin.load(1, "Lily", "Kate Bush")
    plugin.load(2, "Next", "Cued", audible="off")
    source.poll()
    assert [track.words for track in source.ready] == ["Cued - Next"]
    plugin.asked.clear()
    source.poll()
    about_silent = [line for line in plugin.asked if "deck 2 get_loaded" in line]
    assert len(about_silent) == 1  # all of it only when another track is loaded
    plugin.load(1, "Lily", "Kate Bush", audible="off")  # it is over, and still lies there
    plugin.load(2, "Next", "Cued")
    source.poll()
    assert source.ready == []
    plugin.load(1, "Another", "Kate Bush", audible="off")
    source.poll()
    assert [track.words for track in source.ready] == ["Kate Bush - Another"]


def test_network_control_hears_nothing_while_the_dj_rehearses_in_the_sandbox(plugin: FakePlugin) -> None:
    source = NetworkControl(0, plugin.port)
    plugin.load(1, "Probe")
    plugin.answers["sandbox"] = "on"
    assert source.poll() == []
    assert plugin.asked == ["/query sandbox"]
    plugin.answers["sandbox"] = "off"
    assert [play.title for play in source.poll()] == ["Probe"]
    assert {line.split()[0] for line in plugin.asked} == {"/query"}


def test_network_control_with_a_password(plugin: FakePlugin) -> None:
    plugin.password = "geheim"
    plugin.load(1, "Lily")
    with pytest.raises(SourceTrouble, match="wants its password"):
        NetworkControl(0, plugin.port).poll()
    assert [play.title for play in NetworkControl(0, plugin.port, "geheim").poll()] == ["Lily"]


def test_a_plugin_that_is_not_there_is_said(plugin: FakePlugin) -> None:
    plugin.http.shutdown()
    plugin.http.server_close()
    with pytest.raises(SourceTrouble, match="does not answer"):
        NetworkControl(0, plugin.port).poll()


# What's Now Playing


@pytest.fixture
def listener() -> Iterator[NowPlayingListener]:
    listener = NowPlayingListener(0, 0, "geheim")
    yield listener
    listener.close()


def post(listener: NowPlayingListener, body: Any, path: str = "/v1/remoteinput", **headers: str) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"http://127.0.0.1:{listener.port}{path}"
    request = urllib.request.Request(url, data, {"X-WNP-Client-Auth": "geheim", **headers})
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_whats_now_playing_is_answered_as_it_expects(listener: NowPlayingListener) -> None:
    told = {
        "artist": "Kate Bush",
        "title": "Lily",
        "filename": "/m/lily.mp3",
        "bpm": "104",
        "isrc": ["GBAYE9300106"],
    }
    assert post(listener, told) == (200, {"dbid": 1, "processed_metadata": {}})
    (play,) = listener.poll()
    assert (play.artist, play.title, play.bpm, play.isrc) == ("Kate Bush", "Lily", 104.0, "GBAYE9300106")
    assert listener.poll() == []
    post(listener, told)
    assert listener.poll() == []  # the same track told twice is one play


def test_a_track_replaced_before_its_time_was_only_tried() -> None:
    listener = NowPlayingListener(15, 0)
    post(listener, {"title": "Probe"})
    post(listener, {"title": "Lily"})
    (key,) = listener._audible._since
    listener._audible._since[key] -= timedelta(seconds=15)
    assert [play.title for play in listener.poll()] == ["Lily"]
    listener.close()


@pytest.mark.parametrize(
    ("body", "path", "headers", "status"),
    [
        ({"title": "x"}, "/v1/remoteinput", {"X-WNP-Client-Auth": "falsch"}, 403),
        ({"title": "x"}, "/v1/remoteinput", {"Origin": "https://evil.example"}, 403),
        ({"title": "x"}, "/v1/remoteinput", {"Host": "evil.example"}, 403),
        ({"title": "x"}, "/v2/other", {}, 404),
        (["title"], "/v1/remoteinput", {}, 400),
        (b"{", "/v1/remoteinput", {}, 400),
    ],
)
def test_what_is_not_from_whats_now_playing_is_refused(
    listener: NowPlayingListener, body: Any, path: str, headers: dict[str, str], status: int
) -> None:
    assert post(listener, body, path, **headers)[0] == status
    assert listener.poll() == []


def test_an_older_whats_now_playing_sends_its_secret_in_the_body(listener: NowPlayingListener) -> None:
    told = {"title": "Lily", "secret": "geheim"}
    assert post(listener, told, **{"X-WNP-Client-Auth": ""})[0] == 200


def test_a_port_in_use_is_said(listener: NowPlayingListener) -> None:
    with pytest.raises(Trouble, match=rf"^Port {listener.port} is in use"):
        NowPlayingListener(0, listener.port)


# Typed, and finding the folders


def test_typed_lines_are_plays_at_once() -> None:
    source = TypedTracks()
    for line in ("Kate Bush - Lily", "Nur ein Titel", "   "):
        source.take(line)
    assert [(play.artist, play.title) for play in source.poll()] == [
        ("Kate Bush", "Lily"),
        ("", "Nur ein Titel"),
    ]
    assert source.poll() == []


@pytest.mark.parametrize("name", ["virtualdj", "serato", "mixxx"])
def test_a_program_that_is_not_here_is_said(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    with pytest.raises(Trouble, match="with --folder"):
        open_source(Wanted(name), at(0), 15)
    with pytest.raises(Trouble, match=r"^There is no folder "):
        open_source(Wanted(name, str(tmp_path / "nosuch")), at(0), 15)

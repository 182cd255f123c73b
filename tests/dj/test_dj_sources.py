"""The other places plays come from: Serato, Mixxx, tracklist.txt, Network Control, What's Now Playing."""

import json
import sqlite3
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
from dj_samples import serato_row

from pika_dj.screen import Trouble
from pika_dj.sources import SourceTrouble
from pika_dj.sources.audible import Audible
from pika_dj.sources.choose import Wanted, open_source
from pika_dj.sources.mixxx import MixxxHistory
from pika_dj.sources.netcontrol import NetworkControl
from pika_dj.sources.serato import SeratoSessions, parse_session, read_session
from pika_dj.sources.tracklist import parse_tracklist, read_tracklist
from pika_dj.sources.typed import TypedTracks
from pika_dj.sources.wnp import NowPlayingListener
from pika_dj.tracks import HeardTrack

EVENING = 1_700_000_000


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(EVENING + seconds, UTC)


# Serato


def test_a_serato_row_is_a_play_with_its_fields() -> None:
    (play,) = parse_session(serato_row(7, "Lily", EVENING), origin="1.session")
    assert (play.artist, play.title, play.bpm, play.key) == ("Kate Bush", "Lily", 104.0, "Em")
    assert (play.played_at, play.path, play.origin) == (at(0), "C:\\Music\\file.mp3", "1.session")


def test_in_serato_the_last_word_on_a_row_counts_and_loaded_is_not_played() -> None:
    rows = [
        serato_row(1, "Erst geladen", EVENING, is_played=False),
        serato_row(2, "Nur geladen", EVENING + 10, is_played=False),
        serato_row(1, "Gespielt", EVENING),
    ]
    assert [play.title for play in parse_session(b"".join(rows))] == ["Gespielt"]


def test_a_serato_file_cut_anywhere_gives_its_whole_rows() -> None:
    first, second = serato_row(1, "Eins", EVENING), serato_row(2, "Zwei", EVENING + 200)
    for cut in range(len(second)):
        assert [play.title for play in parse_session(first + second[:cut])] == ["Eins"]


def test_real_serato_sessions_are_read(shared_data: Path) -> None:
    counts = {file.name: len(read_session(file)) for file in (shared_data / "serato").glob("*.session")}
    assert counts == {"mac-12.session": 51, "win-1.session": 3, "win-tidal-86.session": 17}
    first = read_session(shared_data / "serato" / "win-tidal-86.session")[0]
    assert (first.artist, first.title, first.stream_id) == (
        "David Bowie",
        "I'm Afraid of Americans",
        "tidal:54432030",
    )


def test_a_running_serato_tells_each_play_once(tmp_path: Path) -> None:
    folder = tmp_path / "_Serato_" / "History" / "Sessions"
    folder.mkdir(parents=True)
    source = open_source(Wanted("serato", str(tmp_path)), at(0), 15)
    assert isinstance(source, SeratoSessions)
    file = folder / "9.session"
    file.write_bytes(serato_row(1, "Vorher", EVENING - 5) + serato_row(2, "Eins", EVENING + 5))
    assert [play.title for play in source.poll()] == ["Eins"]
    file.write_bytes(file.read_bytes() + serato_row(2, "Eins", EVENING + 5) + serato_row(3, "Zwei", EVENING + 200))
    assert [play.title for play in source.poll()] == ["Zwei"]
    assert source.poll() == []


# tracklist.txt


def test_a_tracklist_has_days_times_and_lines_without_artist() -> None:
    text = (
        "\ufeffVirtualDJ History 2019/10/21\n------------------------------\n"
        "22:14 : Raghu Dixit - [iSongs.info] 02 - Break The Rules\n22:19 :  - Chillara Gang\n"
        "23:50 : A - B - A - B\n00:10 : Late - Show\n"
        "VirtualDJ History 2019/10/22\n------------------------------\n21:21 : Neu - Start\n"
    )
    plays = parse_tracklist(text.replace("\n", "\r\n").encode())
    assert [(play.artist, play.title) for play in plays] == [
        ("Raghu Dixit", "[iSongs.info] 02 - Break The Rules"),
        ("", "Chillara Gang"),
        ("A", "B"),
        ("Late", "Show"),
        ("Neu", "Start"),
    ]
    local = [play.played_at.astimezone().strftime("%d %H:%M") for play in plays if play.played_at]
    assert local == ["21 22:14", "21 22:19", "21 23:50", "22 00:10", "22 21:21"]


def test_real_tracklists_are_read(shared_data: Path) -> None:
    files = sorted((shared_data / "virtualdj").glob("*/History/tracklist.txt"))
    assert [len(read_tracklist(file)) for file in files] == [50, 312]


# Mixxx


@pytest.fixture
def mixxx(tmp_path: Path) -> Path:
    """A Mixxx database with the tables that matter, as Mixxx 2.3 makes them."""
    place = tmp_path / "mixxxdb.sqlite"
    fill(
        place,
        "CREATE TABLE Playlists (id INTEGER primary key, name varchar(48), position INTEGER, hidden INTEGER)",
        "CREATE TABLE PlaylistTracks (id INTEGER primary key, playlist_id INTEGER, track_id INTEGER,"
        " position INTEGER, pl_datetime_added)",
        "CREATE TABLE track_locations (id INTEGER PRIMARY KEY, location varchar(512), filesize INTEGER)",
        "CREATE TABLE library (id INTEGER primary key, artist varchar(64), title varchar(64), album varchar(64),"
        " location integer, comment varchar(256), duration float, bpm float, key varchar(8))",
        "INSERT INTO Playlists VALUES (1, 'Auto DJ', 0, 1), (2, '2023-11-14', 1, 2)",
        "INSERT INTO track_locations VALUES (1, '/music/Kate Bush - Lily.mp3', 99)",
        "INSERT INTO library VALUES (1, 'Kate Bush', 'Lily', 'Red', 1, 'pikahide', 221.5, 104.2, 'Em')",
        "INSERT INTO PlaylistTracks VALUES (1, 1, 1, 1, '2023-11-14 22:14:00')",
        "INSERT INTO PlaylistTracks VALUES (2, 2, 1, 1, '2023-11-14 22:00:00')",
    )
    return place


def fill(place: Path, *statements: str) -> None:
    with sqlite3.connect(place) as mixxx:
        for statement in statements:
            mixxx.execute(statement)
    mixxx.close()


def test_mixxx_tells_what_was_played_since_the_session_began(mixxx: Path) -> None:
    source = MixxxHistory(mixxx.parent, at(0))
    assert source.poll() == []
    fill(mixxx, "INSERT INTO PlaylistTracks VALUES (3, 2, 1, 2, '2023-11-14 22:13:20')")
    (play,) = source.poll()
    assert (play.artist, play.title, play.played_at, play.path) == (
        "Kate Bush",
        "Lily",
        at(0),
        "/music/Kate Bush - Lily.mp3",
    )
    assert (play.duration_ms, play.bpm, play.key, play.album, play.is_hidden) == (
        221500,
        104.2,
        "Em",
        "Red",
        True,
    )
    assert source.poll() == []


def test_mixxx_is_only_ever_opened_to_read(mixxx: Path) -> None:
    before = mixxx.read_bytes()
    MixxxHistory(mixxx, at(-9999)).poll()
    assert (mixxx.read_bytes(), [file.name for file in mixxx.parent.iterdir() if file.suffix != ""]) == (
        before,
        ["mixxxdb.sqlite"],
    )
    with pytest.raises(SourceTrouble):
        MixxxHistory(mixxx.parent / "nosuch.sqlite", at(0)).poll()
    assert not (mixxx.parent / "nosuch.sqlite").exists()


def test_a_genuine_mixxx_database_has_the_tables_we_ask(shared_data: Path, tmp_path: Path) -> None:
    place = tmp_path / "genuine.sqlite"
    place.write_bytes(next((shared_data / "mixxx").glob("*.sqlite")).read_bytes())
    source = MixxxHistory(place, at(0))
    assert source.poll() == []
    fill(
        place,
        "INSERT INTO Playlists (id, name, hidden) VALUES (900, 'x', 2)",
        "INSERT INTO track_locations (id, location, filesize) VALUES (900, '/m/a.mp3', 5)",
        "INSERT INTO library (id, artist, title, location, duration) VALUES (900, 'A', 'T', 900, 200)",
        "PRAGMA foreign_keys = OFF",
        "INSERT INTO PlaylistTracks (playlist_id, track_id, position, pl_datetime_added)"
        " VALUES (900, 900, 1, CURRENT_TIMESTAMP)",
    )
    assert [(play.artist, play.title, play.path) for play in source.poll()] == [("A", "T", "/m/a.mp3")]


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

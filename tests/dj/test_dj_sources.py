"""The other places plays come from: Serato, Mixxx, tracklist.txt."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dj_samples import serato_row

from pika_dj.sources import SourceTrouble
from pika_dj.sources.choose import Wanted, open_source
from pika_dj.sources.mixxx import MixxxHistory
from pika_dj.sources.serato import SeratoSessions, parse_session, read_session
from pika_dj.sources.tracklist import parse_tracklist, read_tracklist

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
        "CREATE TABLE library (id INTEGER primary key, artist varchar(64), title varchar(64),"
        " album varchar(64), location integer, comment varchar(256), duration float, bpm float,"
        " key varchar(8))",
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

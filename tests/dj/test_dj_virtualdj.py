"""VirtualDJ's history files: what they hold, how they grow, where they go."""

import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dj_samples import ROOT, history_line

from pika_dj.sources import SourceTrouble
from pika_dj.sources.virtualdj import VirtualDJHistory, parse_history, read_history
from pika_dj.sources.virtualdj_home import bpm_by_path, history_delay_s

EVENING = 1_700_000_000


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(EVENING + seconds, UTC)


def titles(text: str, **how: bool) -> list[str]:
    return [play.title for play in parse_history(text.encode(), **how)]


def test_all_35_real_history_files_hold_exactly_442_plays_in_order(shared_data: Path) -> None:
    files = sorted((shared_data / "virtualdj").glob("*/History/**/*.m3u"))
    assert len(files) == 35
    plays = [play for file in files for play in read_history(file)]
    assert len(plays) == 442
    for file in files:
        lines = file.read_text("utf-8").split("\n")
        inside = read_history(file)
        assert [play.path for play in inside] == [line for line in lines[1::2] if line]
        times = [play.played_at for play in inside]
        assert times == sorted(times)  # VirtualDJ appends, so the file's order is the evening's order
    assert all(play.title and play.played_at and play.filesize for play in plays)
    assert Counter(play.quality for play in plays) == {
        "tags": 188,
        "split title": 124,
        "title alone": 90,
        "file name": 40,
    }


def test_a_play_has_everything_its_line_says() -> None:
    more = "<remix>Dub Mix</remix><songlength>180.976</songlength>"
    (play,) = parse_history(history_line("Down", EVENING, artist="311", more=more).encode(), origin="a.m3u")
    assert (play.artist, play.title, play.remix, play.quality) == ("311", "Down (Dub Mix)", "Dub Mix", "tags")
    assert (play.played_at, play.duration_ms, play.filesize) == (at(0), 180976, 4053088)
    assert (play.path, play.origin) == ("D:\\music\\Down.mp3", "a.m3u")


def test_the_tags_are_not_xml_but_entities_are_tolerated() -> None:
    line = history_line("Q &amp; A <3 &copy", EVENING, artist="Simon & Garfunkel &#39;68")
    (play,) = parse_history(line.encode())
    assert (play.artist, play.title) == ("Simon & Garfunkel '68", "Q & A <3 &copy")


def test_bom_and_crlf_change_nothing() -> None:
    text = history_line("Eins", EVENING) + history_line("Zwei", EVENING + 200)
    windows = b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()
    assert parse_history(windows) == parse_history(text.encode())


def test_line_separators_inside_a_title_do_not_end_the_line() -> None:
    assert titles(history_line("One\u2028Two\x85Three", EVENING, path="x.mp3")) == ["One Two Three"]


def test_an_unfinished_last_pair_is_not_there_yet() -> None:
    whole = history_line("Eins", EVENING)
    growing = whole + history_line("Zwei", EVENING + 200)
    for cut in range(len(whole), len(growing) - 1):
        assert titles(growing[:cut], is_growing=True) == ["Eins"]
    assert titles(growing, is_growing=True) == ["Eins", "Zwei"]


def test_in_a_finished_file_a_whole_last_path_counts_without_line_end() -> None:
    text = history_line("Eins", EVENING) + history_line("Zwei", EVENING + 200)
    assert titles(text[:-1]) == ["Eins", "Zwei"]
    assert titles(text[:-2]) == ["Eins", "Zwei"]  # ".mp" cannot be told from an ending
    assert titles(text[:-3]) == ["Eins"]
    assert titles(text[:-5]) == ["Eins"]
    assert titles(text.rsplit("\n", 2)[0]) == ["Eins"]


def test_milliseconds_are_taken_for_seconds() -> None:
    seconds, millis = (parse_history(history_line("T", when).encode())[0] for when in (EVENING, EVENING * 1000))
    assert seconds.played_at == millis.played_at == at(0)


def test_a_streamed_track_keeps_its_stream_id() -> None:
    (play,) = parse_history(history_line("Song", EVENING, artist="A", path="netsearch://td12345").encode())
    assert (play.stream_id, play.title) == ("td12345", "Song")


def test_a_streamed_track_without_tags_is_still_a_play() -> None:
    (play,) = parse_history(history_line("", EVENING, path="netsearch://td12345").encode())
    assert play.title == "td12345"


def test_another_programs_list_is_its_paths_without_times() -> None:
    (play,) = parse_history(b"#EXTM3U\n#EXTINF\n/av/Kate Bush/5-01 Lily.m4a\n")
    assert (play.title, play.played_at) == ("Lily", None)


def test_a_line_that_is_not_utf8_is_read_as_windows_wrote_it() -> None:
    data = b"".join([history_line("Toca", EVENING, artist="Fragm\xe4").encode("latin-1"), b"x"])
    assert parse_history(data)[0].artist == "Fragmä"


def test_the_parser_needs_the_standard_library_only() -> None:
    code = (
        "import pika_dj.sources.virtualdj, sys\n"
        "print({'websockets', 'tinytag'} & {name.split('.')[0] for name in sys.modules})"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT / "clients" / "dj" / "src")}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# The folder of a VirtualDJ that is running


@pytest.fixture
def history(tmp_path: Path) -> Path:
    folder = tmp_path / "VirtualDJ" / "History"
    folder.mkdir(parents=True)
    return folder


def source_of(history: Path) -> VirtualDJHistory:
    return VirtualDJHistory(history, at(0))


def told(source: VirtualDJHistory) -> list[str]:
    return [play.title for play in source.poll()]


def test_each_play_is_told_once_while_the_file_grows(history: Path) -> None:
    source, file = source_of(history), history / "2023-11-14.m3u"
    assert told(source) == []
    file.write_text(history_line("Eins", EVENING + 1))
    assert (told(source), told(source)) == (["Eins"], [])
    with file.open("a") as growing:
        growing.write(history_line("Zwei", EVENING + 200)[:50])
        growing.flush()
        assert told(source) == []
        growing.write(history_line("Zwei", EVENING + 200)[50:])
    assert (told(source), told(source)) == (["Zwei"], [])


def test_plays_before_the_session_are_not_told(history: Path) -> None:
    (history / "2023-11-14.m3u").write_text(history_line("Früher", EVENING - 1) + history_line("Jetzt", EVENING))
    assert told(source_of(history)) == ["Jetzt"]


def test_an_evening_that_goes_past_midnight_stays_in_its_file(history: Path) -> None:
    source, file = source_of(history), history / "2023-11-14.m3u"
    file.write_text(history_line("Abends", EVENING + 60))
    assert told(source) == ["Abends"]
    file.write_text(file.read_text() + history_line("Morgens", EVENING + 9 * 3600))
    assert told(source) == ["Morgens"]


def test_a_file_moved_to_the_archive_is_not_told_again(history: Path) -> None:
    source, file = source_of(history), history / "2023-11-14.m3u"
    file.write_text(history_line("Eins", EVENING + 1))
    assert told(source) == ["Eins"]
    archive = history / "2023" / "11"
    archive.mkdir(parents=True)
    file.write_text(file.read_text() + history_line("Zwei", EVENING + 200))
    file.rename(archive / file.name)
    source._archive_at = 0.0  # do not wait for the half minute between two looks
    assert told(source) == ["Zwei"]


def test_the_same_track_twice_in_one_second_is_two_plays(history: Path) -> None:
    (history / "2023-11-14.m3u").write_text(history_line("Eins", EVENING + 1) * 2)
    assert told(source_of(history)) == ["Eins", "Eins"]


def test_a_folder_that_is_gone_is_trouble_and_not_a_crash(history: Path) -> None:
    source = source_of(history)
    history.rmdir()
    with pytest.raises(SourceTrouble):
        source.poll()
    history.mkdir()
    assert told(source) == []


def test_the_history_delay_is_read_from_the_settings(tmp_path: Path) -> None:
    assert history_delay_s(tmp_path) is None
    (tmp_path / "settings.xml").write_text("<options><historyDelay>120</historyDelay></options>")
    assert history_delay_s(tmp_path) == 120
    (tmp_path / "settings.xml").write_text("<settings></settings>")
    assert history_delay_s(tmp_path) == 45


def test_bpm_in_the_database_is_seconds_per_beat(tmp_path: Path) -> None:
    (tmp_path / "database.xml").write_text(
        '<VirtualDJ_Database><Song FilePath="D:\\a &amp; b.mp3"><Scan Bpm="0.625" Key="Em" /></Song>'
        '<Song FilePath="D:\\c.mp3"><Tags Author="x" /></Song>'
        '<Song FilePath="D:\\d.mp3"><Scan Bpm="104.0"/></Song>'
    )
    assert bpm_by_path(tmp_path) == {"d:\\a & b.mp3": 96.0, "d:\\d.mp3": 104.0}

"""Replaying history files: every play once, in order, with its own time, whatever is killed on the way."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from dj_samples import history_line, serato_row
from fake_pika import FakePika

from pika_dj.replay import find_files, gap_s, play_ids, read_all, replay
from pika_dj.screen import Trouble
from pika_dj.settings import Settings
from pika_dj.tracks import HeardTrack, from_unix, to_iso

EVENING = 1_700_000_000
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def evening(tmp_path: Path) -> Path:
    """An evening of 60 plays, three minutes apart, one of them twice in the same second."""
    file = tmp_path / "2023-11-14.m3u"
    lines = [history_line(f"Track {n:02}", EVENING + 180 * n, artist="A & B") for n in range(60)]
    file.write_text("".join(lines) + lines[-1])
    return file


def heard_by(pika: FakePika) -> list[tuple[str, str]]:
    return [(play["track"]["title"], play["playedAt"]) for play in pika.the_plays()]


def in_file(*files: Path) -> list[tuple[str, str]]:
    return [(play.title, to_iso(play.played_at)) for play in read_all(files) if play.played_at]


def test_all_442_real_plays_arrive_once_in_order_with_their_times(
    shared_data: Path, settings: Settings, pika: FakePika
) -> None:
    folder = str(shared_data / "virtualdj")
    assert replay(settings, [folder], speed=0) == 0
    files = find_files([folder])
    assert len(files) == 35
    assert heard_by(pika) == in_file(*files)
    assert len(pika.the_plays()) == 442
    assert len({play["playId"] for play in pika.the_plays()}) == 442
    times = [play["playedAt"] for play in pika.the_plays()]
    assert times == sorted(times)
    assert all(play["replay"] is True for play in pika.the_plays())
    assert pika.the_session()["ended"] is True


def test_a_replay_also_announces_and_says_so(settings: Settings, pika: FakePika, evening: Path) -> None:
    assert replay(settings, [str(evening)], speed=50_000, stage="FLOOR2") == 0
    assert pika.the_session()["stage"]["name"] == "Main Floor"
    announced = [frame for frame in pika.frames if frame["type"] == "BROADCAST_TRACK"]
    recorded = [play["playId"] for play in pika.the_plays()]
    order = [recorded.index(frame["playId"]) for frame in announced]
    assert announced
    assert order == sorted(order)
    assert all(frame["replay"] is True for frame in announced)


def test_a_second_replay_is_a_new_session(settings: Settings, pika: FakePika, evening: Path) -> None:
    replay(settings, [str(evening)], speed=0)
    replay(settings, [str(evening)], speed=0)
    assert [session["ended"] for session in pika.sessions.values()] == [True, True]
    first, second = pika.plays.values()
    assert len(first) == len(second) == 61
    assert {play["playId"] for play in first} & {play["playId"] for play in second} == set()


def test_a_replay_killed_half_way_goes_on_where_it_was(
    settings: Settings, pika: FakePika, pika_dj: Start, evening: Path
) -> None:
    for wanted in (5, 30):
        child = pika_dj("replay", str(evening), "--speed", "6000")  # three minutes are 30 ms
        pika.wait_for(lambda wanted=wanted: bool(pika.sessions) and len(pika.the_plays()) >= wanted)
        child.kill()
        child.wait()
    assert len(pika.the_plays()) < 61
    last = pika_dj("replay", str(evening), "--speed", "0")
    words, _ = last.communicate(timeout=15)
    assert last.returncode == 0
    assert heard_by(pika) == in_file(evening)
    assert pika.the_session()["ended"] is True
    assert "Going on with the replay that was not finished." in words
    assert words.endswith("Done: 61 plays sent.\n")


def test_a_replay_outlives_a_server_that_dies(
    settings: Settings, pika: FakePika, pika_dj: Start, evening: Path
) -> None:
    child = pika_dj("replay", str(evening), "--speed", "6000")
    pika.wait_for(lambda: bool(pika.sessions) and len(pika.the_plays()) >= 10)
    pika.stop()
    assert child.stdout
    words = iter(child.stdout.readline, "")
    assert "No connection. Your tracks are kept and will be sent.\n" in words  # reads on until it is said
    pika.start()
    rest, _ = child.communicate(timeout=15)
    assert child.returncode == 0
    assert heard_by(pika) == in_file(evening)
    assert "Done: 61 plays sent." in rest.splitlines()  # “Connected again.” may come behind it


def test_killed_between_the_end_and_forgetting_it_makes_no_second_session(
    settings: Settings, pika: FakePika, evening: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("pika_dj.outbox.Outbox.forget_session", lambda *_: exit(9))
        with pytest.raises(SystemExit):
            replay(settings, [str(evening)], speed=0)
    assert replay(settings, [str(evening)], speed=0) == 0
    assert heard_by(pika) == in_file(evening)
    assert len(pika.sessions) == 1


def test_a_session_ended_on_the_website_meanwhile_still_gets_its_plays(
    settings: Settings, pika: FakePika, pika_dj: Start, evening: Path
) -> None:
    child = pika_dj("replay", str(evening), "--speed", "6000")
    pika.wait_for(lambda: bool(pika.sessions) and len(pika.the_plays()) >= 5)
    child.kill()
    child.wait()
    pika.the_session()["ended"] = True
    assert replay(settings, [str(evening)], speed=0) == 0
    assert heard_by(pika) == in_file(evening)


def test_a_stage_closed_meanwhile_loses_no_play(
    settings: Settings, pika: FakePika, pika_dj: Start, evening: Path
) -> None:
    child = pika_dj("replay", str(evening), "--speed", "6000", "--stage", "FLOOR2")
    pika.wait_for(lambda: bool(pika.sessions) and len(pika.the_plays()) >= 5)
    child.kill()
    child.wait()
    pika.closed_stages = {"FLOOR2"}
    assert replay(settings, [str(evening)], speed=0, stage="FLOOR2") == 0
    assert heard_by(pika) == in_file(evening)
    with pytest.raises(Trouble, match=r"^This stage is closed$"):
        replay(settings, [str(evening)], speed=0, stage="FLOOR2")


def test_a_stage_that_does_not_exist_is_said_and_nothing_is_sent(
    settings: Settings, pika: FakePika, evening: Path
) -> None:
    with pytest.raises(Trouble, match=r"^Stage not found$"):
        replay(settings, [str(evening)], stage="NOSUCH")
    assert pika.sessions == {}


def test_plays_the_server_does_not_take_are_counted(
    settings: Settings, pika: FakePika, evening: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pika.bad_titles = {"Track 07"}
    assert replay(settings, [str(evening)], speed=0) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "Done: 60 plays sent, 1 not taken."


def test_hidden_tracks_are_recorded_and_never_announced(settings: Settings, pika: FakePika, tmp_path: Path) -> None:
    file = tmp_path / "a.m3u"
    file.write_text(history_line("Open", EVENING) + history_line("Mine PIKAHIDE", EVENING + 60))
    replay(settings, [str(file)], speed=0)
    assert [play.get("isHidden", False) for play in pika.the_plays()] == [False, True]
    announced = [frame["track"]["title"] for frame in pika.frames if frame["type"] == "BROADCAST_TRACK"]
    assert set(announced) <= {"Open"}


def test_folders_are_walked_in_the_order_of_the_evenings_and_lists_without_times_are_left_out(
    tmp_path: Path,
) -> None:
    (tmp_path / "2019" / "10").mkdir(parents=True)
    (tmp_path / "2020-01-01.m3u").write_text(history_line("Zwei", EVENING + 9000))
    (tmp_path / "2019" / "10" / "z.m3u").write_text(history_line("Eins", EVENING))
    (tmp_path / "sidelist.m3u").write_text("#EXTVDJ:<title>Nie</title>\nD:\\nie.mp3\n")
    files = find_files([str(tmp_path), str(tmp_path / "2020-01-01.m3u")])
    assert [file.name for file in files] == ["z.m3u", "2020-01-01.m3u"]


def test_serato_sessions_and_tracklists_are_replayed_too(settings: Settings, pika: FakePika, tmp_path: Path) -> None:
    (tmp_path / "1.session").write_bytes(serato_row(1, "Lily", EVENING))
    (tmp_path / "tracklist.txt").write_text(
        "\ufeffVirtualDJ History 2023/11/15\n-----\n22:14 : Raghu Dixit - Break The Rules\n", "utf-8"
    )
    names = [str(tmp_path / "1.session"), str(tmp_path / "tracklist.txt")]
    assert replay(settings, names, speed=0) == 0
    assert [play["track"]["title"] for play in pika.the_plays()] == ["Lily", "Break The Rules"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.m3u", "There is no file "),
        ("song.mp3", "song.mp3 is no history file"),
        ("empty", "There is no hist"),
    ],
)
def test_files_that_cannot_be_replayed_are_named(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "song.mp3").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(Trouble, match=rf"^{words}"):
        find_files([str(tmp_path / name)])


def test_gaps_are_real_inside_an_evening_and_short_between_two() -> None:
    first = HeardTrack("1", origin="a", played_at=from_unix(EVENING))
    second = HeardTrack("2", origin="a", played_at=from_unix(EVENING + 200))
    other_day = HeardTrack("3", origin="b", played_at=from_unix(EVENING + 999_999))
    assert [gap_s(None, first), gap_s(first, second), gap_s(second, other_day)] == [0.0, 200.0, 10.0]
    assert gap_s(second, first) == 0.0


def test_twins_get_ids_of_their_own_and_the_same_ones_every_time() -> None:
    twin = HeardTrack("1", origin="a", path="x", played_at=from_unix(EVENING))
    assert len(set(play_ids("s", [twin, twin, twin]))) == 3
    assert play_ids("s", [twin, twin]) == play_ids("s", [twin, twin, twin])[:2]

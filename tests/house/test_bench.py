"""The load benchmarks run: the product alone, a few phones, half a second."""

from itertools import permutations

import pytest

from tests.load import chaos, fanout, match, register
from tests.load.clients import Phone
from tests.load.crowd import frames, masked
from tests.load.floor import ready
from tests.load.result import Result, Row

KEYS = {"cpu_us", "handshake_us", "kb_per_socket", "p50_ms", "p99_ms", "lost", "misrouted", "ratio"}


def test_frames_that_arrive_in_pieces_are_put_together():
    data = ready(b"short") + ready(b"x" * 300)
    assert frames(data[:-1]) == ([(1, b"short")], data[7:-1])
    assert frames(data) == ([(1, b"short"), (1, b"x" * 300)], b"")


def test_a_client_frame_is_masked_with_nothing():
    assert masked(b"hi") == b"\x81\x82\x00\x00\x00\x00hi"


def test_the_summary_has_exactly_the_agreed_keys_and_a_ratio_above_one_means_cheaper():
    ours, theirs = Row("pika", 10, cpu_us=[5.0, 5.0]), Row("floor", 10, cpu_us=[10.0, 20.0])
    summary = Result("", [ours, theirs], "cpu_us", []).summary()
    assert summary.keys() == KEYS
    assert summary["ratio"] == {"floor": 3.0, "stock_channels": None, "bun": None, "ws": None}


@pytest.mark.django_db(transaction=True)
def test_fanout_reaches_every_phone():
    result = fanout.bench(20, is_embedded=True, rounds=1, seconds=0.5, baselines=())
    assert result.ok
    assert result.rows[0].cpu_us[0] > 0
    assert fanout.show(result)


def test_chaos_names_every_promise_that_was_not_kept():
    kept = chaos.Round("redis killed", right_s=4.9, own_late_s=0.2, ack_s=3.0)
    assert chaos.broken([kept, chaos.Round("web killed", right_s=29.0, back_off_s=28.5, after_back_off_s=0.5)]) == []
    late = chaos.Round("redis killed", right_s=5.1, nacks=1)
    assert chaos.broken([kept, late]) == [
        "round 2, redis killed: 1 NACKs",
        "round 2, redis killed: all phones were right 5.1 s after its return, not 5 s",
    ]
    assert chaos.broken([], wrong=1, doubled=2) == ["1 phones were wrong at the end", "2 songs were stored twice"]


def test_a_simulated_phone_keeps_the_order_of_the_page():
    """What pika/static/pika/live.js does, in Python: drop what is known, wait for holes, never go back by itself."""
    phone = Phone("K7MPQ2")
    play = {"playId": "p", "track": {"title": "Song 1"}}
    phone.hear({"type": "SNAPSHOT", "topic": "t", "epoch": "e", "seq": 4, "play": play})
    for seq, number in ((6, 3), (5, 2), (5, 2), (3, 1)):
        song = play | {"track": {"title": f"Song {number}"}}
        phone.hear({"type": "NOW_PLAYING", "topic": "t", "epoch": "e", "seq": seq, **song})
    assert [number for _, number in phone.changes] == [1, 2, 3]
    assert phone.backwards == 0


@pytest.mark.django_db(transaction=True)
def test_a_ballroom_signs_up_and_nothing_is_lost():
    found = register.bench(4, is_embedded=True)
    assert found.keys() >= {"refused", "lost", "seconds", "cpu_ms", "peak_mb", "idle_mb", "ratio"}
    assert (found["refused"], found["lost"], found["why"]) == (0, 0, [])
    assert found["cpu_ms"] > found["hash_ms"] > 0
    assert "refused 0, lost 0" in register.show(found)


@pytest.mark.django_db(transaction=True)
def test_matching_is_measured_beside_two_baselines(tmp_path):
    """On made-up sets: the keys that are promised, and no wrong link."""
    words = ["Moon", "River", "Stone", "Gold", "Rain", "Fire"]
    rows = [
        f'{one} {other},"{other} Band,{one}",3:{place:02},Album,XX{place:010},id{place}'
        for place, (one, other) in enumerate(permutations(words, 2))
    ]
    text = "\n".join(["Song,Artist,Time,Album,ISRC,Spotify Track Id", *rows])
    (tmp_path / "set-01.csv").write_text(text, encoding="utf-8-sig")
    found = match.bench(tmp_path, is_embedded=True)
    assert set(match.FOUR) <= found.keys() & found["exact"].keys() & found["token_set"].keys()
    assert (found["recordings"], found["auto_precision"], found["wrong"]) == (30, 1.0, [])
    assert found["auto_recall"] > found["exact"]["auto_recall"]
    assert "| Pika! | 1.0000 |" in match.show(found)
    with pytest.raises(FileNotFoundError):
        match.bench(tmp_path / "empty")

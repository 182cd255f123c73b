"""The load benchmarks run: the product alone, a few phones, half a second."""

import pytest

from tests.load import fanout
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

"""No byte anybody finds on a DJ's disk makes a parser raise, and no play it finds is unfit for the server."""

import json
from typing import Any

from dj_samples import history_line, serato_row
from fake_pika import TRACK
from hypothesis import given, settings
from hypothesis import strategies as st

from pika_dj.floor import line_of
from pika_dj.names import name_track
from pika_dj.plays import broadcast_of, play_id, record_of
from pika_dj.sources.serato import parse_session
from pika_dj.sources.tracklist import parse_tracklist
from pika_dj.sources.virtualdj import parse_history
from pika_dj.sources.virtualdj_home import to_bpm
from pika_dj.sources.wnp import track_of
from pika_dj.tracks import HeardTrack

quick = settings(max_examples=100, deadline=None)
HISTORY = (history_line("Lily & Co", 1_700_000_000, artist="Kate") * 2).encode()
SESSION = serato_row(1, "Lily", 1_700_000_000) + serato_row(2, "Zwei", 1_700_000_100)
TAGS = [
    "<title>",
    "</title>",
    "<artist>",
    "</artist>",
    "<lastplaytime>",
    "</lastplaytime>",
    "#EXTVDJ:",
    "\n",
    "&#0;",
]
pieces = st.lists(st.sampled_from(TAGS) | st.text(max_size=8) | st.integers().map(str)).map("".join)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def is_fit(tracks: list[HeardTrack]) -> bool:
    """True when every track could be sent as it is."""
    for track in tracks:
        wire = track.to_wire()
        json.dumps(wire, ensure_ascii=False).encode("utf-8")
        if not all(TRACK[name](value) for name, value in wire.items()) or not {"title", "artist"} <= set(wire):
            return False
        broadcast_of(record_of(track, play_id("s", track)), "s")
    return True


def changed(data: bytes) -> st.SearchStrategy[bytes]:
    """The data with some bytes replaced, and cut somewhere."""
    edits = st.lists(st.tuples(st.integers(0, len(data) - 1), st.integers(0, 255)), max_size=6)

    def apply(edits: list[tuple[int, int]], end: int) -> bytes:
        altered = bytearray(data)
        for place, value in edits:
            altered[place] = value
        return bytes(altered[:end])

    return st.builds(apply, edits, st.integers(0, len(data)))


@quick
@given(st.binary() | changed(HISTORY) | pieces.map(lambda text: text.encode("utf-8", "replace")), st.booleans())
def test_any_bytes_are_a_history(data: bytes, is_growing: bool) -> None:
    assert is_fit(parse_history(data, is_growing=is_growing))


@quick
@given(st.binary() | changed(SESSION))
def test_any_bytes_are_a_serato_session(data: bytes) -> None:
    assert is_fit(parse_session(data))


@quick
@given(
    st.binary()
    | st.text().map(lambda t: f"VirtualDJ History 9999/12/31\n23:59 : {t}\n99:99 : {t}".encode("utf-8", "replace"))
)
def test_any_bytes_are_a_tracklist(data: bytes) -> None:
    assert is_fit(parse_tracklist(data))


@quick
@given(st.text(), st.text(), st.text(), st.text())
def test_any_tags_have_a_name(artist: str, title: str, remix: str, path: str) -> None:
    name = name_track(artist, title, remix, path)
    assert is_fit([HeardTrack(title=name.title, artist=name.artist, remix=name.remix, path=path)])
    assert name.title or not (title.strip() or path.strip())


@quick
@given(st.dictionaries(st.sampled_from(["title", "artist", "bpm", "duration", "isrc", "key"]), json_values))
def test_anything_told_by_another_program_is_survived(told: dict[str, Any]) -> None:
    assert is_fit([track_of(told)])


@quick
@given(
    st.sampled_from(["LIKE_RECEIVED", "REPEAT_WARNING", "TEMPO_FEEDBACK", "ACK", None]),
    st.dictionaries(st.sampled_from(["payload", "track", "playedAt", "count", "faster", "stageName"]), json_values),
)
def test_anything_the_server_says_is_one_line(kind: str | None, frame: dict[str, Any]) -> None:
    assert "\n" not in line_of(frame | {"type": kind})


@quick
@given(st.text(alphabet="0123456789.-+e", max_size=12))
def test_any_bpm_in_the_database_is_survived(text: str) -> None:
    bpm = to_bpm(text)
    assert bpm is None or bpm >= 0

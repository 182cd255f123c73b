"""Fingerprints: six retags of one MP3 have six file hashes and one audio hash."""

import hashlib
from pathlib import Path

from pika_dj.hashes import audio_hash, file_hash
from pika_dj.musicfile import complete
from pika_dj.tracks import HeardTrack

AUDIO = (b"\xff\xfb\x90\x64" + bytes(413)) * 20  # MPEG 1 layer III, 128 kbit/s, 44.1 kHz, silence


def id3v2(body: bytes, *, footer: bool = False) -> bytes:
    size = bytes((len(body) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    head = b"ID3\x04\x00" + (b"\x10" if footer else b"\x00") + size
    return head + body + (b"3DI" + head[3:] if footer else b"")


def text_frame(name: bytes, text: str) -> bytes:
    body = b"\x03" + text.encode()
    return name + len(body).to_bytes(4, "big") + b"\0\0" + body


def comment_frame(text: str) -> bytes:
    body = b"\x03eng\0" + text.encode()
    return b"COMM" + len(body).to_bytes(4, "big") + b"\0\0" + body


def ape(body: bytes, *, header: bool) -> bytes:
    flags = (0x80000000 if header else 0).to_bytes(4, "little")
    mark = b"APETAGEX" + (2000).to_bytes(4, "little") + (len(body) + 32).to_bytes(4, "little") + bytes(4)
    return (mark + flags + bytes(8) if header else b"") + body + mark + flags + bytes(8)


ID3V1 = b"TAG" + bytes(125)


def test_six_retags_have_six_file_hashes_and_one_audio_hash(tmp_path: Path) -> None:
    retags = [
        AUDIO,
        AUDIO + ID3V1,
        id3v2(text_frame(b"TIT2", "Lily")) + AUDIO,
        id3v2(text_frame(b"TIT2", "Lily"), footer=True) + id3v2(bytes(200)) + AUDIO + ID3V1,
        AUDIO + ape(b"x" * 90, header=True) + ID3V1,
        id3v2(b"") + AUDIO + ape(b"", header=False),
    ]
    files = []
    for number, data in enumerate(retags):
        files.append(tmp_path / f"{number}.mp3")
        files[-1].write_bytes(data)
    assert len({file_hash(file) for file in files}) == 6
    assert {audio_hash(file) for file in files} == {hashlib.sha256(AUDIO).hexdigest()}


def test_what_is_no_mp3_has_no_audio_hash(tmp_path: Path) -> None:
    (tmp_path / "a.flac").write_bytes(b"fLaC" + AUDIO)
    (tmp_path / "b.mp3").write_bytes(b"<html>not found</html>")
    assert [audio_hash(tmp_path / name) for name in ("a.flac", "b.mp3")] == ["", ""]


def test_a_file_made_of_tags_alone_is_survived(tmp_path: Path) -> None:
    for number, data in enumerate([b"", ID3V1, ape(b"", header=True), id3v2(b"x" * 9)[:-5], b"APETAGEX" + bytes(24)]):
        file = tmp_path / f"{number}.mp3"
        file.write_bytes(data)
        assert audio_hash(file) == ""


def test_the_file_completes_what_the_history_does_not_know(tmp_path: Path) -> None:
    file = tmp_path / "unnamed.mp3"
    frames = [
        text_frame(b"TIT2", "Lily"),
        text_frame(b"TPE1", "Kate Bush"),
        text_frame(b"TSRC", "GBAYE9300106"),
    ]
    file.write_bytes(id3v2(b"".join([*frames, comment_frame("mine, PIKAHIDE")])) + AUDIO)
    track = complete(HeardTrack("unnamed", quality="title alone", path=str(file)))
    assert (track.artist, track.title, track.quality, track.isrc) == (
        "Kate Bush",
        "Lily",
        "tags",
        "GBAYE9300106",
    )
    assert (track.is_hidden, track.audio_hash) == (True, hashlib.sha256(AUDIO).hexdigest())


def test_a_file_that_is_not_here_or_broken_changes_nothing(tmp_path: Path) -> None:
    away = HeardTrack("Lily", path="D:\\music\\Lily.mp3")
    assert complete(away) == away
    broken = tmp_path / "b.m4a"
    broken.write_bytes(b"\0\0\0\x20ftypM4A \xff\xff\xff\xff" * 3)
    assert complete(HeardTrack("Lily", path=str(broken))).title == "Lily"

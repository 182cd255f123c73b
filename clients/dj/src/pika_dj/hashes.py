"""Fingerprints of a music file: of the whole file, and of its audio alone, which survives retagging.

The audio hash is made for MP3 only: there tags (ID3v1, ID3v2, APE) stand before and behind the audio and can
be cut off. In MP4, FLAC and Ogg they stand between audio parts; those files get a file hash alone.
"""

from __future__ import annotations

import hashlib
import os
from typing import BinaryIO

BLOCK = 1 << 20
APE_FOOTER = 32


def file_hash(path: str | os.PathLike[str]) -> str:
    """SHA-256 of the file, in hex. Raises OSError."""
    with open(path, "rb") as file:
        return _sha256(file, 0, os.fstat(file.fileno()).st_size)


def audio_hash(path: str | os.PathLike[str]) -> str:
    """SHA-256 of an MP3 without its tags, in hex; empty for other files. Raises OSError."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        start, end = audio_span(file, size)
        file.seek(start)
        head = file.read(4096).lstrip(b"\x00")  # padding behind a tag
        if not str(path).lower().endswith(".mp3") or not head.startswith(b"\xff"):
            return ""
        return _sha256(file, start, end)


def audio_span(file: BinaryIO, size: int) -> tuple[int, int]:
    """Where the audio starts and ends, in bytes: between the tags in front and the tags behind."""
    start, end = 0, size
    while length := _id3v2_length(_read(file, start, 10)):
        start = min(start + length, size)
    while True:
        if _read(file, end - 128, 3) == b"TAG" and end - 128 >= start:
            end -= 128
        elif length := _ape_length(_read(file, end - APE_FOOTER, APE_FOOTER), end - start):
            end -= length
        else:
            return start, end


def _id3v2_length(head: bytes) -> int:
    """The whole length of an ID3v2 tag that begins with these ten bytes, or 0."""
    if len(head) < 10 or head[:3] != b"ID3" or any(byte & 0x80 for byte in head[6:10]):
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return 10 + size + (10 if head[5] & 0x10 else 0)  # a footer repeats the head


def _ape_length(foot: bytes, room: int) -> int:
    """The whole length of an APE tag that ends with these 32 bytes, or 0."""
    if len(foot) < APE_FOOTER or foot[:8] != b"APETAGEX":
        return 0
    has_header = int.from_bytes(foot[20:24], "little") & 0x80000000
    length = int.from_bytes(foot[12:16], "little") + (APE_FOOTER if has_header else 0)
    return length if APE_FOOTER <= length <= room else 0


def _read(file: BinaryIO, at: int, length: int) -> bytes:
    if at < 0:
        return b""
    file.seek(at)
    return file.read(length)


def _sha256(file: BinaryIO, start: int, end: int) -> str:
    digest = hashlib.sha256()
    file.seek(start)
    while start < end and (block := file.read(min(BLOCK, end - start))):
        digest.update(block)
        start += len(block)
    return digest.hexdigest()

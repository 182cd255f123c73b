"""Small files as DJ programs write them, made by the tests."""

from __future__ import annotations

import struct
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BACKSLASH = chr(92)


def history_line(title: str, played_at: int, *, artist: str = "", path: str = "", more: str = "") -> str:
    """One play as VirtualDJ writes it."""
    tags = f"<artist>{artist}</artist><title>{title}</title>" if artist or title else ""
    return (
        f"#EXTVDJ:<time>22:14</time><lastplaytime>{played_at}</lastplaytime><filesize>4053088</filesize>"
        f"{tags}{more}\n{path or f'D:{BACKSLASH}music{BACKSLASH}{title}.mp3'}\n"
    )


def serato_chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a Serato session file."""
    return name + struct.pack(">I", len(body)) + body


def serato_row(row: int, title: str, start: int, *, is_played: bool = True, artist: str = "Kate Bush") -> bytes:
    """One row of a Serato session file."""
    fields = {
        1: struct.pack(">I", row),
        2: "C:\\Music\\file.mp3".encode("utf-16-be"),
        6: title.encode("utf-16-be") + b"\0\0",
        7: artist.encode("utf-16-be") + b"\0\0",
        15: struct.pack(">I", 104),
        28: struct.pack(">Q", start),
        50: bytes([is_played]),
        51: "Em".encode("utf-16-be") + b"\0\0",
    }
    body = b"".join(serato_chunk(number.to_bytes(4, "big"), data) for number, data in fields.items())
    return serato_chunk(b"oent", serato_chunk(b"adat", body))

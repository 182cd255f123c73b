"""Ready websocket frames: built once, written as they are to every phone. Source: RFC 6455, section 5.2."""

from collections.abc import Iterable
from typing import Self

_FINAL_TEXT = 0x81
BACKLOG_BYTES = 64 * 1024  # more than this waits for nobody: the phone is cut off, and comes back by snapshot
TOO_SLOW = (1013, "Too slow, please reconnect")


def close_reason(words: str) -> str:
    """As many of `words` as a close frame has room for: 123 bytes."""
    return words.encode(errors="replace")[:123].decode(errors="ignore")


def text_frame(text: str) -> bytes:
    """`text` as one unmasked, final text frame, as a server sends it."""
    payload = text.encode(errors="replace")
    size = len(payload)
    if size < 126:
        return bytes((_FINAL_TEXT, size)) + payload
    if size < 1 << 16:
        return bytes((_FINAL_TEXT, 126)) + size.to_bytes(2, "big") + payload
    return bytes((_FINAL_TEXT, 127)) + size.to_bytes(8, "big") + payload


class Batch(bytes):
    """Frames that leave together, in order, as they go over the wire; `texts` is what is in them."""

    texts: tuple[str, ...]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        texts = tuple(texts)
        batch = cls(b"".join(map(text_frame, texts)))
        batch.texts = texts
        return batch

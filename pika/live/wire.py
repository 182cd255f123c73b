"""Ready websocket frames: built once, written as they are to every phone. Source: RFC 6455, section 5.2."""

from functools import cached_property

_FINAL_TEXT = 0x81


def text_frame(text: str) -> bytes:
    """`text` as one unmasked, final text frame, as a server sends it."""
    payload = text.encode(errors="replace")
    size = len(payload)
    if size < 126:
        return bytes((_FINAL_TEXT, size)) + payload
    if size < 1 << 16:
        return bytes((_FINAL_TEXT, 126)) + size.to_bytes(2, "big") + payload
    return bytes((_FINAL_TEXT, 127)) + size.to_bytes(8, "big") + payload


class Batch:
    """Texts that leave together, in order; as frames they are built when the first fast phone needs them."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts

    @cached_property
    def data(self) -> bytes:
        return b"".join(map(text_frame, self.texts))

"""Everything RFC 6455 says about frames, as a table: what is sent, and what must come back. After Autobahn's groups.

The application is our JSON protocol: a PING as echo, a NACK for what is no JSON. A line is (name, bytes, heard); where
the RFC leaves a choice there are several `heard`.
"""

import json
import struct
from dataclasses import dataclass

from tests.foreign.peer import BINARY, CLOSE, PING, PONG, TEXT, Heard, close, frame, head, masked

MOST = 10 * 1024  # bytes of a message
CONT = 0
SAYS_PONG: Heard = ("says", "PONG")
NO_JSON: Heard = ("nack", "not_json")
RUBBISH = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"


@dataclass(frozen=True)
class Case:
    name: str
    sent: bytes
    heard: tuple[list[Heard], ...]  # any of these


CASES: list[Case] = []


def case(name: str, sent: bytes, *heard: list[Heard]) -> None:
    CASES.append(Case(name, sent, heard))


def pong(payload: bytes = b"") -> Heard:
    return "pong", payload


def closed(*codes: int) -> tuple[list[Heard], ...]:
    """The server closes with one of these."""
    return tuple([("close", code)] for code in codes)


def echo(size: int = 0, pad: str = "x") -> bytes:
    """A JSON PING of exactly `size` bytes (the least if 0)."""
    text = json.dumps({"type": "PING", "pad": ""}, ensure_ascii=False)
    room = size - len(text)
    return (text[:-2] + pad * (room // len(pad.encode())) + '"}').encode() if size else b'{"type":"PING"}'


def pieces(payload: bytes, size: int, opcode: int = TEXT, between: bytes = b"") -> bytes:
    """A message in fragments of `size` bytes, with something in between."""
    parts = [payload[at : at + size] for at in range(0, len(payload), size)]
    frames = [frame(CONT if n else opcode, part, fin=n == len(parts) - 1) for n, part in enumerate(parts)]
    return between.join(frames)


# --- 1: framing ----------------------------------------------------------------------------------------
case("1.1 text of 0 bytes", frame(TEXT), [NO_JSON])
for size in (15, 16, 30, 125, 126, 127, 128, 1024, 4096, MOST - 1, MOST):
    text = echo() + b" " * (size - 15)
    case(f"1.1 text of {size} bytes", frame(TEXT, text), [SAYS_PONG])
for size in (0, 1, 125, 126, 127, 128, 1024, MOST):
    case(f"1.2 binary of {size} bytes", frame(BINARY, b"\xfe" * size), [NO_JSON])
case("1.2 JSON as binary", frame(BINARY, echo()), [NO_JSON])
for size in (MOST + 1, 65_535, 65_536, 200_000):
    for kind, opcode in (("text", TEXT), ("binary", BINARY)):
        case(f"1.3 {kind} of {size} bytes is too big", frame(opcode, b"x" * size), *closed(1009))
for size in (MOST + 1, 65_536, (1 << 31), (1 << 32) + 1, (1 << 63) - 1):
    case(f"1.3 a head that announces {size} bytes", head(TEXT, size) + masked(b"only this"), *closed(1009))
case("1.4 a length with its highest bit set", head(TEXT, 1 << 63) + masked(b""), *closed(1002, 1009))
for form in (126, 127):  # the sender must not; nothing is said about the receiver
    long = head(TEXT, 15, form=form) + masked(echo())
    case(f"1.4 15 bytes with a length of form {form}", long, [SAYS_PONG], *closed(1002))
case("1.5 no mask", frame(TEXT, echo(), mask=None), *closed(1002))
case("1.5 no mask on a ping", frame(PING, b"", mask=None), *closed(1002))
case("1.5 no mask on a close", head(CLOSE, 2, is_masked=False) + b"\x03\xe8", *closed(1002))
case("1.5 no mask in a later fragment", frame(TEXT, b"{", fin=False) + frame(CONT, b"}", mask=None), *closed(1002))
case("1.5 a mask of zeros", frame(TEXT, echo(), mask=bytes(4)), [SAYS_PONG])
case("1.5 a mask of ones", frame(TEXT, echo(), mask=b"\xff" * 4), [SAYS_PONG])
case("1.6 20 messages at once", frame(TEXT, echo()) * 20, [SAYS_PONG] * 20)
for over in range(1, 8):  # the mask is four bytes long: every remainder, in every place of a read
    case(f"1.6 {15 + over} bytes, then 15", frame(TEXT, echo() + b" " * over) + frame(TEXT, echo()), [SAYS_PONG] * 2)

# --- 2: pings and pongs ----------------------------------------------------------------------------------
for payload in (b"", b"Hello", RUBBISH, b"\xfe" * 124, b"\xfe" * 125):
    case(f"2.1 ping of {len(payload)} bytes", frame(PING, payload), [pong(payload)])
case("2.2 ping of 126 bytes", frame(PING, b"\xfe" * 126), *closed(1002))
case("2.2 ping of 65536 bytes", frame(PING, b"\xfe" * 65_536), *closed(1002, 1009))
long = head(PING, 5, form=126) + masked(b"Hello")
case("2.2 ping of 5 bytes with a long length", long, *closed(1002), [pong(b"Hello")])
case("2.2 pong of 126 bytes", frame(PONG, b"\xfe" * 126), *closed(1002))
case("2.3 pong that nobody asked for", frame(PONG), [])
case("2.3 pong with a payload that nobody asked for", frame(PONG, b"unsolicited"), [])
case("2.3 pong, then ping", frame(PONG, b"unsolicited") + frame(PING, b"Hi"), [pong(b"Hi")])
ten = [str(n).encode() for n in range(10)]
case("2.4 ten pings at once", b"".join(frame(PING, n) for n in ten), [pong(n) for n in ten])
mixed = frame(PING, b"1") + frame(TEXT, echo()) + frame(PING, b"2")
case("2.5 ping, message, ping", mixed, [pong(b"1"), SAYS_PONG, pong(b"2")])

# --- 3: reserved bits --------------------------------------------------------------------------------------
for rsv in range(1, 8):
    for kind, opcode, payload in (
        ("text", TEXT, echo()),
        ("binary", BINARY, RUBBISH),
        ("empty text", TEXT, b""),
        ("ping", PING, b"Hello"),
        ("close", CLOSE, b"\x03\xe8"),
    ):
        case(f"3.{rsv} reserved bits {rsv:03b} on a {kind}", frame(opcode, payload, rsv=rsv), *closed(1002))
case("3.8 reserved bit in a later fragment", frame(TEXT, b"{", fin=False) + frame(CONT, b"}", rsv=4), *closed(1002))

# --- 4: reserved opcodes -----------------------------------------------------------------------------------
for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
    case(f"4.1 opcode {opcode}", frame(opcode), *closed(1002))
    case(f"4.2 opcode {opcode} with a payload", frame(opcode, b"reserved"), *closed(1002))
    case(f"4.3 opcode {opcode}, not final", frame(opcode, b"reserved", fin=False), *closed(1002))
    between = frame(TEXT, b"{", fin=False) + frame(opcode, b"x") + frame(CONT, b"}")
    case(f"4.4 opcode {opcode} between fragments", between, *closed(1002))

# --- 5: fragmentation -----------------------------------------------------------------------------------------
for name, opcode in (("ping", PING), ("pong", PONG), ("close", CLOSE)):
    split = frame(opcode, b"\x03\xe8", fin=False) + frame(CONT, b"more")
    case(f"5.1 a {name} in two fragments", split, *closed(1002))
for size in (1, 2, 7, 14):
    case(f"5.3 text in fragments of {size}", pieces(echo(), size), [SAYS_PONG])
case("5.3 text of 10240 bytes in fragments of 100", pieces(echo() + b" " * (MOST - 15), 100), [SAYS_PONG])
case("5.3 binary in two fragments", pieces(RUBBISH, 4, BINARY), [NO_JSON])
empty = frame(TEXT, b"", fin=False)
case("5.4 empty first fragment", empty + frame(CONT, echo()), [SAYS_PONG])
case("5.4 empty fragments everywhere", empty + frame(CONT, b"", fin=False) * 9 + frame(CONT, echo()), [SAYS_PONG])
case("5.4 empty last fragment", frame(TEXT, echo(), fin=False) + frame(CONT), [SAYS_PONG])
case("5.4 nothing but empty fragments", empty + frame(CONT, b"", fin=False) + frame(CONT), [NO_JSON])
case("5.4 two fragmented messages", pieces(echo(), 5) * 2, [SAYS_PONG] * 2)
case("5.5 ping between fragments", pieces(echo(), 8, between=frame(PING, b"mid")), [pong(b"mid"), SAYS_PONG])
many = pieces(echo(), 4, between=frame(PING, b"mid"))
case("5.5 ping between all fragments", many, [pong(b"mid")] * 3 + [SAYS_PONG])
case("5.5 pong between fragments", pieces(echo(), 8, between=frame(PONG, b"mid")), [SAYS_PONG])
# A control frame may come there, and must be handled; but the message it is in can then never end.
case("5.6 close between fragments", frame(TEXT, b"{", fin=False) + close(1000), *closed(1000, 1002))
case(
    "5.6 close between fragments, then the rest",
    frame(TEXT, b"{", fin=False) + close(1000) + frame(CONT, b"}"),
    *closed(1000, 1002),
)
case("5.7 continuation of nothing", frame(CONT, echo()), *closed(1002))
case("5.7 continuation of nothing, not final", frame(CONT, echo(), fin=False) + frame(TEXT, echo()), *closed(1002))
case("5.7 empty continuation of nothing", frame(CONT), *closed(1002))
after = pieces(echo(), 8) + frame(CONT, b"more")
case("5.8 continuation after the end", after, *closed(1002), [SAYS_PONG, ("close", 1002)])
case("5.9 new text inside of a message", frame(TEXT, b"{", fin=False) + frame(TEXT, echo()), *closed(1002))
case("5.9 new binary inside of a message", frame(TEXT, b"{", fin=False) + frame(BINARY, b"x"), *closed(1002))
case("5.9 new fragmented text inside of a message", frame(TEXT, b"{", fin=False) * 2, *closed(1002))

# --- 6: UTF-8 ----------------------------------------------------------------------------------------------------
GREEK = "κόσμε"
for name, text in (
    ("Greek", GREEK),
    ("an emoji", "\U0001f57a"),
    ("the last of two bytes", "\u07ff"),
    ("the last of three bytes", "\uffff"),
    ("the last of all", "\U0010ffff"),
    ("before the surrogates", "\ud7ff"),
    ("after the surrogates", "\ue000"),
    ("no character", "\ufffe"),
):
    good = echo(60, text)
    case(f"6.1 {name}", frame(TEXT, good), [SAYS_PONG])
    for size in (1, 2, 3, 5):
        case(f"6.2 {name} in fragments of {size}", pieces(good, size), [SAYS_PONG])
mark = frame(TEXT, b"\xef\xbb\xbf" + echo())
case("6.2 a byte order mark", mark, [NO_JSON], [SAYS_PONG])
for name, wrong in (
    ("a lone continuation", b"\x80"),
    ("two continuations", b"\xbf\x80"),
    ("an overlong slash of two", b"\xc0\xaf"),
    ("an overlong slash of three", b"\xe0\x80\xaf"),
    ("an overlong slash of four", b"\xf0\x80\x80\xaf"),
    ("an overlong NUL", b"\xc0\x80"),
    ("a high surrogate", b"\xed\xa0\x80"),
    ("a low surrogate", b"\xed\xb0\x80"),
    ("a pair of surrogates", b"\xed\xa0\x80\xed\xb0\x80"),
    ("beyond the last", b"\xf4\x90\x80\x80"),
    ("five bytes", b"\xf8\x88\x80\x80\x80"),
    ("six bytes", b"\xfc\x84\x80\x80\x80\x80"),
    ("0xfe", b"\xfe"),
    ("0xff", b"\xff"),
    ("two of three bytes", b"\xe2\x82"),
    ("three of four bytes", b"\xf0\x9f\x95"),
    ("one of two bytes", b"\xc3"),
):
    bad = b'{"type":"PING","pad":"' + wrong + b'"}'
    case(f"6.3 {name}", frame(TEXT, bad), *closed(1007))
    case(f"6.3 {name} at the end", frame(TEXT, GREEK.encode() + wrong), *closed(1007))
    case(f"6.3 {name} in fragments of 1", pieces(bad, 1), *closed(1007))
    case(f"6.3 {name} over a border", pieces(bad, 23), *closed(1007))
early = frame(TEXT, b"\xff", fin=False) + frame(CONT, b"rest")
case("6.4 wrong in the first fragment", early, *closed(1007))
case("6.5 no UTF-8 in binary", frame(BINARY, b"\xff\xc3"), [NO_JSON])
case("6.5 no UTF-8 in a ping", frame(PING, b"\xff\xc3"), [pong(b"\xff\xc3")])

# --- 7: closing --------------------------------------------------------------------------------------------------
case("7.1 close, then a message", close(1000) + frame(TEXT, echo()), *closed(1000))
case("7.1 close, then a ping", close(1000) + frame(PING, b"late"), *closed(1000))
case("7.1 close twice", close(1000) + close(1001), *closed(1000))
case("7.1 close, then rubbish", close(1000) + RUBBISH * 9, *closed(1000))
before = frame(TEXT, echo()) + close(1000)
case("7.1 a message, then close", before, *closed(1000), [SAYS_PONG, ("close", 1000)])
case("7.3 close without a code", close(), *closed(1005, 1000))
case("7.3 close with one byte", frame(CLOSE, b"\x03"), *closed(1002))
case("7.3 close with a reason", close(1000, b"Hello"), *closed(1000))
case("7.3 close with a reason of 123 bytes", close(1000, b"*" * 123), *closed(1000))
case("7.3 close with a reason of 124 bytes", close(1000, b"*" * 124), *closed(1002))
case("7.5 close with no UTF-8 as reason", close(1000, b"\xce\xba\xe1\xff"), *closed(1007, 1002))
case("7.5 close with half a character as reason", close(1000, b"\xe2\x82"), *closed(1007, 1002))
for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999):
    case(f"7.7 close with {code}", close(code), *closed(code))
for code in (1012, 1013, 1014):  # registered after the RFC was written
    case(f"7.7 close with {code}", close(code), *closed(code, 1002))
for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535):
    case(f"7.9 close with {code}", close(code), *closed(1002))
    case(f"7.9 close with {code} and a reason", frame(CLOSE, struct.pack("!H", code) + b"why"), *closed(1002))

# --- 9: too much, in parts ---------------------------------------------------------------------------------------
for size in (1, 100, 6_000, MOST):
    whole = pieces(b"x" * (MOST + 1), size)
    case(f"9.1 10241 bytes in fragments of {size}", whole, *closed(1009, 1008))  # or a flood
case("9.2 an endless message", frame(TEXT, b"{", fin=False) + frame(CONT, b"x" * 500, fin=False) * 200, *closed(1009))
case("9.3 the announced fragment is too much", frame(TEXT, b"x" * 6_000, fin=False) + head(CONT, 6_000), *closed(1009))

"""Messages and frames with something wrong in them, after the examples in docs/live.md; the same for the same seed."""

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings

from tests.foreign.peer import TEXT, frame, head, masked

Message = dict[str, Any]
ODD: list[Any] = [
    None, True, False, 0, -1, 1, 1.5, -0.0, 1e308, -1e308, 2**31, 2**63, -(2**63), 2**64, 10**300, 5e-324,
    "", " ", "0", "null", "\x00", "a\x00b", "\ud800", "\udfff", "\u202e", "\ufeff", "é" * 200, "\U0001f57a" * 50,
    "x" * 101, "x" * 501, "x" * 5_000, "../../etc/passwd", "'; DROP TABLE stages_play; --", "<script>alert(1)</script>",
    "{{7*7}}", "%s%n%x", "-1", "1e999", "NaN", "Infinity", "2026-13-45T99:99:99Z", "0000-00-00", "9999-12-31T23:59:59Z",
    "1970-01-01T00:00:00Z", "00000000-0000-0000-0000-000000000000", "new:0", "5f1c09ab:-1", ":", "a:" + "9" * 400,
    [], {}, [[]], [{}], {"": ""}, [None] * 101, ["x"] * 1_000, {"a": {"b": {"c": {}}}}, {"title": {"title": "x"}},
]  # fmt: skip
# What json.dumps would not write by itself.
RAW = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "-0",
    "1" * 4_400,
    "[" * 900 + "]" * 900,
    '{"a":' * 300 + "1" + "}" * 300,
]


DOC = (Path(settings.BASE_DIR) / "docs" / "live.md").read_text(encoding="utf-8")


def examples(first: str, after: str) -> list[Message]:
    """The examples of docs/live.md from one chapter up to another."""
    text = DOC.split(f"\n## {first}\n", 1)[1].split(f"\n## {after}\n", 1)[0]
    return [json.loads(block.split("\n```", 1)[0]) for block in text.split("```json\n")[1:]]


SEEDS = examples("The DJ says", "The server says")
SERVER_SAYS = {its["type"] for its in examples("The server says", "REST says the same")}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything in a JSON value, itself included."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


def changed(message: Message, path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Message:
    its = copy.deepcopy(message)
    at: Any = its
    for key in path[:-1]:
        at = at[key]
    change(at, path[-1])
    return its


def mutated_text(rng: random.Random, messages: list[Message]) -> str:
    """A message of a client with one to three things wrong, as the text to send."""
    its = copy.deepcopy(rng.choice(messages))
    raw = ""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        path = rng.choice([place for place in places(its) if place] or [("type",)])
        kind = rng.randrange(8)
        if kind < 3:
            its = changed(its, path, lambda at, key: at.__setitem__(key, rng.choice(ODD)))
        elif kind == 3:
            its = changed(its, path, lambda at, key: at.pop(key))
        elif kind == 4:
            its[rng.choice(("extra", "", "__class__", "id", "pk", "session", "type", "messageId"))] = rng.choice(ODD)
        elif kind == 5:  # a field of another message
            other = rng.choice(messages)
            its |= {name: other[name] for name in rng.sample(sorted(other), min(2, len(other)))}
        elif kind == 6:
            its = changed(its, path, lambda at, key: at.__setitem__(key, nested(rng)))
        else:
            raw = rng.choice(RAW)
            its = changed(its, path, lambda at, key: at.__setitem__(key, "@raw@"))
        if not its:
            break
    return json.dumps(its, ensure_ascii=rng.random() < 0.5 or "\\ud" in json.dumps(its)).replace('"@raw@"', raw or "0")


def nested(rng: random.Random) -> Any:
    value: Any = rng.choice(ODD)
    for _ in range(rng.choice((1, 5, 60))):
        value = [value] if rng.random() < 0.5 else {"track": value}
    return value


def broken(rng: random.Random, good: bytes) -> bytes:
    """The bytes of a good frame, with something wrong in them."""
    data = bytearray(good)
    kind = rng.randrange(8)
    if kind == 0:  # a bit
        for _ in range(rng.choice((1, 1, 2, 8))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == 1:  # a bit of the head
        data[rng.randrange(min(6, len(data)))] ^= 1 << rng.randrange(8)
    elif kind == 2:
        del data[rng.randrange(len(data)) :]
    elif kind == 3:
        at = rng.randrange(len(data))
        data[at:at] = rng.randbytes(rng.choice((1, 2, 8, 100)))
    elif kind == 4:
        at = rng.randrange(len(data))
        del data[at : at + rng.choice((1, 2, 4))]
    elif kind == 5:
        return frame(rng.randrange(16), rng.randbytes(rng.choice((0, 1, 2, 60, 125, 126, 400))), rng.random() < 0.5)
    elif kind == 6:  # a wrong length
        return head(rng.choice((0, 1, 2, 8, 9, 10)), rng.choice((0, 3, 126, 10_241, 1 << 40))) + masked(b"abc")
    else:
        return rng.randbytes(rng.choice((1, 2, 14, 200)))
    return bytes(data)


def framed(rng: random.Random, text: str) -> bytes:
    """A text as a good message, now and then in fragments."""
    payload, mask = text.encode(errors="surrogatepass"), rng.randbytes(4)
    if len(payload) < 2 or rng.random() < 0.8:
        return frame(TEXT, payload, mask=mask)
    at = rng.randrange(1, len(payload))
    return frame(TEXT, payload[:at], fin=False, mask=mask) + frame(0, payload[at:], mask=mask)

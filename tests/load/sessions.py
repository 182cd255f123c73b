"""How long a DJ's program waits: frame sent to ACK read, for register, track and end.

The baseline is PING on the same socket in the same run: what the socket, the frame and the loop cost
without any of our work. The time includes both ways through the kernel, so it is an upper bound of
"frame received to ACK written".
"""

import asyncio
import json
import statistics
import time
import uuid
from typing import Any

import websockets

from tests.load.ground import ground

ROUNDS, TRACKS = 5, 10
REACH_MS = 5.0


async def _asked(socket: Any, kind: str, **fields: Any) -> float:
    """Milliseconds from the frame sent to its ACK read."""
    message_id = str(uuid.uuid4())
    frame = json.dumps({"type": kind, "messageId": message_id, **fields})
    started = time.perf_counter()
    await socket.send(frame)
    while True:
        message = json.loads(await socket.recv())
        if message.get("messageId") == message_id:
            if message["type"] != "ACK":
                raise RuntimeError(str(message))
            return (time.perf_counter() - started) * 1000


async def _one_evening(url: str, token: str, number: int, times: dict[str, list[float]]) -> None:
    async with websockets.connect(url) as socket:
        code = f"bench-{number}-{uuid.uuid4().hex[:6]}"
        times["register"].append(await _asked(socket, "REGISTER_SESSION", sessionId=code, token=token))
        for n in range(TRACKS):
            track = {"title": f"Song {n}", "artist": "Somebody", "bpm": 98}
            play_id = str(uuid.uuid4())
            times["track"].append(await _asked(socket, "BROADCAST_TRACK", sessionId=code, playId=play_id, track=track))
            times["ping"].append(await _asked(socket, "PING"))
        times["end"].append(await _asked(socket, "END_SESSION", sessionId=code))


def bench(sessions: int = 200, is_embedded: bool = False) -> dict[str, Any]:
    """`{operation: {median_ms, p99_ms, ratio}}`; ratio is against PING (above 1: dearer)."""
    times: dict[str, list[float]] = {name: [] for name in ("register", "track", "end", "ping")}
    with ground(is_embedded) as its:
        for round_ in range(ROUNDS):

            async def one_round(first: int) -> None:
                for number in range(first, first + sessions // ROUNDS):
                    await _one_evening(its.process.ws, its.token, number, times)

            if round_ == 0:  # warm up: imports, pools, prepared scripts
                asyncio.run(_one_evening(its.process.ws, its.token, -1, {name: [] for name in times}))
            asyncio.run(one_round(round_ * sessions))
        header = its.header
    result: dict[str, Any] = {"header": header, "sessions": sessions}
    ping = statistics.median(times["ping"])
    for name, values in times.items():
        ranked = sorted(values)
        result[name] = {
            "median_ms": round(statistics.median(ranked), 2),
            "p99_ms": round(ranked[int(len(ranked) * 0.99) - 1], 2),
            "ratio": round(statistics.median(ranked) / ping, 1),
            "n": len(ranked),
        }
    result["reached"] = all(result[name]["median_ms"] <= REACH_MS for name in ("register", "track", "end"))
    return result


def show(result: dict[str, Any]) -> str:
    """The result as a table for people."""
    lines = [*result["header"], "", f"{'operation':<12}{'n':>7}{'median ms':>11}{'p99 ms':>9}{'× PING':>8}"]
    for name in ("register", "track", "end", "ping"):
        row = result[name]
        lines.append(f"{name:<12}{row['n']:>7}{row['median_ms']:>11}{row['p99_ms']:>9}{row['ratio']:>8}")
    return "\n".join([*lines, "", f"median ≤ {REACH_MS} ms: {'yes' if result['reached'] else 'NO'}"])

"""Many sessions at once: each dancer hears every track of the own DJ once, never another's. Wrong and lost must be 0.

Run in slices that fit into one process' open files. Every DJ has a socket of his own and BROADCASTs in turn with the
others of the slice, so that the topics are mixed as much as they can be.
"""

import math
import time
import uuid
from typing import Any

from tests.load.crowd import Crowd
from tests.load.ground import Ground, ground
from tests.load.measure import more_files
from tests.load.result import Result, Row, show
from tests.load.servers import Voice

__all__ = ["bench", "show"]

TRACKS, SLICE, SETTLE = 3, 8000, 1.5
WISH = '{"type":"SUBSCRIBE","messageId":"s","sessionId":"%s","mine":false}'


def bench(
    phones: int = 5000, processes: int = 1, is_embedded: bool = False, sessions: int = 100, **tuning: Any
) -> Result:
    """`phones` shared evenly by `sessions`, spread over the processes in turn."""
    more_files()
    dancers = max(1, phones // sessions)
    at_once = min(sessions, max(1, SLICE // dancers))
    row = Row("pika", dancers * sessions)
    with ground(is_embedded, processes) as its:
        for first in range(0, sessions, at_once):
            one_slice(its, row, min(at_once, sessions - first), dancers)
        notes = [
            f"{sessions} sessions × {dancers} dancers, {TRACKS} tracks each, {processes} process(es), in "
            f"{math.ceil(sessions / at_once)} slice(s); {row.closed} sockets were closed.",
            f"wrong: {row.misrouted}, lost: {row.lost}" + (" – as it must be" if not row.lost + row.misrouted else ""),
        ]
        return Result("routing", [row], "cpu_us", its.header, notes=notes)


def one_slice(its: Ground, row: Row, sessions: int, dancers: int) -> None:
    """So many sessions with all their dancers, from the first socket to the last track."""
    codes = [f"bench-{uuid.uuid4().hex[:10]}" for _ in range(sessions)]
    ports = [process.port for process in its.processes]
    djs = [Voice(ports[number % len(ports)], "/ws") for number in range(sessions)]
    crowds = [Crowd() for _ in ports]
    try:
        for dj, code in zip(djs, codes, strict=True):
            dj.ask("REGISTER_SESSION", sessionId=code, token=its.token)
        for number, (crowd, port) in enumerate(zip(crowds, ports, strict=True)):
            crowd.join(port, "/ws", _wishes(codes, dancers, number, len(ports)))
        for track in range(TRACKS):
            for dj, code in zip(djs, codes, strict=True):
                title = f"at={time.monotonic():.6f};code={code}; {track}"
                dj.ask("BROADCAST_TRACK", sessionId=code, track={"title": title, "artist": "Somebody"})
        time.sleep(SETTLE)
        for crowd in crowds:
            told = crowd.do("report", expected=TRACKS)
            row.lost, row.misrouted = row.lost + told["lost"], row.misrouted + told["misrouted"]
            row.closed += told["closed"]
            row.latency.append(told["latency"])
    finally:
        for one in [*djs, *crowds]:
            one.close()


def _wishes(codes: list[str], dancers: int, number: int, of: int) -> list[list[Any]]:
    """This crowd's share of each session's dancers: [how many, what to say, topic]."""
    share = dancers // of + (number < dancers % of)
    return [[share, WISH % code, f"session.{code}"] for code in codes if share]

"""Saying one thing to a full floor: CPU per delivery, how late it comes, what an idle phone weighs.

Published as another web process would: one Redis round trip a message, exact size and rate. With --embedded a DJ's
METADATA_UPDATED on a socket instead, whose database work is then part of our number. All servers stay up with all their
phones; the rounds take turns, so that a slow minute of the machine is everybody's.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.load.ground import ground
from tests.load.measure import more_files
from tests.load.result import Result, Row, show
from tests.load.servers import BASELINES, RATE, STOCK_MOST, Server, servers

__all__ = ["bench", "show"]

SECONDS, ROUNDS = 4.0, 3
WARM_PHONES = 100
SETTLE = 1.0  # seconds for the last message to arrive everywhere


def bench(phones: int = 1000, processes: int = 1, is_embedded: bool = False, **tuning: Any) -> Result:
    """`phones` on one stage of ours and on each baseline. Tuning: rounds, seconds, rate (messages/s), baselines."""
    more_files()
    rounds, seconds = tuning.get("rounds", ROUNDS), tuning.get("seconds", SECONDS)
    with TemporaryDirectory() as folder, ground(is_embedded, processes) as its:
        baselines = tuning.get("baselines", BASELINES)
        with servers(its, phones, Path(folder) / "log", baselines) as (found, missing):
            rows = [fill(server) for server in found]
            found[0].rate = tuning.get("rate", RATE)
            said = [0] * len(found)
            for _ in range(rounds):
                for number, (server, row) in enumerate(zip(found, rows, strict=True)):
                    said[number] = one_round(server, row, said[number], seconds)
            notes = [f"{found[0].rate:g} messages/s of about 300 bytes (stock_channels: {STOCK_MOST} deliveries/s),"]
            notes[0] += f" {seconds:g} s a round, {processes} process(es) of ours."
            notes += [f"{row.name}: {row.closed} sockets were closed" for row in rows if row.closed]
            return Result(f"fanout, {phones} phones", rows, "cpu_us", its.header, missing, notes)


def fill(server: Server) -> Row:
    """Let the phones in; the row with what that cost."""
    row = Row(server.name, server.phones)
    server.join(WARM_PHONES)  # imports, pools, allocator
    server.leave()
    time.sleep(0.3)
    rss, cpu = server.rss(), server.cpu()
    server.join(server.phones)
    row.handshake_us.append((server.cpu() - cpu) / server.phones * 1e6)
    time.sleep(0.3)
    row.kb.append((server.rss() - rss) / server.phones)
    return row


def one_round(server: Server, row: Row, said: int, seconds: float) -> int:
    """Publish for so long and count; how many were said altogether."""
    server.start_round()
    count = int(server.rate * seconds)
    for crowd in server.crowds:
        crowd.do("report", expected=0)
    cpu, due = server.cpu(), time.monotonic()
    for number in range(said + 1, said + count + 1):
        time.sleep(max(0.0, due - time.monotonic()))
        server.publish(number)
        due += 1 / server.rate
    time.sleep(SETTLE)
    spent = server.cpu() - cpu
    told = [crowd.do("report", expected=count) for crowd in server.crowds]
    row.cpu_us.append(spent / max(1, sum(one["delivered"] for one in told)) * 1e6)
    row.latency.append([at for one in told for at in one["latency"]])
    row.lost += sum(one["lost"] for one in told)
    row.misrouted += sum(one["misrouted"] for one in told)
    row.closed += sum(one["closed"] for one in told)
    return said + count

"""Everybody opens the page at once: CPU per handshake with its snapshot, how long until all have theirs, what they
weigh.

The phones bring no guest token, as on their very first visit; the server makes each its own.
"""

import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.load.fanout import WARM_PHONES
from tests.load.ground import ground
from tests.load.measure import more_files
from tests.load.result import Result, Row, show
from tests.load.servers import Server, servers

__all__ = ["bench", "show"]

ROUNDS, WINDOW = 3, 200


def bench(phones: int = 1000, processes: int = 1, is_embedded: bool = False, **tuning: Any) -> Result:
    """`phones` come and SUBSCRIBE, WINDOW of them under way at any time; then they all leave, and again."""
    more_files()
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        its = stack.enter_context(ground(is_embedded, processes))
        found, missing = stack.enter_context(servers(its, phones, Path(folder) / "log"))
        rows = [Row(server.name, server.phones) for server in found]
        seconds: dict[str, list[float]] = {server.name: [] for server in found}
        for server in found:
            server.join(WARM_PHONES)  # imports, pools, allocator
            server.leave()
        time.sleep(0.5)
        for number in range(tuning.get("rounds", ROUNDS)):
            for server, row in zip(found, rows, strict=True):
                seconds[server.name].append(one_round(server, row, number == 0))
        notes = [
            f"{row.name}: all {row.phones} had their snapshot after {min(took):.2f}–{max(took):.2f} s"
            for row, took in zip(rows, seconds.values(), strict=True)
        ]
        notes.append("p50 and p99 are from connect to ACK. KB/socket is of the first round only.")
        return Result(f"storm, {phones} phones", rows, "handshake_us", its.header, missing, notes)


def one_round(server: Server, row: Row, is_first: bool) -> float:
    """Let all in and out again; seconds until the last one had its snapshot."""
    rss, cpu = server.rss(), server.cpu()
    told = server.join(server.phones, WINDOW)
    row.handshake_us.append((server.cpu() - cpu) / server.phones * 1e6)
    if is_first:
        time.sleep(0.3)
        row.kb.append((server.rss() - rss) / server.phones)
    row.latency.append([at / 1000 for one in told for at in one["each_ms"]])
    server.leave()
    time.sleep(1.0)
    return float(max(one["seconds"] for one in told))

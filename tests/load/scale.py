"""Does one phone more cost what the one before did? 1,000 phones against many, each told as often as the other.

Two servers of ours, each with its own data, take turns; the small one is the baseline.
"""

from contextlib import ExitStack
from typing import Any

from tests.load.fanout import SECONDS, fill, one_round
from tests.load.ground import ground
from tests.load.measure import more_files
from tests.load.result import Result, show
from tests.load.servers import Pika

__all__ = ["bench", "show"]

FEW, ROUNDS, RATE = 1000, 5, 4


def bench(phones: int = 10_000, processes: int = 1, is_embedded: bool = False, **tuning: Any) -> Result:
    """`phones` on one server, FEW on the other. The ratio is few / many: 0.95 is 5 % dearer."""
    more_files()
    rounds, seconds = tuning.get("rounds", ROUNDS), tuning.get("seconds", 2 * SECONDS)
    with ExitStack() as stack:
        servers, header = [], []
        for name, count in (("many", phones), ("few", tuning.get("few", FEW))):
            its = stack.enter_context(ground(is_embedded=False, processes=processes))
            server = Pika(its, count)
            server.name, server.rate, header = name, RATE, its.header
            stack.callback(server.close)
            servers.append(server)
        rows = [fill(server) for server in servers]
        said = [0, 0]
        for _ in range(rounds):
            for number, (server, row) in enumerate(zip(servers, rows, strict=True)):
                said[number] = one_round(server, row, said[number], seconds)
        notes = [f"{RATE} messages/s, {seconds:g} s a round."]
        notes += [f"{row.name}: {row.closed} sockets were closed" for row in rows if row.closed]
        return Result(f"scale, {phones} phones", rows, "cpu_us", header, notes=notes)

"""What a load benchmark found: for people with spread, for programs with eight keys."""

from dataclasses import dataclass, field
from typing import Any

from tests.load.measure import median, percentile, spread


@dataclass
class Row:
    """One server, one value a round."""

    name: str
    phones: int
    cpu_us: list[float] = field(default_factory=list)
    handshake_us: list[float] = field(default_factory=list)
    kb: list[float] = field(default_factory=list)
    latency: list[list[float]] = field(default_factory=list)  # seconds, of the sampled sockets, a list a round
    lost: int = 0
    misrouted: int = 0
    closed: int = 0

    def ms(self, share: float) -> list[float]:
        """That percentile of each round, in milliseconds."""
        return [percentile(values, share) * 1000 for values in self.latency]


@dataclass
class Result:
    """`by`: which of a row's values the ratios are about. `ok`: nothing was lost, nothing went astray."""

    title: str
    rows: list[Row]
    by: str
    header: list[str]
    missing: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not (self.rows[0].lost or self.rows[0].misrouted)

    def ratios(self) -> dict[str, list[float]]:
        """Baseline / us, round by round; above 1 we are cheaper."""
        ours = getattr(self.rows[0], self.by)
        return {
            row.name: [theirs / mine for mine, theirs in zip(ours, getattr(row, self.by), strict=False) if mine]
            for row in self.rows[1:]
        }

    def summary(self) -> dict[str, Any]:
        """The eight keys; None: not measured here."""
        ours = self.rows[0]
        ratio: dict[str, float | None] = dict.fromkeys(("floor", "stock_channels", "bun", "ws"))
        ratio |= {name: _round(median(values), 3) for name, values in self.ratios().items()}
        return {
            "cpu_us": _round(median(ours.cpu_us)),
            "handshake_us": _round(median(ours.handshake_us)),
            "kb_per_socket": _round(median(ours.kb)),
            "p50_ms": _round(median(ours.ms(0.5))),
            "p99_ms": _round(median(ours.ms(0.99))),
            "lost": ours.lost,
            "misrouted": ours.misrouted,
            "ratio": ratio,
        }


def _round(value: float | None, digits: int = 2) -> float | None:
    return None if value is None else round(value, digits)


def show(result: Result) -> str:
    """Tables for people: median (least–most) of the rounds."""
    columns = ["server", "phones", "µs/delivery", "µs/handshake", "KB/socket", "p50 ms", "p99 ms", "lost", "astray"]
    widths = [15, 7, 19, 19, 16, 19, 21, 5, 6]
    lines = [*result.header, "", result.title, "  ".join(c.ljust(w) for c, w in zip(columns, widths, strict=True))]
    for row in result.rows:
        values = [row.name, str(row.phones), spread(row.cpu_us), spread(row.handshake_us, 0), spread(row.kb)]
        values += [spread(row.ms(0.5)), spread(row.ms(0.99)), str(row.lost), str(row.misrouted)]
        lines.append("  ".join(v.ljust(w) for v, w in zip(values, widths, strict=True)).rstrip())
    lines += [f"ratio to {name}: {spread(values, 2)}" for name, values in result.ratios().items() if values]
    lines += [f"{name}: not available ({reason})" for name, reason in result.missing.items()]
    lines += result.notes
    return "\n".join([*lines, "Ratios: above 1 we are cheaper. Median (least–most) of alternating rounds."])

"""What a process costs, from /proc: CPU seconds, memory, and how far a few numbers lie apart."""

import os
import resource
import statistics
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_CPU_CLOCK = 2  # of a process as a whole, in the low bits of the number of its clock: clock_getcpuclockid(3)


def cpu_seconds(pid: int) -> float:
    """User and system time of `pid` so far, in seconds, of threads that are over, too; precise where Linux tells."""
    try:
        return time.clock_gettime((~pid << 3) | _CPU_CLOCK)
    except (AttributeError, OSError):
        return ticks(pid)


def ticks(pid: int) -> float:
    """utime + stime of `pid` in seconds, in steps of a clock tick."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def rss_kb(pid: int) -> float:
    """Resident memory of `pid` in KB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 1024


def more_files() -> int:
    """As many open files as this process may have; how many that is."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all lie below; 0.0 of nothing."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))] if ranked else 0.0


def median(values: Iterable[float]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def spread(values: Sequence[float], digits: int = 1) -> str:
    """`median (least–most)` for people."""
    if not values:
        return "–"
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"

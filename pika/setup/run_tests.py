"""`python3 manage.py test`: pytest, on servers of its own."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from pika.setup.testservers import environment, test_servers

HELP = """\
usage: python3 manage.py test [--embedded] [pytest arguments ...]

Runs the tests on a Postgres and a Redis of its own: those in TEST_DATABASE_URL and TEST_REDIS_URL, else servers
found on this machine, else servers installed as wheels. The header says which. They are private, listen on
loopback only, and are gone afterwards.

  --embedded   on SQLite and memory instead, as `up` runs without anything set

Everything else goes to pytest:  -k announce   -x   -n 4   tests/setup   --lf
With CI=true a missing server or browser is a failure.
"""


def main(arguments: list[str]) -> int:
    """Run pytest with `arguments`; its exit code, or 1 when CI=true and not everything to test on could be had."""
    if {"-h", "--help"} & set(arguments):
        print(HELP)
        return 0
    os.chdir(Path(__file__).resolve().parent.parent.parent)
    with (
        tempfile.TemporaryDirectory(prefix="pika-tests-", ignore_cleanup_errors=True) as data,
        test_servers("--embedded" in arguments) as servers,
    ):
        if servers.degraded and os.environ.get("CI", "").lower() in ("1", "true"):
            print("\n".join(servers.header_lines), file=sys.stderr)
            print(f"CI=true, and not everything to test on is there: {'; '.join(servers.degraded)}", file=sys.stderr)
            return 1
        # The folder: tests must not meet the data or the secrets of a house that lives in this checkout.
        os.environ.update(environment(servers), PIKA_DATA=data)
        # Whoever asks for test servers further down, a benchmark or a worker of xdist, gets these.
        os.environ.update(TEST_DATABASE_URL=servers.database_url or "", TEST_REDIS_URL=servers.redis_url or "")
        import pytest

        # Said here and not in pytest's header, which -q leaves out.
        print("\n".join(servers.header_lines), flush=True)
        passed_on = [argument for argument in arguments if argument != "--embedded"]
        return int(pytest.main(passed_on, plugins=[_Degraded(servers.degraded)]))


class _Degraded:
    """Says once more at the end, where it is read, what the tests could not run on."""

    def __init__(self, missing: list[str]) -> None:
        self.missing = missing

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for missing in self.missing:
            terminalreporter.write_line(f"DEGRADED: {missing}", red=True, bold=True)

"""`with_pg.py COMMAND ...`: run a Postgres program on DATABASE_URL, its password in no list of processes."""

import os
import sys
from urllib.parse import parse_qsl, unquote, urlsplit


def pg_environment(url: str) -> dict[str, str]:
    """The address as libpq's own variables; of its options those that libpq has a variable for."""
    parts = urlsplit(url)
    found = {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or ""),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.lstrip("/")),
    }
    names = ("sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout", "options")
    variables = {name: f"PG{name.replace('_', '').upper()}" for name in names} | {
        "connect_timeout": "PGCONNECT_TIMEOUT"
    }
    found |= {variables[name]: value for name, value in parse_qsl(parts.query) if name in variables}
    return {name: value for name, value in found.items() if value}


if __name__ == "__main__":
    os.execvpe(sys.argv[1], sys.argv[1:], {**os.environ, **pg_environment(os.environ["DATABASE_URL"])})

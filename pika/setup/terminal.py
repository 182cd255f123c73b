"""What `up` says in the terminal: what runs, what to open, the demo's people, the stage's QR."""

import contextlib
import io
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

ANY_HOST = {"0.0.0.0": socket.AF_INET, "::": socket.AF_INET6}
# Addresses reserved for documentation: connecting a UDP socket sends nothing, it only picks the way out.
_ELSEWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}


def base_url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def host_to_open(host: str) -> str:
    """The name for a link that opens on another device: the LAN address when listening on all of them."""
    if host not in ANY_HOST:
        return host
    family = ANY_HOST[host]
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((_ELSEWHERE[family], 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "::1" if family == socket.AF_INET6 else "127.0.0.1"


def what_runs(data: Path, database_url: str, redis_url: str, worker_threads: int) -> str:
    """Every part and where it is, so that nobody takes the embedded ones for production."""
    inside = "in this process"
    secrets = data / "secrets.json"
    lines = [
        ("database", _place(database_url) if database_url else f"SQLite file {data / 'pika.sqlite3'}"),
        ("messages", _place(redis_url) if redis_url else f"memory, {inside} (no Redis)"),
        ("worker", f"{worker_threads} threads, {inside}"),
        ("clock", f"1 thread, {inside}"),
        ("secrets", str(secrets) if secrets.exists() else "from the environment"),
    ]
    return "\n".join(f"  {name:<10}{value}" for name, value in lines)


def what_to_open(url: str, stage_code: str | None) -> str:
    lines = [("landing page", f"{url}/")]
    if stage_code:
        lines.append(("dance floor", f"{url}/s/{stage_code}"))
    lines += [("DJ booth", f"{url}/booth/"), ("admin", f"{url}/admin/")]
    return "\n".join(f"  {name:<14}{address}" for name, address in lines)


def qr(url: str, encoding: str | None) -> str:
    """`url` as a QR of half blocks; empty when the terminal cannot show them."""
    from qrcode.constants import ERROR_CORRECT_L
    from qrcode.main import QRCode

    code = QRCode(error_correction=ERROR_CORRECT_L, border=2)
    code.add_data(url)
    out = io.StringIO()
    code.print_ascii(out, invert=True)
    drawn = out.getvalue().rstrip("\n")
    try:
        drawn.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ""
    return drawn


def say(text: str) -> None:
    """Print, and live on when nobody listens any more (`up | head`) or the terminal lacks a letter."""
    with contextlib.suppress(OSError, ValueError):
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        print(text.encode(encoding, "replace").decode(encoding), flush=True)


def _place(url: str) -> str:
    """An address without its password."""
    parts = urlsplit(url)
    where = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    return f"{parts.scheme}://{where}{parts.path}"

"""Web push: CPU per phone of the whole way from `push()` to the last answer written down, against pywebpush's helper.

A stand-in with two origins runs in a process of its own. The helper is called as its README says, once a phone, and
reads the real bundle of authorities each time, as it does in production.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pika.setup.testservers import test_servers as private_servers
from tests.processes import ROOT, manage

SMALL, HELPED, ROUNDS = 500, 40, 3
SUB = "mailto:bench@wcs-budapest.hu"


def bench(phones: int = 5000, is_embedded: bool = False) -> dict[str, Any]:
    """What it costs, at SMALL and at `phones` subscriptions."""
    with tempfile.TemporaryDirectory() as folder, private_servers(is_embedded) as servers:
        env = {
            "DATABASE_URL": servers.database_url or "",
            "REDIS_URL": "",
            "PIKA_DATA": folder,
            "PIKA_VAPID_SUB": SUB,
            "PIKA_LOG_LEVEL": "ERROR",
            "PYTHONPATH": f"{ROOT}:{ROOT}/clients/dj/src",
            "DJANGO_SETTINGS_MODULE": "pika.settings",
        }
        manage(env, "migrate", "-v", "0")
        command = [sys.executable, "-m", "tests.load.push"]
        its: dict[str, Any] = {"text": True, "cwd": ROOT, "stdout": subprocess.PIPE, "stdin": subprocess.PIPE}
        with subprocess.Popen([*command, "stand", folder, str(phones)], env=os.environ | env, **its) as stand:
            assert stand.stdin and stand.stdout
            try:
                env["PIKA_PUSH_LOOPBACK_PORTS"] = stand.stdout.readline().strip()
                env["PIKA_PUSH_CA_FILE"] = f"{folder}/standin.pem"
                env["REQUESTS_CA_BUNDLE"] = f"{folder}/bundle.pem"
                sent = subprocess.run(
                    [*command, "send", folder], env=os.environ | env, check=True, text=True, stdout=-1, cwd=ROOT
                )
                stand.stdin.write("count\n")
                stand.stdin.flush()
                counted = json.loads(stand.stdout.readline())
            finally:
                stand.kill()
    return {**json.loads(sent.stdout.splitlines()[-1]), **counted, "header": servers.header_lines}


def show(found: dict[str, Any]) -> str:
    lines = [*found["header"], ""]
    lines += [f"{size} phones: {us:.0f} µs CPU a push, {rate:.0f} a second" for size, us, rate in found["sizes"]]
    lines += [
        f"pywebpush's helper: {found['helper_us']:.0f} µs CPU a push",
        f"ratio to helper: {found['ratio']['helper']} (CPU; above 1 we are cheaper)",
        f"served {found['served']}, twice {found['twice']}",
    ]
    return "\n".join(lines)


# --- The stand-in's process -----------------------------------------------------------------------------------
def stand(folder: Path, phones: int) -> None:
    import certifi

    from tests.push.standin import PushService, make_certificate

    certificate = make_certificate(folder)
    (folder / "bundle.pem").write_text(Path(certifi.where()).read_text() + certificate.read_text())
    services = [PushService(certificate, is_strict=False), PushService(certificate, is_strict=False)]
    made = [services[number % 2].phone() for number in range(phones)]
    (folder / "phones.json").write_text(json.dumps([[phone.endpoint, phone.p256dh, phone.auth] for phone in made]))
    print(",".join(str(service.port) for service in services), flush=True)
    sys.stdin.readline()
    # Each round is a message of its own, with a Topic of its own; the helper sends without.
    got = [[it.topic for it in phone.got if it.topic] for phone in made]
    print(
        json.dumps({"served": sum(map(bool, got)), "twice": sum(len(set(its)) < len(its) for its in got)}), flush=True
    )


# --- The sender's process --------------------------------------------------------------------------------------
def send(folder: Path) -> None:
    import django

    django.setup()
    from django.db.models import Max

    from accounts.models import Guest, PushSubscription
    from accounts.push import _hash
    from pika.gateways import webpush

    phones = json.loads((folder / "phones.json").read_text())
    guests = Guest.objects.bulk_create(Guest(key=f"{number:064x}") for number in range(len(phones)))
    PushSubscription.objects.bulk_create(
        PushSubscription(
            guest=guest, endpoint=at, endpoint_hash=_hash(at), p256dh=p256dh, auth=auth, vapid_key=webpush.server_key()
        )
        for guest, (at, p256dh, auth) in zip(guests, phones, strict=True)
    )
    last = Guest.objects.aggregate(last=Max("pk"))["last"]
    first = last - len(phones) + 1
    _ours(Guest.objects.filter(pk__lt=first + 100), "warm")
    sizes = sorted({min(SMALL, len(phones)), len(phones)})
    cost: dict[int, list[tuple[float, float]]] = {size: [] for size in sizes}
    helper = []
    for number in range(ROUNDS):
        for size in sizes:
            cost[size].append(_ours(Guest.objects.filter(pk__lt=first + size), f"{number}-{size}"))
        helper.append(_helper(phones[:HELPED]))
    told = [
        (size, statistics.median(c for c, _ in its), statistics.median(r for _, r in its)) for size, its in cost.items()
    ]
    ratio = statistics.median(theirs / mine for theirs, (mine, _) in zip(helper, cost[sizes[-1]], strict=True))
    its = {"sizes": told, "cpu_us": told[-1][1], "per_second": told[-1][2], "helper_us": statistics.median(helper)}
    print(json.dumps(its | {"ratio": {"helper": round(ratio, 1)}}))


def _ours(guests: Any, tag: str) -> tuple[float, float]:
    """(µs of CPU, phones a second) of one message."""
    from accounts.push import push
    from pika.jobs.actions import run_due

    cpu, clock = time.process_time(), time.monotonic()
    message = push(guests, title="WCS Budapest", body="The buffet is open. " * 5, url="/e/x", tag=tag, ttl=600)
    while run_due():
        pass
    cpu, clock = time.process_time() - cpu, time.monotonic() - clock
    message.refresh_from_db()
    assert (message.served, message.failed) == (message.phones, 0), message.__dict__
    return cpu / message.phones * 1e6, message.phones / clock


def _helper(phones: list[list[str]]) -> float:
    """µs of CPU of one call."""
    from django.conf import settings
    from pywebpush import webpush

    body = json.dumps({"title": "WCS Budapest", "body": "The buffet is open. " * 5, "url": "/e/x", "tag": "a"})
    cpu = time.process_time()
    for endpoint, p256dh, auth in phones:
        its: Any = {"endpoint": endpoint, "keys": {"p256dh": p256dh, "auth": auth}}
        webpush(its, body, vapid_private_key=settings.VAPID_KEY, vapid_claims={"sub": SUB}, ttl=600)
    return (time.process_time() - cpu) / len(phones) * 1e6


if __name__ == "__main__":
    if sys.argv[1] == "stand":
        stand(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        send(Path(sys.argv[2]))

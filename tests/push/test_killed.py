"""Many phones, every fault at once, and a worker killed with SIGKILL twice in mid-run.

With more phones than CI has time for: PHONES=5000 python3 manage.py test tests/push/test_killed.py
"""

import os
import time

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import Guest, PushChunk, PushMessage, PushSubscription
from accounts.push import _hash, push
from pika.gateways import webpush
from pika.jobs.models import Job
from tests.processes import worker
from tests.push.standin import Phone, PushService

PHONES = int(os.environ.get("PHONES", "400"))
THREADS = 3
LONG = 60 + PHONES / 10
# One in ten is each of these; the others are well.
FAULTS = [
    {"always": 404},
    {"always": 410},
    {"script": [(429, {"Retry-After": "2"})]},
    {"script": [503, 503]},
    {"script": ["silence"]},
]


def pusher():
    env = {
        "PIKA_VAPID_KEY": settings.VAPID_KEY,
        "PIKA_VAPID_SUB": settings.VAPID_SUB,
        "PIKA_PUSH_LOOPBACK_PORTS": ",".join(map(str, settings.PUSH_LOOPBACK_PORTS)),
        "PIKA_PUSH_CA_FILE": settings.PUSH_CA_FILE,
        "PIKA_PUSH_TIMEOUT": "5",
    }
    return worker(env, THREADS)


def settled(message: PushMessage) -> bool:
    return not PushChunk.objects.filter(message=message).exclude(waiting={}).exists()


def waiting() -> set[str]:
    return {pk for chunk in PushChunk.objects.all() for pk in chunk.waiting}


@pytest.fixture
def crowd(services: list[PushService], transactional_db: None) -> list[Phone]:
    """Half of them here, half there; every other one with a fault."""
    phones = []
    for number in range(PHONES):
        fault = FAULTS[number // 2 % len(FAULTS)] if number % 2 else {}
        phones.append(services[number // 4 % 2].phone(*fault.get("script", []), always=fault.get("always")))
    for service in services:
        service.delay = 0.03
    guests = Guest.objects.bulk_create(Guest(key=f"{number:064x}") for number in range(PHONES))
    PushSubscription.objects.bulk_create(
        PushSubscription(
            guest=guest,
            endpoint=phone.endpoint,
            endpoint_hash=_hash(phone.endpoint),
            p256dh=phone.p256dh,
            auth=phone.auth,
            vapid_key=webpush.server_key(),
        )
        for guest, phone in zip(guests, phones, strict=True)
    )
    return phones


def run(crowd: list[Phone], kills: int, monkeypatch: pytest.MonkeyPatch) -> tuple[PushMessage, set[str], float]:
    """The message when all is settled; the endpoints that were in flight, unwritten, when a worker was killed."""
    monkeypatch.setattr("accounts.push.CHUNK", max(50, PHONES // 10))
    message = push(Guest.objects.all(), title="T", body="B", url="/e/x", tag="a1", ttl=1800, is_urgent=True)
    endpoint_of = {str(pk): endpoint for pk, endpoint in PushSubscription.objects.values_list("pk", "endpoint")}
    began, process, in_flight = time.monotonic(), pusher(), set()
    try:
        for kill in range(1, kills + 1):
            while sum(len(phone.got) for phone in crowd) < PHONES * 0.8 * kill / (kills + 1):
                assert process.poll() is None and time.monotonic() < began + LONG
                time.sleep(0.005)
            process.kill()
            process.wait()
            time.sleep(0.1)  # what it had sent arrives
            served = {phone.endpoint for phone in crowd if phone.got}
            unwritten = {endpoint_of[pk] for pk in waiting()} & served
            assert len(unwritten) <= THREADS * webpush.IN_FLIGHT
            in_flight |= unwritten
            Job.objects.filter(state="running").update(lease_until=timezone.now())  # a minute has passed
            process = pusher()
        while not settled(message) or Job.objects.exclude(state="done").exists():
            assert process.poll() is None and time.monotonic() < began + LONG
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    message.refresh_from_db()
    return message, in_flight, time.monotonic() - began


@pytest.mark.parametrize("kills", [0, 2])
def test_every_living_phone_is_served_and_nobody_known_as_served_again(crowd, kills, monkeypatch, capsys):
    message, in_flight, seconds = run(crowd, kills, monkeypatch)

    dead = {phone.endpoint for phone in crowd if phone.always}
    living = [phone for phone in crowd if not phone.always]
    doubled = {phone.endpoint for phone in living if len(phone.got) > 1}
    with capsys.disabled():
        print(f"\n{PHONES} phones, {kills} kills: {seconds:.1f} s, {len(in_flight)} in flight, {len(doubled)} doubled")
    assert [len(phone.shown) for phone in living] == [1] * len(living)
    assert [phone.refused for phone in crowd] == [[]] * PHONES
    assert doubled <= in_flight
    assert (message.served, message.gone, message.failed) == (len(living), len(dead), 0)
    assert set(PushSubscription.objects.values_list("endpoint", flat=True)) == {phone.endpoint for phone in living}
    assert {got.topic for phone in living for got in phone.got} == {message.topic}

"""Two strict push services on this machine, and phones that subscribed there."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Guest, PushSubscription
from accounts.push import save_subscription
from pika.gateways import webpush
from pika.jobs import actions as jobs
from tests.push.standin import Phone, PushService, make_certificate


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("push"))


@pytest.fixture
def services(certificate: Path, settings: Any) -> Iterator[list[PushService]]:
    """Two origins; the product is told that it may call them."""
    both = [PushService(certificate), PushService(certificate)]
    settings.PUSH_LOOPBACK_PORTS = [service.port for service in both]
    settings.PUSH_CA_FILE = str(certificate)
    settings.VAPID_SUB = "mailto:elena@wcs-budapest.hu"
    settings.PUSH_TIMEOUT = 20.0  # a busy machine is not a silent service
    yield both
    for service in both:
        service.close()


@pytest.fixture
def service(services: list[PushService]) -> PushService:
    return services[0]


@pytest.fixture
def guest(db: None) -> Guest:
    return Guest.objects.create(key="a" * 64)


@pytest.fixture
def subscribe(services: list[PushService], db: None) -> Callable[..., Phone]:
    """`subscribe()`: the phone of a new guest (or `guest=`), on the first service (or `at=`), with a script."""

    def make(*script: Any, guest: Guest | None = None, at: PushService | None = None, always: Any = None) -> Phone:
        guest = guest or Guest.objects.create(key=f"{Guest.objects.count():064x}")
        phone = (at or services[0]).phone(*script, always=always)
        save_subscription(guest, phone.endpoint, phone.p256dh, phone.auth, webpush.server_key())
        return phone

    return make


@pytest.fixture
def work() -> Callable[[], None]:
    """Do what is due until nothing is."""

    def run() -> None:
        while jobs.run_due():
            pass

    return run


def row_of(phone: Phone) -> PushSubscription | None:
    return PushSubscription.objects.filter(endpoint=phone.endpoint).first()

"""Whom we send to, and how: no address but a push service's, every message sealed, signed and bounded."""

import socket
import ssl
import threading
from contextlib import contextmanager

import pytest
import time_machine
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.checks import run_checks
from django.utils import timezone

from pika.errors import Problem
from pika.gateways import webpush
from pika.gateways.webpush import Letter, Target
from tests.push.standin import base64url

FCM = "https://fcm.googleapis.com/fcm/send/abc:DEF-1"
LETTER = Letter(b'{"title":"Hello"}', 60, "topic", False)


def keys() -> tuple[str, str]:
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    raw = point.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return base64url(raw), base64url(b"0123456789abcdef")


def send(*targets: Target, letter: Letter = LETTER) -> list[tuple[int, int]]:
    return sorted((a.id, a.status) for batch in webpush.send_many(letter, targets) for a in batch)


def target(phone, number=1) -> Target:
    return Target(number, phone.endpoint, phone.p256dh, phone.auth)


# --- Whom ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "endpoint",
    [
        FCM,
        "https://jmt17.google.com/fcm/send/x",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAA",
        "https://updates-autopush.push.services.mozilla.com:443/wpush/v2/gAAA",
        "https://web.push.apple.com/QGx?a=b%20c",
        "https://wns2-par02p.notify.windows.com/w/?token=BQ%3d%3d",
    ],
)
def test_the_push_services_of_the_browsers_are_known(endpoint):
    webpush.check_subscription(endpoint, *keys())


BAD = {
    "http://fcm.googleapis.com/fcm/send/x": "https://",
    "ftp://fcm.googleapis.com/x": "https://",
    "HTTPS://fcm.googleapis.com/x": "https://",
    "https://169.254.169.254/latest/meta-data": "does not know",
    "https://127.0.0.1/x": "does not know",
    "https://localhost/x": "does not know",
    "https://localhost:8443/x": "port 443",
    "https://[::1]/x": "not the address",
    "https://10.0.0.1:6379/x": "port 443",
    "https://2130706433/x": "does not know",
    "https://fcm.googleapis.com:8443/x": "port 443",
    "https://fcm.googleapis.com:80/x": "port 443",
    "https://elena:secret@fcm.googleapis.com/x": "not the address",
    "https://fcm.googleapis.com@evil.example/x": "not the address",
    "https://fcm.googleapis.com\\@evil.example/x": "not the address",
    "https://evil.example\\.fcm.googleapis.com/x": "not the address",
    "https://evil.example#.fcm.googleapis.com/x": "not the address",
    "https://evil.example?.fcm.googleapis.com/x": "not the address",
    "https://fcm.googleapis.com.evil.example/x": "does not know",
    "https://evilfcm.googleapis.com/x": "does not know",
    "https://evilpush.services.mozilla.com/x": "does not know",
    "https://push.services.mozilla.com/x": "does not know",
    "https://fcm.googleapis.com./x": "not the address",
    "https://fcm.googleapis.com": "not the address",
    "https://fcm.googleapis.com/x y": "not the address",
    "https://fcm.googleapis.com/x\r\nHost: evil": "not the address",
    "https://fcm.googleapis.com/\u0430": "not the address",
    "https://fcm.googleapis.com/" + "x" * 1000: "not the address",
    "": "https://",
}


@pytest.mark.parametrize("endpoint", BAD)
def test_no_other_address_is_saved_or_called(endpoint, services):
    with pytest.raises(Problem) as refused:
        webpush.check_subscription(endpoint, *keys())
    assert refused.value.field == "endpoint"
    assert BAD[endpoint] in refused.value.message
    assert send(Target(1, endpoint, *keys())) == [(1, webpush.NEVER)]


def test_keys_that_are_none_are_refused_by_name(services):
    p256dh, auth = keys()
    off_curve = base64url(b"\4" + b"\1" * 64)
    compressed = base64url(b"\2" + b"\1" * 32)
    for bad in (off_curve, compressed, base64url(b"\0" * 65), "", "?" * 87, p256dh[:-2], "\u00fc" * 87):
        with pytest.raises(Problem) as refused:
            webpush.check_subscription(FCM, bad, auth)
        assert refused.value.field == "p256dh"
        assert send(Target(1, FCM, bad, auth)) == [(1, webpush.NEVER)]
    for bad in ("", base64url(b"x" * 15), base64url(b"x" * 17), "not base64!"):
        with pytest.raises(Problem) as refused:
            webpush.check_subscription(FCM, p256dh, bad)
        assert refused.value.field == "auth"
    webpush.check_subscription(FCM, p256dh + "=", auth + "==")


def test_a_known_name_that_leads_to_a_private_address_is_not_called(service, settings):
    """DNS may say anything: what counts is the address that is dialled."""
    settings.PUSH_HOSTS = ["localhost"]
    with listening() as (port, calls):
        settings.PUSH_LOOPBACK_PORTS = []
        assert send(Target(1, "https://localhost/x", *keys())) == [(1, 0)]
        for address in ("127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fe80::1%1", "::ffff:10.0.0.1", "224.0.0.1"):
            with pytest.raises(OSError, match="no public address"):
                webpush._check_address(address, 443)
        with pytest.raises(OSError, match="no public address"):
            webpush._check_address("127.0.0.1", port)
        webpush._check_address("142.250.74.10", 443)
    assert calls == []


def test_a_redirect_is_not_followed(service):
    with listening() as (port, calls):
        away = service.phone((307, {"Location": f"https://localhost:{port}/secret"}))
        assert send(target(away)) == [(1, 307)]
    assert (calls, away.asked, away.got) == ([], 1, [])


def test_a_certificate_nobody_vouches_for_is_not_believed(service, settings):
    settings.PUSH_CA_FILE = ""
    phone = service.phone()
    assert send(target(phone)) == [(1, 0)]
    assert phone.asked == 0


def test_a_stand_in_is_called_only_where_the_setting_names_its_port(service, settings):
    phone = service.phone()
    settings.PUSH_LOOPBACK_PORTS, settings.DEBUG = [], True
    assert send(target(phone)) == [(1, webpush.NEVER)]
    assert phone.asked == 0


@contextmanager
def listening():
    """A port of this machine that must not be called; who did."""
    calls: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        done = threading.Event()

        def accept():
            while not done.is_set():
                try:
                    calls.append(server.accept()[1])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield server.getsockname()[1], calls
        finally:
            done.set()
            thread.join()


# --- How ----------------------------------------------------------------------------------------------------
def test_a_message_arrives_as_it_was_meant(service):
    phone = service.phone()
    letter = Letter('{"title":"Főterem ♥"}'.encode(), 900, "abc_-", True)
    assert send(target(phone), letter=letter) == [(1, 201)]
    (got,) = phone.got
    assert (got.message, got.ttl, got.topic, got.urgency) == ({"title": "Főterem ♥"}, 900, "abc_-", "high")
    assert phone.refused == []


def test_each_push_service_gets_one_signature_of_its_own_until_it_is_old(services):
    webpush._signed.clear()
    phones = [service.phone() for service in services for _ in range(100)]
    now = timezone.now()
    for hours in (0, 11, 13):
        with time_machine.travel(now) if not hours else _later(now, hours):
            assert {status for _, status in send(*[target(phone, n) for n, phone in enumerate(phones)])} == {201}
    assert [len(service.tokens) for service in services] == [2, 2]
    assert {sum(service.tokens.values()) for service in services} == {300}
    assert [phone.refused for phone in phones] == [[]] * 200


@contextmanager
def _later(now, hours):
    """Some hours on, as this machine's clock sees it; the stand-in lives in the same process."""
    with time_machine.travel(now + timezone.timedelta(hours=hours)):
        yield


def test_never_more_than_agreed_are_in_flight_and_the_next_wait_for_what_is_written_down(service):
    service.delay = 0.05
    phones = [service.phone() for _ in range(200)]
    seen, most = 0, 0
    for batch in webpush.send_many(LETTER, [target(phone, n) for n, phone in enumerate(phones)]):
        most = max(most, sum(phone.asked for phone in phones) - seen)
        seen += len(batch)
    assert seen == 200
    assert (service.most_in_flight <= webpush.IN_FLIGHT, most <= webpush.IN_FLIGHT) == (True, True)


def test_a_service_that_says_nothing_is_left_after_the_time_out(service, settings):
    settings.PUSH_TIMEOUT = 1.0
    silent, quick = service.phone("silence"), service.phone()
    assert send(target(silent, 1), target(quick, 2)) == [(1, 0), (2, 201)]


@pytest.mark.parametrize(("said", "seconds"), [("120", 120.0), ("", None), ("soon", None), ("-5", None)])
def test_retry_after_is_read(said, seconds):
    assert webpush._seconds(said) == seconds


def test_retry_after_may_be_a_date():
    with time_machine.travel("2026-11-21T20:00:00Z", tick=False):
        assert webpush._seconds("Sat, 21 Nov 2026 20:02:00 GMT") == 120.0
        assert webpush._seconds("Sat, 21 Nov 2026 19:00:00 GMT") == 0.0


def test_what_is_too_long_or_has_no_life_is_not_sent(service):
    for letter in (Letter(b"x" * 2801, 60, "", False), Letter(b"", 60, "", False), Letter(b"x", 0, "", False)):
        with pytest.raises(ValueError):
            send(target(service.phone()), letter=letter)


# --- The key -------------------------------------------------------------------------------------------------
def test_a_key_may_come_as_pem_or_as_its_32_bytes(settings, services):
    key = ec.generate_private_key(ec.SECP256R1())
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()
    number = base64url(key.private_numbers().private_value.to_bytes(32, "big"))
    found = set()
    for text in (pem, pem.replace("\n", "\\n"), number):
        settings.VAPID_KEY = text
        found.add(webpush.server_key())
        assert run_checks() == []
    assert len(found) == 1 and len(found.pop()) == 87
    phone = services[0].phone()
    assert send(target(phone)) == [(1, 201)]


@pytest.mark.parametrize("sub", ["", "mailto:hello@pika.invalid", "elena@wcs-budapest.hu", "http://wcs-budapest.hu"])
def test_without_a_real_contact_there_is_no_push(settings, sub):
    settings.VAPID_SUB = sub
    assert webpush.server_key() == ""
    with pytest.raises(RuntimeError, match="PIKA_VAPID_SUB"):
        send(Target(1, FCM, *keys()))


@pytest.mark.parametrize("sub", ["mailto:Elena@WCS-Budapest.hu", "https://wcs-budapest.hu"])
def test_a_real_contact_is_one_of_either_kind(settings, sub):
    settings.VAPID_SUB = sub
    assert len(webpush.server_key()) == 87


def test_wrong_settings_are_told_at_the_start(settings, monkeypatch):
    settings.VAPID_KEY, settings.VAPID_SUB = "no key", "nobody"
    monkeypatch.setenv("PIKA_VAPID_SUB", "nobody")
    assert [check.id for check in run_checks()] == ["pika.E001", "pika.E002"]


def test_the_machine_s_own_authorities_are_read():
    assert webpush._trust("").verify_mode == ssl.CERT_REQUIRED
    assert webpush._trust("").check_hostname

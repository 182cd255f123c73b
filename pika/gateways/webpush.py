"""Web push: whom we may send to, our key, and many sealed messages over one session; the only place for py_vapid."""

import base64
import functools
import hmac
import ipaddress
import logging
import os
import re
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.core import checks
from django.utils.translation import gettext

from pika.errors import Problem
from pika.gateways.carrier import Carrier, Parcel

if TYPE_CHECKING:
    from py_vapid import Vapid02

log = logging.getLogger(__name__)

MOST_BYTES = 2800  # of a body in plain; what every push service takes
SEALING = 103  # bytes that sealing adds: salt, record size, our key, padding, tag
IN_FLIGHT = 100
NEVER = 1  # the status of what was not sent and never will be
_RENEW_AFTER, _LIFE = 12 * 3600, 18 * 3600  # of our signature; 24 h is the most, and clocks differ
# Push services refuse a contact that cannot be one (Apple: 403).
_SUB = re.compile(r"(mailto:[^@\s,]+@|https://)([a-z0-9-]+\.)+(?!invalid|example|test|local|localhost)[a-z]{2,}", re.I)
_TOPIC = re.compile(r"[A-Za-z0-9_-]{0,32}")
_ENDPOINT = re.compile(r"https://([a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::([0-9]{1,5}))?(/[!\"$-\[\]-~]*)")


@dataclass(frozen=True, slots=True)
class Target:
    """One subscription; `id` is the caller's."""

    id: int
    endpoint: str
    p256dh: str
    auth: str


@dataclass(frozen=True, slots=True)
class Letter:
    """What all of them get."""

    body: bytes
    ttl: int
    topic: str
    is_urgent: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What the push service said; status 0: nothing, in time."""

    id: int
    status: int
    retry_after: float | None = None


# --- Our key ------------------------------------------------------------------------------------------------
@functools.lru_cache(maxsize=4)
def _vapid(private: str) -> "Vapid02":
    from py_vapid import Vapid02

    private = private.replace("\\n", "\n").strip()
    return Vapid02.from_pem(private.encode()) if private.startswith("-----") else Vapid02.from_string(private)


@functools.lru_cache(maxsize=4)
def _public(private: str) -> str:
    point = _vapid(private).public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return _base64url(point)


def server_key() -> str:
    """The public key that browsers subscribe with; empty: push is off (no key, or no real contact)."""
    return _public(settings.VAPID_KEY) if settings.VAPID_KEY and _SUB.fullmatch(settings.VAPID_SUB) else ""


_signed: dict[tuple[str, str, str], tuple[str, float]] = {}


def vapid_header(origin: str) -> str:
    """`Authorization` for that push service: signed once, used for 12 hours."""
    name, now = (settings.VAPID_KEY, settings.VAPID_SUB, origin), time.time()
    header, signed_at = _signed.get(name, ("", 0.0))
    if not signed_at <= now < signed_at + _RENEW_AFTER:
        claims = {"aud": origin, "exp": int(now) + _LIFE, "sub": settings.VAPID_SUB}
        header = _vapid(settings.VAPID_KEY).sign(claims)["Authorization"]
        _signed[name] = header, now
    return header


@checks.register
def check_settings(app_configs: Any, **options: Any) -> list[checks.CheckMessage]:
    """What is set and cannot be right; to set nothing is to have no push."""
    found: list[checks.CheckMessage] = []
    try:
        if settings.VAPID_KEY:
            _public(settings.VAPID_KEY)
    except (ValueError, TypeError, IndexError) as error:
        words = f"PIKA_VAPID_KEY is no P-256 private key (PEM, or its 32 bytes in base64url): {error}"
        found.append(checks.Error(words, id="pika.E001"))
    if "PIKA_VAPID_SUB" in os.environ and not _SUB.fullmatch(settings.VAPID_SUB):
        words = "PIKA_VAPID_SUB is where push services reach you: mailto:you@your.domain or https://your.domain"
        found.append(checks.Error(words, id="pika.E002"))
    return found


# --- Whom we may send to ---------------------------------------------------------------------------------------
def check_subscription(endpoint: str, p256dh: str, auth: str) -> None:
    """Problem, naming the field, unless it is a push service we know and keys one can encrypt for."""
    origin_of(endpoint)
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(p256dh, 65))
    except ValueError:
        words = gettext("This is not a key of a browser's push subscription (65 bytes, a point on P-256).")
        raise Problem(words, "invalid", field="p256dh") from None
    try:
        _bytes(auth, 16)
    except ValueError:
        words = gettext("This is not the secret of a browser's push subscription (16 bytes).")
        raise Problem(words, "invalid", field="auth") from None


def origin_of(endpoint: str) -> str:
    """`https://host` of an endpoint that we may call; Problem otherwise."""
    if not endpoint.startswith("https://"):
        raise Problem(gettext("A push service's address begins with https://"), "invalid", field="endpoint")
    found = _ENDPOINT.fullmatch(endpoint)
    if found is None or len(endpoint) > 1000:
        words = gettext("This is not the address of a push service: https://, its name, a path, and no user name.")
        raise Problem(words, "invalid", field="endpoint")
    host, port = found[1], int(found[2] or 443)
    if host == "localhost" and port in settings.PUSH_LOOPBACK_PORTS:
        return f"https://localhost:{port}"
    if port != 443:
        raise Problem(gettext("A push service answers on port 443 and no other."), "invalid", field="endpoint")
    if not any(_is_host(host, known) for known in settings.PUSH_HOSTS):
        words = gettext("Pika! does not know the push service “%(host)s”. Chrome, Edge, Firefox and Safari work.") % {
            "host": host[:100]
        }
        raise Problem(words, "invalid", field="endpoint")
    return f"https://{host}"


def _is_host(host: str, known: str) -> bool:
    return host.endswith(known[1:]) if known.startswith("*.") else host == known


def _bytes(text: str, length: int) -> bytes:
    raw = base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)
    if len(raw) != length:
        raise ValueError(f"{length} bytes")
    return raw


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _check_address(host: str, port: int) -> None:
    """OSError unless it is a public address: a name of the list may resolve to anything."""
    its = ipaddress.ip_address(host.partition("%")[0])
    its = getattr(its, "ipv4_mapped", None) or its
    is_stand_in = its.is_loopback and port in settings.PUSH_LOOPBACK_PORTS
    if not (its.is_global and not its.is_multicast and port == 443) and not is_stand_in:
        raise OSError(f"{host} port {port} is no public address of a push service")


# --- Sealing: RFC 8291 (aes128gcm) -------------------------------------------------------------------------------
def seal(body: bytes, p256dh: str, auth: str) -> bytes:
    """`body`, readable only for that browser. ValueError: its keys are no keys.

    pywebpush's own takes half as much time again, and this is what a thousand phones cost.
    """
    theirs = _bytes(p256dh, 65)
    private = ec.generate_private_key(ec.SECP256R1())
    ours = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
    salt = os.urandom(16)
    secret = _derive(_bytes(auth, 16), shared, b"WebPush: info\0" + theirs + ours, 32)
    key = _derive(salt, secret, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(salt, secret, b"Content-Encoding: nonce\0", 12)
    return salt + b"\0\0\x10\0A" + ours + AESGCM(key).encrypt(nonce, body + b"\2", None)


def _derive(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA-256, one block."""
    return hmac.digest(hmac.digest(salt, secret, "sha256"), info + b"\1", "sha256")[:length]


# --- Sending -----------------------------------------------------------------------------------------------------
def send_many(letter: Letter, targets: Iterable[Target]) -> Iterator[list[Answer]]:
    """Send to all, at most IN_FLIGHT at a time, and yield the answers in batches as they come.

    The next ones start only when their batch has been taken: whoever writes each batch down never has more than
    IN_FLIGHT that were sent and not written. It blocks: not in an event loop.
    """
    if not server_key():
        raise RuntimeError("push is off: PIKA_VAPID_KEY or PIKA_VAPID_SUB is not set")
    if not 0 < len(letter.body) <= MOST_BYTES or letter.ttl < 1 or not _TOPIC.fullmatch(letter.topic):
        raise ValueError(f"a push has 1 to {MOST_BYTES} bytes, a TTL of 1 s or more, a topic of base64url")
    waiting, flying, crowd = iter(targets), 0, _Crowd(letter)
    while True:
        more = list(islice(waiting, IN_FLIGHT - flying))
        flying += len(more)
        if not flying:
            return
        crowd.start(more)
        batch = crowd.answers(flying)
        flying -= len(batch)
        yield batch


class _Crowd:
    """What is in flight of one letter. The answers come from the carrier's thread."""

    def __init__(self, letter: Letter) -> None:
        self.letter = letter
        self.done: deque[Answer] = deque()
        self.bell = threading.Event()
        self.wanted = 1
        self.heads: dict[str, bytes] = {}

    def start(self, targets: list[Target]) -> None:
        parcels = []
        for target in targets:
            try:
                parcels.append(_Push(self, target, origin_of(target.endpoint)))
            except Problem as error:  # was checked when it was saved: an older row, or a shorter list
                log.warning("push %s: not sent: %s", target.id, error)
                self.take(Answer(target.id, NEVER))
        if parcels:
            _carrier().send(parcels, settings.PUSH_TIMEOUT)

    def take(self, answer: Answer) -> None:
        self.done.append(answer)
        if len(self.done) >= self.wanted:
            self.bell.set()

    def answers(self, flying: int) -> list[Answer]:
        """Those that are there when most have answered, or after half a second."""
        self.wanted = max(1, flying * 3 // 4)
        for seconds in (0.5, settings.PUSH_TIMEOUT + 10):
            self.bell.clear()
            if len(self.done) >= self.wanted or self.bell.wait(seconds):
                return [self.done.popleft() for _ in range(len(self.done))]
            self.wanted = 1
        raise RuntimeError("the carrier has stopped")

    def head(self, origin: str) -> bytes:
        """What follows the path: the same for all of one origin, the length included."""
        if origin not in self.heads:
            its = {
                "Host": origin.removeprefix("https://"),
                "Authorization": vapid_header(origin),
                "Content-Encoding": "aes128gcm",
                "Content-Type": "application/octet-stream",
                "Content-Length": str(len(self.letter.body) + SEALING),
                "TTL": str(self.letter.ttl),
                "Topic": self.letter.topic,
                "Urgency": "high" if self.letter.is_urgent else "normal",
            }
            lines = "".join(f"{name}: {value}\r\n" for name, value in its.items() if value)
            self.heads[origin] = f" HTTP/1.1\r\n{lines}\r\n".encode("ascii")
        return self.heads[origin]


class _Push(Parcel):
    """The letter to one of them."""

    __slots__ = ("crowd", "target")

    def __init__(self, crowd: _Crowd, target: Target, origin: str) -> None:
        super().__init__(origin)
        self.crowd, self.target = crowd, target

    def pack(self) -> bytes:
        crowd, target = self.crowd, self.target
        try:
            path = target.endpoint[target.endpoint.index("/", 8) :]  # origin_of found one, of ASCII without spaces
            sealed = seal(crowd.letter.body, target.p256dh, target.auth)
            return b"".join((b"POST ", path.encode("ascii"), crowd.head(self.origin), sealed))
        except ValueError as error:
            log.warning("push %s: not sent: %s", target.id, error)
        except Exception:
            log.exception("push %s: %s", target.id, target.endpoint[:60])
        crowd.take(Answer(target.id, NEVER))
        return b""

    def answered(self, status: int, retry_after: str, said: str) -> None:
        if status == 0:
            log.info("push %s: %s: no answer: %s", self.target.id, self.target.endpoint[:60], said)
        elif status >= 300:
            how = logging.ERROR if status in {401, 403} else logging.INFO
            log.log(how, "push %s: %s answered %s: %s", self.target.id, self.origin[8:], status, said)
        self.crowd.take(Answer(self.target.id, status, _seconds(retry_after) if retry_after else None))


@functools.cache
def _carrier() -> Carrier:
    """The process's own (two, if two threads are the first at once: no harm)."""
    return Carrier(_check_address, lambda: _trust(settings.PUSH_CA_FILE))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_carrier.cache_clear)  # its thread does not come along


@functools.cache
def _trust(more: str) -> ssl.SSLContext:
    """The machine's own authorities (and the stand-in's). Read once: it costs 30 ms."""
    context = ssl.create_default_context()
    if more:
        context.load_verify_locations(more)
    return context


def _seconds(retry_after: str) -> float | None:
    """Retry-After in seconds or as a date; None: nothing one can read."""
    if retry_after.strip().isdecimal():
        return float(retry_after[:9])
    try:
        at = parsedate_to_datetime(retry_after)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())

"""A strict push service on this machine: refuses what a real one would, decrypts, keeps what a phone would get."""

import asyncio
import base64
import json
import ssl
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import http_ece
from aiohttp import web
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import NameOID

RECORD = 4096  # bytes of a body, sealed
SILENCE = "silence"


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def make_certificate(folder: Path) -> Path:
    """A certificate of its own for localhost; the file that says both key and whom to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "standin.key").write_bytes(pem)
    path = folder / "standin.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return path


@dataclass
class Got:
    """A message as the phone would show it."""

    message: dict[str, Any]
    topic: str
    ttl: int
    urgency: str


@dataclass
class Phone:
    """One subscription. `script`: what it is answered before anything is accepted; `always`: for ever."""

    endpoint: str
    key: ec.EllipticCurvePrivateKey
    p256dh: str
    auth: str
    script: list[Any] = field(default_factory=list)
    always: Any = None
    asked: int = 0
    got: list[Got] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<phone {self.endpoint}: {len(self.got)} got>"

    @property
    def shown(self) -> list[dict[str, Any]]:
        """What is on its screen when it comes back from being away: of each topic and tag the newest."""
        waiting = {got.topic or str(number): got for number, got in enumerate(self.got)}
        return list({got.message["tag"]: got.message for got in waiting.values()}.values())


class PushService:
    """HTTPS on a free port of localhost, in a thread of its own."""

    def __init__(self, certificate: Path, is_strict: bool = True) -> None:
        self.phones: dict[str, Phone] = {}
        self.tokens: Counter[str] = Counter()  # how often each signed header was used
        self.connections: set[Any] = set()
        self.in_flight = self.most_in_flight = 0
        self.delay = 0.0
        self.is_strict = is_strict
        self._certificate = certificate
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._open())
        self._ready.set()
        self.loop.run_forever()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(self._runner.cleanup())
        self.loop.close()

    async def _open(self) -> None:
        app = web.Application(client_max_size=1 << 20)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate, self._certificate.with_suffix(".key"))
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context, backlog=1024)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        self.origin = f"https://localhost:{self.port}"

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)

    def phone(self, *script: Any, always: Any = None) -> Phone:
        """A new subscription; as the browser's PushManager would make it."""
        key = ec.generate_private_key(ec.SECP256R1())
        point = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        path = f"/push/{len(self.phones)}-{self.port}"
        auth = base64url(hashes_of(path))
        self.phones[path] = Phone(self.origin + path, key, base64url(point), auth, list(script), always)
        return self.phones[path]

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.delay:
                await asyncio.sleep(self.delay)
            return await self._judge(request, body)
        finally:
            self.in_flight -= 1

    async def _judge(self, request: web.Request, body: bytes) -> web.Response:
        phone = self.phones.get(request.path)
        if phone is None:
            return web.Response(status=404)
        phone.asked += 1
        its = phone.script.pop(0) if phone.script else phone.always
        if its == SILENCE:
            await asyncio.sleep(60)
        if isinstance(its, tuple):  # 429 with Retry-After
            return web.Response(status=its[0], headers=its[1])
        if its:
            return web.Response(status=its)
        if not self.is_strict:
            phone.got.append(Got({}, request.headers.get("Topic", ""), 1, ""))
            return web.Response(status=201)
        try:
            phone.got.append(self._taken(request, phone, body))
        except Refusal as refusal:
            phone.refused.append(refusal.why)
            return web.Response(status=refusal.status, text=refusal.why)
        return web.Response(status=201, headers={"Location": f"/m/{phone.asked}"})

    def _taken(self, request: web.Request, phone: Phone, body: bytes) -> Got:
        headers = request.headers
        self._check_signature(headers.get("Authorization", ""))
        if request.method != "POST" or headers.get("Content-Encoding") != "aes128gcm":
            raise Refusal(400, "POST with aes128gcm")
        if not headers.get("TTL", "").isdecimal() or not 0 < int(headers["TTL"]) <= 2419200:
            raise Refusal(400, f"TTL {headers.get('TTL')}")
        if headers.get("Urgency", "normal") not in {"very-low", "low", "normal", "high"}:
            raise Refusal(400, "Urgency")
        topic = headers.get("Topic", "")
        if len(topic) > 32 or not set(topic) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"):
            raise Refusal(400, "Topic")
        if len(body) > RECORD:
            raise Refusal(413, f"{len(body)} bytes")
        try:
            plain = http_ece.decrypt(body, private_key=phone.key, auth_secret=raw(phone.auth), version="aes128gcm")
        except Exception as error:
            raise Refusal(400, f"cannot be decrypted: {error}") from None
        if len(plain) > 2800:
            raise Refusal(413, f"{len(plain)} bytes in plain")
        return Got(json.loads(plain), topic, int(headers["TTL"]), headers.get("Urgency", "normal"))

    def _check_signature(self, header: str) -> None:
        """RFC 8292."""
        self.tokens[header] += 1
        scheme, _, rest = header.partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
        if scheme != "vapid" or parts.keys() != {"t", "k"}:
            raise Refusal(401, "no vapid")
        signed, _, signature = parts["t"].rpartition(".")
        numbers = raw(signature)
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw(parts["k"]))
        der = encode_dss_signature(int.from_bytes(numbers[:32], "big"), int.from_bytes(numbers[32:], "big"))
        try:
            key.verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            raise Refusal(403, "signature") from None
        claims = json.loads(raw(signed.split(".")[1]))
        if claims.get("aud") != self.origin:
            raise Refusal(403, f"aud {claims.get('aud')}")
        if not time.time() < claims.get("exp", 0) <= time.time() + 86400:
            raise Refusal(403, f"exp {claims.get('exp')}")
        sub = str(claims.get("sub", ""))
        host = sub.removeprefix("https://").rpartition("@")[2]
        if not sub.startswith(("mailto:", "https://")) or "." not in host or host.endswith((".invalid", ".example")):
            raise Refusal(403, f"sub {sub}")


class Refusal(Exception):
    def __init__(self, status: int, why: str) -> None:
        self.status, self.why = status, why


def hashes_of(text: str) -> bytes:
    """16 bytes that belong to it."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(text.encode())
    return digest.finalize()[:16]

"""`manage.py serve`: the web role in production, one or several processes on one port, with an orderly end."""

import ipaddress
import logging
import math
import os
import signal
import socket
import threading
import time
from types import FrameType

import environ
import uvicorn
from django.conf import settings

from pika import health
from pika.setup import Refused, processes
from pika.setup.web import leave, spare_the_collector

log = logging.getLogger(__name__)
env = environ.Env()

# Served as usual while /readyz already says no: time for load balancers to look elsewhere.
NOTICE_SECONDS = 3.0
# Of everything together; stay below the grace of compose.yml and k8s.
END_SECONDS = 20.0
_WAIT_SECONDS = 2
_EXAMPLE = "replace-me"


def run(host: str, port: int) -> int:
    """Serve until told to stop; the exit code. Refused, with a sentence, when the environment is not fit for it."""
    count = web_processes()
    check_environment(count)
    trusted_proxies()
    if problem := redis_problem(settings.REDIS_URL):
        log.warning("redis: %s", problem)  # no reason to refuse people: /readyz tells
    listening = bind(host, port)
    log.info("web: %d process(es) on %s, port %d", count, host, listening.getsockname()[1])
    if count == 1:
        return serve_on(listening, beat=None)
    with listening:
        return processes.keep(count, listening, END_SECONDS)


def web_processes() -> int:
    """How many processes the environment asks for."""
    count = env.str("WEB_PROCESSES", default="1")
    if not (count.isdecimal() and 1 <= int(count) <= 64):
        raise Refused(f"WEB_PROCESSES={count}: it is a number from 1 to 64.")
    return int(count)


def check_environment(count: int = 1) -> None:
    """Refused when something is missing without which separate web, worker and beat processes are not one house."""
    if not settings.DATABASE_URL:
        raise Refused(
            "DATABASE_URL is not set. In production web, worker and beat are processes of their own and share a "
            "Postgres.\nFor one process that needs nothing else: python3 manage.py up"
        )
    if not settings.REDIS_URL:
        who = (
            f"WEB_PROCESSES asks for {count} processes" if count > 1 else "Web, worker and beat are separate processes"
        )
        raise Refused(
            f"{who}, and without Redis they would not hear each other. Set REDIS_URL.\n"
            "For one process that needs nothing else: python3 manage.py up"
        )
    if not os.environ.get("SECRET_KEY"):
        raise Refused("SECRET_KEY is not set, and each process would make up its own. docker/.env.example tells how.")
    for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL"):
        if _EXAMPLE in getattr(settings, name):
            raise Refused(
                f"{name} still has the example's secret, which everybody knows. docker/.env.example tells how."
            )
    if settings.IS_SECURE and "*" in settings.ALLOWED_HOSTS:
        raise Refused(
            "ALLOWED_HOSTS is not set, and whoever sends a request could choose the address that goes into e-mails.\n"
            "For example: ALLOWED_HOSTS=pika.example,localhost (localhost is for health checks)"
        )
    check_redis_url(settings.REDIS_URL)


def check_redis_url(url: str) -> None:
    """Refused when it names what neither the channel layer nor our own publishing can talk to."""
    scheme = url.split("://")[0]
    if "sentinel" in scheme:
        raise Refused(
            "REDIS_URL names a Redis Sentinel, and Pika! is not wired for it. Give it the address of one Redis or "
            "Valkey,\nor of a proxy or a service name that follows the primary."
        )
    if scheme not in {"redis", "rediss", "unix"}:
        raise Refused(f"REDIS_URL starts with {scheme}://; it can be redis://, rediss:// (TLS) or unix://.")


def redis_problem(url: str) -> str | None:
    """Why Redis does not answer, or None. Refused when it answers and is a cluster."""
    import redis

    try:
        with redis.Redis.from_url(
            url, socket_connect_timeout=_WAIT_SECONDS, socket_timeout=_WAIT_SECONDS, decode_responses=True
        ) as client:
            client.ping()
            if not _is_cluster(client):
                return None
    except (redis.RedisError, ValueError) as error:
        return str(error) or type(error).__name__
    raise Refused(
        "REDIS_URL leads to a Redis Cluster. Live messages use publish/subscribe and scripts over several keys, which "
        "a\ncluster spreads over its nodes. Take one Redis or Valkey without cluster mode."
    )


def _is_cluster(client: object) -> bool:
    import redis

    try:
        return bool(client.info("cluster").get("cluster_enabled"))  # type: ignore[attr-defined]
    except redis.ResponseError as error:  # a user who may not ask
        log.warning("redis does not say whether it is a cluster: %s", error)
        return False


def database_problem(url: str) -> str | None:
    """Why the Postgres does not answer, or None."""
    import psycopg

    try:
        with psycopg.connect("postgresql://" + url.split("://", 1)[1], connect_timeout=_WAIT_SECONDS) as connection:
            connection.execute("SELECT 1")
    except (psycopg.Error, IndexError) as error:
        return str(error).strip() or type(error).__name__
    return None


def trusted_proxies() -> list[str]:
    """The addresses and networks whose X-Forwarded-* headers are believed."""
    names = [name.strip() for name in env.str("FORWARDED_ALLOW_IPS", default="127.0.0.1,::1").split(",")]
    for name in names:
        try:
            ipaddress.ip_network(name)
        except ValueError as error:
            advice = "it would let everybody choose his own address" if name == "*" else str(error)
            raise Refused(
                f"FORWARDED_ALLOW_IPS has {name!r}: {advice}.\n"
                "Name the addresses or networks of your proxies, with commas: 10.0.0.7,172.30.77.0/24"
            ) from None
    return names


def bind(host: str, port: int) -> socket.socket:
    """A listening socket that child processes may share. Refused when it cannot be had."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise Refused(f"Cannot listen on {host}, port {port}: {error.strerror or error}.") from error
    listening.set_inheritable(True)
    return listening


def serve_on(listening: socket.socket, beat: int | None) -> int:
    """Serve here, in this process. `beat`: a pipe to the parent, a byte a second for as long as all is well."""
    options = {**settings.UVICORN, "ws_per_message_deflate": False}
    config = uvicorn.Config(
        "pika.asgi:application",
        log_config=None,
        access_log=False,
        lifespan="off",
        forwarded_allow_ips=trusted_proxies(),
        **options,
    )
    # What uvicorn puts back when it is done: a late signal must not cut the goodbyes short.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    Server(config, beat).run(sockets=[listening])
    _settle()
    return 0


def _settle() -> None:
    from pika.live.broker import broker

    broker().settle()


class Server(uvicorn.Server):
    """Told to stop: /readyz says no, then nobody new is let in, and each phone sends itself away in its slice."""

    def __init__(self, config: uvicorn.Config, beat: int | None) -> None:
        super().__init__(config)
        self.beat = beat
        self.stop_at = math.inf  # time.monotonic

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM or Ctrl-C; the second time at once. (Uvicorn's own would raise the signal again in the end.)"""
        self.ask_to_stop(0.0 if health.stopping else NOTICE_SECONDS if sig == signal.SIGTERM else 0.0)

    def ask_to_stop(self, notice: float) -> None:
        if not health.stopping:
            health.stopping = True
            # Behind the orderly end there is one that nothing can hold up.
            deadline = threading.Timer(END_SECONDS - 1, leave, [0])
            deadline.daemon = True
            deadline.start()
        self.stop_at = min(self.stop_at, time.monotonic() + notice)

    async def on_tick(self, counter: int) -> bool:
        if self.beat is not None and counter % 10 == 0:
            self._beat(self.beat)
        if time.monotonic() >= self.stop_at:
            self.should_exit = True
        return await super().on_tick(counter)

    def _beat(self, pipe: int) -> None:
        try:
            os.write(pipe, b".")
        except BlockingIOError:
            pass  # the parent is busy
        except OSError:  # the parent is gone, and with it whoever would stop us
            self.beat = None
            self.ask_to_stop(NOTICE_SECONDS)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        spare_the_collector()

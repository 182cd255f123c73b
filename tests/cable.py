"""A cable between a program and the server, to be pulled."""

import contextlib
import socket
import threading


class Cable:
    """Forwards TCP from a port of its own to the server's; `pull` cuts everything, `plug` lets it through again."""

    def __init__(self, to_port: int) -> None:
        self.to_port, self.is_plugged = to_port, True
        self._pairs: list[socket.socket] = []
        self._silenced: set[socket.socket] = set()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def pull(self) -> None:
        self.is_plugged = False
        for end in self._pairs:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._pairs.clear()

    def plug(self) -> None:
        self.is_plugged = True

    def silence(self) -> None:
        """What is connected hears nothing more and is not told, as when a router forgets it; new ones get through."""
        self._silenced |= set(self._pairs)

    def close(self) -> None:
        self.pull()
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                if not self.is_plugged:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self.to_port))
                self._pairs += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if source not in self._silenced:
                    sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

"""Keeps one private server alive exactly as long as the process that asked for it. Run as a script.

The asker holds the other end of standard input. When that closes, be it by kill -9, the server is stopped and its
folder removed. The first line on standard input is the order, in JSON:
{"folder": ..., "commands": [[...], ...], "input": ..., "user": null or a user id, "stop": signal number}
All commands but the last run to their end; the last one is the server, and gets `input` on its standard input.
What they say goes to `log` in the folder; a file `exited` appears there when one of them ends before its time.
"""

import json
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

GRACE_SECONDS = 3


class Keeper:
    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.folder = Path(order["folder"])
        self.running: subprocess.Popen[bytes] | None = None
        self.is_left = threading.Event()

    def keep(self) -> None:
        threading.Thread(target=self._stop_when_left, daemon=True).start()
        *first, server = self.order["commands"]
        with open(self.folder / "log", "ab") as log:
            if all(self._run(command, "", log) == 0 for command in first):
                self._run(server, self.order["input"], log)
        if not self.is_left.is_set():
            (self.folder / "exited").touch()
            self.is_left.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, command: list[str], text: str, log: IO[bytes]) -> int:
        if self.is_left.is_set():
            return 1
        user = self.order["user"]
        identity: dict[str, Any] = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        try:
            with subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self.folder, **identity
            ) as self.running:
                self.running.communicate(text.encode())
                return self.running.returncode
        except OSError as error:
            log.write(f"{command[0]}: {error}\n".encode())
            return 1

    def _stop_when_left(self) -> None:
        sys.stdin.read()
        self.is_left.set()
        deadline = time.monotonic() + GRACE_SECONDS
        # Again and again: the next command may be starting at this very moment.
        while True:
            if self.running:
                is_late = time.monotonic() > deadline
                self.running.kill() if is_late else self.running.send_signal(self.order["stop"])
            time.sleep(0.05)


if __name__ == "__main__":
    Keeper(json.loads(sys.stdin.readline())).keep()

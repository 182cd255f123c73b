"""The lines the DJ types while the program runs, read in a thread of their own (works on every system)."""

from __future__ import annotations

import queue
import sys
import threading
from typing import TextIO


class Keyboard:
    """Typed lines, without ever waiting for one."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.is_closed = False
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._stream = stream or sys.stdin
        threading.Thread(target=self._read, daemon=True, name="keyboard").start()

    def lines(self) -> list[str]:
        """The lines typed since the last call, without blanks around them."""
        typed = []
        while not self._lines.empty():
            typed.append(self._lines.get())
        return typed

    def _read(self) -> None:
        try:
            for line in self._stream or ():
                if line.strip():
                    self._lines.put(line.strip())
        except (OSError, ValueError):
            pass  # no terminal: started by a script or without a window
        self.is_closed = True

    def has_lines(self) -> bool:
        """True when a line is waiting to be read."""
        return not self._lines.empty()

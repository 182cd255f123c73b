"""A lock that the operating system lets go of when its holder dies, however it dies."""

import os
import time
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# Windows locks bytes, and nobody else can read a locked byte: lock one far behind the text.
_FAR_BEHIND = 1 << 30


def hold(path: Path, *, wait: bool = False) -> IO[str] | None:
    """Hold `path` until the returned file is closed or this process ends, kill -9 included.

    None when another process holds it; with `wait` it waits for its turn. Creates the file; OSError when it cannot.
    """
    # Not "w": it would wipe what the holder wrote about itself.
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8")
    while not _try_lock(file):
        if not wait:
            file.close()
            return None
        time.sleep(0.05)
    return file


def write(file: IO[str], text: str) -> None:
    """Leave a word in a held file for those who are turned away."""
    file.seek(0)
    file.truncate()
    file.write(text)
    file.flush()


def _try_lock(file: IO[str]) -> bool:
    try:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            file.seek(_FAR_BEHIND)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
            file.seek(0)
    except (BlockingIOError, PermissionError):  # held: the words of POSIX, of Windows
        return False
    return True

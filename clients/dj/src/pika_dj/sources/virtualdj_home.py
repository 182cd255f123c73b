"""Where VirtualDJ keeps its things, and what its settings and database say."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from pika_dj.sources.virtualdj import unescape

USUAL_DELAY_S = 45
SONG = re.compile(r'<Song\b[^>]*?\bFilePath="([^"]*)"(.*?)(?:</Song>|(?=<Song\b)|\Z)', re.DOTALL)
SCAN_BPM = re.compile(r'<Scan\b[^>]*?\bBpm="([0-9.]{1,12})"')


def find_home() -> Path | None:
    """VirtualDJ's home folder on this computer, or None."""
    return next((home for home in usual_homes() if (home / "History").is_dir()), None)


def usual_homes() -> list[Path]:
    """The places to look, the surest first. The user can have moved it: then the Windows registry knows."""
    user = Path.home()
    if sys.platform == "win32":
        local = Path(os.environ.get("LOCALAPPDATA") or user / "AppData" / "Local")
        return [*_registered(), local / "VirtualDJ", user / "Documents" / "VirtualDJ"]
    support = user / "Library" / "Application Support" / "VirtualDJ"
    return [support, user / "Documents" / "VirtualDJ"]


def history_of(folder: Path) -> Path:
    """The history folder, whether the home folder was given or the history folder itself."""
    inside = folder / "History"
    return inside if inside.is_dir() else folder


def history_delay_s(home: Path) -> int | None:
    """Seconds until VirtualDJ writes a play down (settings.xml, `historyDelay`); 45 when it is not set.
    None when there are no settings to read."""
    try:
        text = (home / "settings.xml").read_bytes().decode("utf-8", "replace")
    except OSError:
        return None
    found = re.search(r'historyDelay(?:>|=")\s*([0-9]{1,6})', text, re.IGNORECASE)
    return int(found.group(1)) if found else USUAL_DELAY_S


def bpm_by_path(home: Path) -> dict[str, float]:
    """Beats per minute of the songs in database.xml by their casefolded path. Empty without database.

    VirtualDJ writes seconds per beat there, so 0.5 is 120; 10 and more is a BPM already.
    """
    try:
        text = (home / "database.xml").read_bytes().decode("utf-8", "replace")
    except OSError:
        return {}
    found = {}
    for path, rest in SONG.findall(text):
        if (scan := SCAN_BPM.search(rest)) and (bpm := to_bpm(scan.group(1))):
            found[unescape(path).casefold()] = bpm
    return found


def to_bpm(written: str) -> float | None:
    """Beats per minute from a `Bpm` of database.xml."""
    try:
        value = float(written)
    except ValueError:
        return None
    if value <= 0:
        return None
    return round(value if value >= 10 else 60 / value, 2)


def _registered() -> list[Path]:
    if sys.platform != "win32":
        return []
    import winreg

    try:
        with winreg.OpenKey(winreg.HKEY_CURRENT_USER, r"Software\VirtualDJ") as key:
            return [Path(str(winreg.QueryValueEx(key, "HomeFolder")[0]))]
    except OSError:
        return []

"""The browser of the journeys: whichever Chromium this machine has."""

import os
import shutil
import sys
from pathlib import Path

_NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)
_PLACES = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
_WINDOWS_PLACES = (
    "Chromium/Application/chrome.exe",
    "Google/Chrome/Application/chrome.exe",
    "Microsoft/Edge/Application/msedge.exe",
)
# What `playwright install chromium` downloads.
_PLAYWRIGHT = {"win32": "~/AppData/Local/ms-playwright", "darwin": "~/Library/Caches/ms-playwright"}
_PLAYWRIGHT_FILES = (
    "chromium-*/chrome-*/chrome",
    "chromium-*/chrome-*/chrome.exe",
    "chromium-*/chrome-*/*.app/Contents/MacOS/*",
)


def chromium() -> Path | None:
    """The Chromium to run: PIKA_CHROMIUM, else one on the PATH, else one in a usual place; None without any.

    A PIKA_CHROMIUM that is not there gives None as well: whoever names a browser wants that one.
    """
    named = os.environ.get("PIKA_CHROMIUM")
    if named:
        found = shutil.which(named)
        return Path(found) if found else None
    for name in _NAMES:
        if found := shutil.which(name):
            return Path(found)
    return next((place for place in _usual_places() if place.is_file()), None)


def _usual_places() -> list[Path]:
    places = [Path(place) for place in _PLACES] if sys.platform == "darwin" else []
    for variable in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
        if folder := os.environ.get(variable):
            places += [Path(folder, place) for place in _WINDOWS_PLACES]
    cache = os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or _PLAYWRIGHT.get(sys.platform, "~/.cache/ms-playwright")
    for pattern in _PLAYWRIGHT_FILES:
        places += sorted(Path(cache).expanduser().glob(pattern), reverse=True)
    return places

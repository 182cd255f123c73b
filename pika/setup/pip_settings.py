"""What the user told pip, said again in the words of uv, which reads neither pip.conf nor PIP_ variables."""

import configparser
import os
import sys
from pathlib import Path


def uv_environment() -> dict[str, str]:
    """The environment to run uv in: this one, and what pip was told wherever uv was told nothing."""
    pip = told_pip()
    words = {
        "UV_INDEX_URL": pip.get("index-url"),
        "UV_EXTRA_INDEX_URL": _joined(pip, "extra-index-url", " "),
        "UV_FIND_LINKS": _joined(pip, "find-links", ","),
        "UV_NO_INDEX": pip.get("no-index"),
        "UV_INSECURE_HOST": _joined(pip, "trusted-host", " "),
        "UV_HTTP_TIMEOUT": pip.get("timeout") or pip.get("default-timeout"),
        "SSL_CERT_FILE": pip.get("cert"),
        "ALL_PROXY": pip.get("proxy"),
    }
    if "extra-index-url" in pip:
        # As pip does: look everywhere. Safe here, for every file is locked by its hash.
        words["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    if os.environ.get("UV_DEFAULT_INDEX"):
        words.pop("UV_INDEX_URL")
    return {name: value for name, value in words.items() if value} | dict(os.environ)


def told_pip() -> dict[str, str]:
    """Only what somebody set, by pip's precedence: variables over the site's file, the user's, the system's."""
    told: dict[str, str] = {}
    for file in _files():
        parser = configparser.RawConfigParser()
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue  # pip will say it better if it matters
        for section in ("global", "install"):
            if parser.has_section(section):
                told.update((key.replace("_", "-"), value) for key, value in parser.items(section))
    for name, value in os.environ.items():
        if name.startswith("PIP_") and value:
            told[name[4:].lower().replace("_", "-")] = value
    return told


def _files() -> list[Path]:
    """Where pip looks, weakest first: https://pip.pypa.io/en/stable/topics/configuration/."""
    chosen = os.environ.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return []
    home = Path.home()
    if sys.platform == "win32":
        folders = [os.environ.get("PROGRAMDATA"), str(home), os.environ.get("APPDATA")]
        files = [Path(folder) / "pip" / "pip.ini" for folder in folders if folder]
        site = Path(sys.prefix) / "pip.ini"
    else:
        config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
        files = [Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf"), home / ".pip" / "pip.conf"]
        if sys.platform == "darwin":
            files.insert(0, Path("/Library/Application Support/pip/pip.conf"))
            files.append(home / "Library" / "Application Support" / "pip" / "pip.conf")
        files.append(config / "pip" / "pip.conf")
        site = Path(sys.prefix) / "pip.conf"
    return [*files, site, *([Path(chosen)] if chosen else [])]


def _joined(pip: dict[str, str], key: str, glue: str) -> str:
    return glue.join(pip.get(key, "").split())

"""What the program remembers between two evenings: the server, the token and the DJ's habits."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from urllib.parse import urlsplit

from pika_dj.screen import Trouble

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass
class Settings:
    """The settings file. Unknown names in it are ignored, so that an older program reads a newer file."""

    server: str = ""
    token: str = field(default="", repr=False)
    after_s: float = 15.0
    folder: str = ""
    plugin_password: str = field(default="", repr=False)
    listener_secret: str = field(default="", repr=False)

    @classmethod
    def load(cls) -> Settings:
        """The stored settings; PIKA_DJ_SERVER and PIKA_DJ_TOKEN go before them. Raises Trouble."""
        try:
            stored = json.loads(settings_file().read_text("utf-8"))
            known = {f.name: stored[f.name] for f in fields(cls) if f.name in stored}
            settings = cls(**known)
        except FileNotFoundError:
            settings = cls()
        except (OSError, ValueError, TypeError) as error:
            raise Trouble(f"The settings file cannot be read: {settings_file()}. Log in again.") from error
        settings.server = os.environ.get("PIKA_DJ_SERVER") or settings.server
        settings.token = os.environ.get("PIKA_DJ_TOKEN") or settings.token
        return settings

    def save(self) -> None:
        """Write all or nothing, readable by this user alone where the system knows such a thing."""
        target = settings_file()
        draft = target.with_suffix(".draft")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.unlink(missing_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(asdict(self), file, indent=2)
            os.replace(draft, target)
        except OSError as error:
            raise Trouble(f"The settings cannot be written to {target}: {error.strerror}") from error

    def require_login(self) -> None:
        """Raises Trouble when there is no server or no token yet."""
        if not self.server or not self.token:
            raise Trouble("You are not logged in. Run: pika-dj login")
        self.server = server_address(self.server)


def home() -> Path:
    """The folder of everything this program stores; PIKA_DJ_HOME moves it."""
    if chosen := os.environ.get("PIKA_DJ_HOME"):
        return Path(chosen)
    user = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or user / "AppData" / "Roaming") / "pika-dj"
    if sys.platform == "darwin":
        return user / "Library" / "Application Support" / "pika-dj"
    return Path(os.environ.get("XDG_CONFIG_HOME") or user / ".config") / "pika-dj"


def settings_file() -> Path:
    """Where the settings are."""
    return home() / "settings.json"


def server_address(typed: str) -> str:
    """The server's address as this program uses it, from what a person types. Raises Trouble.

    Without a scheme it is https, except on this very computer.
    """
    typed = typed.strip()
    if "://" not in typed:
        host = typed.split("/")[0].split(":")[0]
        typed = f"{'http' if host in LOOPBACK else 'https'}://{typed}"
    try:
        parts = urlsplit(typed)
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_right = False
    if not is_right or parts.username or parts.query or parts.fragment:
        raise Trouble(f"This is not a server address: {typed}. It looks like https://pika.example.org")
    return typed.rstrip("/")


def is_open_line(server: str) -> bool:
    """True when the token would travel unencrypted over a network."""
    parts = urlsplit(server)
    return parts.scheme == "http" and parts.hostname not in LOOPBACK

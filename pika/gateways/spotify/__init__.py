"""Spotify, for a deployment that has a client id of its own; the only place for spotipy. See docs/spotify.md.

`connect(token)` is one account, `oauth()` is how people link theirs. `PIKA_SPOTIFY=fake` gives stand-ins that play
Spotify without a network, for development and the demo.
"""

import base64
import hashlib
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks

from pika.gateways.spotify.shapes import (
    Account,
    Away,
    Forbidden,
    Found,
    Gone,
    NeedsRelink,
    Playlist,
    Refused,
    Row,
    SpotifyError,
    Stale,
    Throttled,
    Tokens,
    Unknown,
)

if TYPE_CHECKING:
    from pika.gateways.spotify.real import Spotify
    from pika.gateways.spotify.tokens import OAuth

__all__ = [
    "Account",
    "Away",
    "Forbidden",
    "Found",
    "Gone",
    "NeedsRelink",
    "Playlist",
    "Refused",
    "Row",
    "SpotifyError",
    "Stale",
    "Throttled",
    "Tokens",
    "Unknown",
]

READ = "playlist-read-private"
WRITE_PUBLIC, WRITE_PRIVATE = "playlist-modify-public", "playlist-modify-private"
SCOPES = (READ, "playlist-read-collaborative", WRITE_PUBLIC, WRITE_PRIVATE)
A_WRITE, A_PAGE, MOST_ROWS = 100, 50, 10_000


def is_fake() -> bool:
    return bool(settings.SPOTIFY == "fake")


def is_configured() -> bool:
    """Whether this server can link anybody at all."""
    return bool(settings.FIELD_KEYS) and (is_fake() or bool(settings.SPOTIFY_CLIENT_ID and settings.SPOTIFY_SECRET))


def connect(token: str, login: str = "") -> "Spotify":
    """The account behind this access token, whose `Account.login` it is; no call is made yet."""
    from pika.gateways.spotify.fake import FakeSpotify
    from pika.gateways.spotify.real import RealSpotify

    return FakeSpotify(token, login) if is_fake() else RealSpotify(token, login)


def oauth() -> "OAuth":
    from pika.gateways.spotify.fake import FakeOAuth
    from pika.gateways.spotify.tokens import RealOAuth

    return FakeOAuth() if is_fake() else RealOAuth()


def new_verifier() -> str:
    """PKCE: what only the browser that began knows (RFC 7636, 43 characters)."""
    return secrets.token_urlsafe(32)


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def is_good_redirect(address: str) -> bool:
    """Where Spotify agrees to send people back: https, or this machine by its number."""
    its = urlsplit(address)
    return its.scheme == "https" or (its.scheme == "http" and its.hostname in {"127.0.0.1", "::1"})


@checks.register
def check_settings(app_configs: Any, **options: Any) -> list[checks.CheckMessage]:
    """What is set and cannot be right; to set nothing is to have no Spotify."""
    found: list[checks.CheckMessage] = []
    if settings.SPOTIFY not in {"", "fake"}:
        found.append(checks.Error("PIKA_SPOTIFY is `fake`, or empty.", id="pika.E003"))
    if bool(settings.SPOTIFY_CLIENT_ID) != bool(settings.SPOTIFY_SECRET):
        words = "PIKA_SPOTIFY_CLIENT_ID and PIKA_SPOTIFY_CLIENT_SECRET go together: one of them is empty."
        found.append(checks.Error(words, id="pika.E004"))
    if (settings.SPOTIFY_CLIENT_ID or is_fake()) and not settings.FIELD_KEYS:
        words = "Spotify needs PIKA_FIELD_KEYS, the keys that people's Spotify tokens are encrypted with."
        found.append(checks.Error(words, id="pika.E005"))
    return found

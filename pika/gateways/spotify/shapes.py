"""What Spotify has, and what can go wrong with it, in our words."""

from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext


# --- What can go wrong -----------------------------------------------------------------------------------------
class SpotifyError(Exception):
    """Something Spotify did not do; `words` are for the person."""

    @property
    def words(self) -> str:
        return str(self)


class NeedsRelink(SpotifyError):
    """The refresh token is dead (six months, or the app was removed), or the login was refused."""


class Away(SpotifyError):
    """Not now, and nothing was changed: too many calls, or a question nobody answered. Again in `retry_after` s."""

    def __init__(self, words: str, retry_after: float) -> None:
        super().__init__(words)
        self.retry_after = retry_after


class Throttled(Away):
    """429: too many calls, or the quota is used up; which may last hours."""


class Unknown(SpotifyError):
    """A change that Spotify has made, or has not: 5xx, a time-out, a connection cut. Read back before going on."""


class Forbidden(SpotifyError):
    """What this app, or this account, may not do. Trying again will not help."""


class Gone(SpotifyError):
    """Spotify does not have it (any more)."""


class Refused(SpotifyError):
    """Spotify says that we asked wrongly (4xx)."""


class Stale(SpotifyError):
    """The access token does not hold (any more); a fresh one may."""


def away(seconds: float, is_quota: bool = False) -> Throttled:
    """429, in words."""
    if is_quota:
        return Throttled(gettext("Spotify's quota for this app is used up for now. Pika! goes on by itself."), seconds)
    return Throttled(gettext("Spotify asks us to wait. Pika! goes on by itself."), seconds)


def no_answer() -> Away:
    return Away(gettext("Spotify does not answer. Pika! tries again by itself."), 20)


def unknown() -> Unknown:
    return Unknown(gettext("Spotify did not say whether it did it. Pika! looks, and goes on by itself."))


# --- What there is ---------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Tokens:
    """`refresh` is empty where the answer had none: the one before still holds."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    scopes: str  # as granted, with spaces
    expires_at: datetime


@dataclass(frozen=True)
class Account:
    id: str  # `account_id`, which never changes; `id` where there is none
    login: str  # `id`, by which older paths call the account
    name: str


@dataclass(frozen=True)
class Found:
    """A track of Spotify's catalogue."""

    id: str
    title: str
    artist: str
    album: str = ""
    isrc: str = ""
    duration_ms: int | None = None
    cover: str = ""

    @property
    def url(self) -> str:
        return f"https://open.spotify.com/track/{self.id}"


@dataclass(frozen=True)
class Row:
    """A line of a playlist. `uri` is empty for one Spotify shows no track for."""

    uri: str
    title: str = ""
    added_at: str = ""
    is_local: bool = False

    @property
    def is_addable(self) -> bool:
        """Whether it could be put back once it is out."""
        return self.uri.startswith(("spotify:track:", "spotify:episode:")) and not self.is_local


@dataclass(frozen=True)
class Playlist:
    id: str
    name: str
    description: str
    snapshot_id: str
    url: str

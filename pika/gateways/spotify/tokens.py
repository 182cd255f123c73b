"""Linking an account: authorization code with PKCE and state, and fresh tokens after that."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlencode

import requests
from django.conf import settings
from django.utils.translation import gettext

from pika.gateways.spotify import SCOPES
from pika.gateways.spotify.shapes import NeedsRelink, Refused, SpotifyError, Tokens, away, no_answer

log = logging.getLogger(__name__)


class OAuth(Protocol):
    """The face of the real one and of the fake."""

    def address(self, state: str, challenge: str, redirect_uri: str) -> str:
        """Where the person says yes or no."""

    def exchange(self, code: str, verifier: str, redirect_uri: str) -> Tokens:
        """The code they came back with, for tokens. A code works once."""

    def refresh(self, refresh_token: str) -> Tokens:
        """A fresh access token; NeedsRelink when the refresh token is dead."""


class RealOAuth:
    """Over accounts.spotify.com. spotipy's own has no PKCE beside a secret, keeps tokens in files and logs them."""

    def address(self, state: str, challenge: str, redirect_uri: str) -> str:
        asked = {
            "client_id": settings.SPOTIFY_CLIENT_ID,
            "response_type": "code",
            "redirect_uri": redirect_uri,
            "scope": " ".join(SCOPES),
            "state": state,
            "code_challenge_method": "S256",
            "code_challenge": challenge,
            "show_dialog": "true",  # a shared laptop: whose account it is must be seen
        }
        return f"{settings.SPOTIFY_ACCOUNTS_URL}/authorize?{urlencode(asked)}"

    def exchange(self, code: str, verifier: str, redirect_uri: str) -> Tokens:
        its = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return self._ask(its | {"code_verifier": verifier})

    def refresh(self, refresh_token: str) -> Tokens:
        return self._ask({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def _ask(self, fields: dict[str, str]) -> Tokens:
        address = f"{settings.SPOTIFY_ACCOUNTS_URL}/api/token"
        try:
            with new_session() as session:
                answer = session.post(
                    address,
                    data=fields,
                    auth=(settings.SPOTIFY_CLIENT_ID, settings.SPOTIFY_SECRET),
                    timeout=settings.SPOTIFY_TIMEOUT,
                )
            its = answer.json() if answer.content else {}
        except (requests.RequestException, ValueError) as error:
            log.info("spotify: no token: %s", type(error).__name__)
            raise no_answer() from None  # the error quotes what we sent
        its = its if isinstance(its, dict) else {}
        if answer.status_code == 200 and its.get("access_token"):
            return tokens_of(its)
        raise _refusal(answer, its, fields["grant_type"])


def tokens_of(its: dict[str, Any]) -> Tokens:
    """As the token answer says; what was granted may be less than what was asked for."""
    seconds = max(0, int(its.get("expires_in") or 3600))
    return Tokens(
        access=str(its["access_token"]),
        refresh=str(its.get("refresh_token") or ""),
        scopes=str(its.get("scope") or ""),
        expires_at=datetime.now(UTC) + timedelta(seconds=seconds),
    )


def _refusal(answer: requests.Response, its: dict[str, Any], grant: str) -> SpotifyError:
    code = str(its.get("error") or "")
    log.info("spotify: no token for %s: %s %s", grant, answer.status_code, code[:40])
    if answer.status_code == 429:
        return away(seconds_of(answer.headers.get("Retry-After")))
    if answer.status_code >= 500:
        return no_answer()
    if code == "invalid_grant" and grant == "refresh_token":
        return NeedsRelink(
            gettext(
                "Your permission has ended: it lasts six months, or was taken back on Spotify. Link your account again."
            )
        )
    if code == "invalid_grant":
        return Refused(gettext("Spotify's answer was used already, or is too old. Press “Link” once more."))
    if code == "invalid_client":
        return Refused(gettext("Spotify does not know this server's client id and secret. Its operator has to look."))
    return Refused(gettext("Spotify refused to link the account. Please try again later."))


def seconds_of(retry_after: str | None, otherwise: float = 60) -> float:
    """Retry-After, which may be hours; at least one second, at most a week."""
    text = (retry_after or "").strip()
    return float(min(max(int(text[:9]), 1), 7 * 24 * 3600)) if text.isdecimal() and text.isascii() else otherwise


def new_session() -> requests.Session:
    """Without retries, which would repeat what may have been done; without redirects, and a stranger's ~/.netrc."""
    session = requests.Session()
    session.max_redirects = 0
    session.auth = lambda request: request  # type: ignore[assignment]
    return session

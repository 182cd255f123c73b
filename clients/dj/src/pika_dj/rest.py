"""The server's REST API, and its answers as four kinds of trouble. Standard library only."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any
from urllib.parse import quote

from pika_dj import VERSION
from pika_dj.tracks import to_iso, utc_now

TIMEOUT_S = 15.0
LONGEST_PAUSE_S = 300.0
LARGEST_ANSWER = 4_000_000


class Unreachable(Exception):
    """No answer, or none from Pika!: a hotel's login page, a proxy, a server that is starting. Try again."""


class Busy(Exception):
    """The server asks for a pause of `retry_after_s` seconds; its words may say what the DJ can do."""

    def __init__(self, retry_after_s: float, words: str = "") -> None:
        super().__init__(words or "The server is busy.")
        self.retry_after_s = retry_after_s


class TokenRefused(Exception):
    """The token is unknown, withdrawn, or not made for this. Nothing works until the DJ logs in again."""

    words = "The server does not accept your token any more. Make a new one on the website, then: pika-dj login"


class Refused(Exception):
    """The server understood and says no; asking the same again gives the same answer."""

    def __init__(self, status: int, code: str, message: str, fields: dict[str, Any] | None = None) -> None:
        details = "; ".join(f"{name}: {_words(value)}" for name, value in (fields or {}).items())
        super().__init__(" ".join(part for part in (message, f"({details})" if details else "") if part))
        self.status = status
        self.code = code


class Api:
    """One server, asked as one DJ. Every method raises Unreachable, Busy, TokenRefused or Refused."""

    def __init__(self, server: str, token: str) -> None:
        self.server = server.rstrip("/")
        self._token = token
        # Without redirects: following one would hand the token to whoever the redirect names.
        self._opener = urllib.request.build_opener(_NoRedirect())

    def me(self) -> dict[str, Any]:
        """Who the token belongs to: name, email, scopes, serverTime."""
        return self.ask("GET", "/me")

    def open_session(self, session: dict[str, object]) -> dict[str, Any]:
        """Start the session, or get it again while it is live. Refused 404: no such stage; 409: over."""
        return self.ask("POST", "/sessions", session)

    def send_plays(self, session_id: str, plays: Sequence[dict[str, object]]) -> list[dict[str, Any]]:
        """Record up to 100 plays; one result per play, in the same order."""
        body = {"sentAt": to_iso(utc_now()), "plays": plays}
        results = self.ask("POST", f"/sessions/{quote(session_id, safe='')}/plays", body).get("results")
        if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
            raise Unreachable("an answer without results")
        return results

    def hide(self, session_id: str, play_id: str, is_hidden: bool) -> None:
        """Take a play away from everything the public sees, or give it back."""
        self.ask(*hide_request(session_id, play_id, is_hidden))

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One request below /api/v1; its JSON object."""
        request = urllib.request.Request(f"{self.server}/api/v1{path}", method=method, headers=self._headers())
        if body is not None:
            request.data = json.dumps(body, ensure_ascii=False).encode("utf-8")
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                return _json_object(response.read(LARGEST_ANSWER))
        except urllib.error.HTTPError as error:
            with error:
                raise _trouble(error) from error
        except (OSError, HTTPException) as error:
            raise Unreachable(str(getattr(error, "reason", error))) from error

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": f"pika-dj/{VERSION}",
        }


def hide_request(session_id: str, play_id: str, is_hidden: bool) -> tuple[str, str, dict[str, Any]]:
    """The request that hides a play, to send now or to keep for later."""
    path = f"/sessions/{quote(session_id, safe='')}/plays/{quote(play_id, safe='')}/hide"
    return "POST", path, {"hidden": is_hidden}


def end_request(session_id: str) -> tuple[str, str, dict[str, Any]]:
    """The request that ends a session."""
    return "POST", f"/sessions/{quote(session_id, safe='')}/end", {}


def pause_request(session_id: str, is_paused: bool) -> tuple[str, str, dict[str, Any]]:
    """The request that pauses publishing, or goes on with it."""
    return "PATCH", f"/sessions/{quote(session_id, safe='')}", {"isPaused": is_paused}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object, **_kwargs: object) -> None:
        return None


def _trouble(error: urllib.error.HTTPError) -> Exception:
    try:
        answer = _json_object(error.read(LARGEST_ANSWER))
    except (Unreachable, OSError, HTTPException):
        answer = {}
    said = answer.get("error")
    if error.code == 401:
        return TokenRefused(TokenRefused.words)
    if error.code in (429, 503):
        wanted = said.get("retryAfter") if isinstance(said, dict) else None
        pause = _pause(wanted if wanted is not None else error.headers.get("Retry-After"))
        return Busy(pause, str(said.get("message", "")) if isinstance(said, dict) else "")
    if error.code == 403 and isinstance(said, dict):
        return TokenRefused(f"{said.get('message')} Make a new token on the website, then: pika-dj login")
    # Only an answer in our own shape is Pika! speaking. Anything else (a hotel's login page, a proxy) must
    # not make a play "rejected": it would be lost.
    if isinstance(said, dict) and 400 <= error.code < 500:
        fields = said.get("fields")
        return Refused(
            error.code,
            str(said.get("code", "")),
            str(said.get("message", "")) or f"status {error.code}",
            fields if isinstance(fields, dict) else None,
        )
    return Unreachable(f"status {error.code}")


def _pause(wanted: object) -> float:
    """Seconds from a number or from an HTTP date, never more than five minutes; 5 when nothing is said."""
    try:
        seconds = float(str(wanted))
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(str(wanted)) - utc_now()).total_seconds()
        except (ValueError, TypeError):
            seconds = 5.0
    return min(max(seconds, 0.1), LONGEST_PAUSE_S) if seconds == seconds else 5.0


def _json_object(data: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(data or b"{}")
    except (ValueError, RecursionError) as error:
        raise Unreachable("an answer that is not from Pika!") from error
    if not isinstance(answer, dict):
        raise Unreachable("an answer that is not from Pika!")
    return answer


def _words(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)

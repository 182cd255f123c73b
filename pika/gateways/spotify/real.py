"""One account on Spotify, through spotipy: no retries, no sleeping, every error one of ours.

Since February 2026 an app in development has new paths (`/items`, `POST /me/playlists`) and gets 403 for the old
ones; an app with extended quota may still have only the old. Which, is found out with the first call.
"""

import logging
import re
from collections.abc import Callable
from typing import Any, Protocol

import requests
import spotipy
from django.conf import settings
from django.utils.translation import gettext

from pika.gateways.spotify import A_PAGE
from pika.gateways.spotify.shapes import (
    Account,
    Forbidden,
    Found,
    Gone,
    Playlist,
    Refused,
    Row,
    SpotifyError,
    Stale,
    away,
    no_answer,
    unknown,
)
from pika.gateways.spotify.tokens import new_session, seconds_of

log = logging.getLogger(__name__)
logging.getLogger("spotipy.client").setLevel(logging.CRITICAL)  # its debug lines are tokens

SPOTIFY_ID = re.compile(r"[0-9A-Za-z]{22}")
# API address → whether this app has the new paths; unknown until a path has worked.
_is_new: dict[str, bool] = {}


class Spotify(Protocol):
    """The face of the real one and of the fake. Everything may raise a SpotifyError."""

    def me(self) -> Account:
        """Whose token it is."""

    def search(self, words: str, limit: int = 10) -> list[Found]:
        """Tracks, best first; at most ten."""

    def track(self, spotify_id: str) -> Found:
        """One track; Gone if it is not there."""

    def playlist(self, playlist_id: str) -> Playlist:
        """Its name and its snapshot, without rows."""

    def page(self, playlist_id: str, offset: int) -> tuple[list[Row], int]:
        """Up to A_PAGE rows from there, and how many there are."""

    def newest(self) -> list[Playlist]:
        """The account's playlists, the newest first; one page."""

    def create(self, name: str, description: str, is_public: bool) -> Playlist:
        """An empty one."""

    def put(self, playlist_id: str, uris: list[str]) -> str:
        """These (at most A_WRITE) instead of what is in it; its new snapshot."""

    def post(self, playlist_id: str, uris: list[str], position: int) -> str:
        """These (at most A_WRITE) before that row; its new snapshot."""

    def move(self, playlist_id: str, start: int, length: int, before: int) -> str:
        """`length` rows from `start` to before the row that is `before` now; its new snapshot."""


class RealSpotify:
    """See `Spotify`."""

    def __init__(self, token: str, login: str = "") -> None:
        if not token:
            raise ValueError("no token: spotipy would ask at the keyboard")
        self._api = spotipy.Spotify(
            auth=token, requests_session=new_session(), requests_timeout=settings.SPOTIFY_TIMEOUT
        )
        self._api.prefix = f"{settings.SPOTIFY_API_URL}/"
        self._login = login

    # --- Questions -------------------------------------------------------------------------------------------
    def me(self) -> Account:
        its = self._read("me")
        self._login = str(its.get("id") or "")
        its_id = str(its.get("account_id") or its.get("id") or "")
        if not its_id:
            raise no_answer()
        return Account(its_id, self._login, str(its.get("display_name") or self._login)[:200])

    def search(self, words: str, limit: int = 10) -> list[Found]:
        its = self._read("search", q=words[:250], type="track", limit=max(1, min(limit, 10)), offset=0)
        return [_found(track) for track in its.get("tracks", {}).get("items") or [] if track and track.get("id")]

    def track(self, spotify_id: str) -> Found:
        if not SPOTIFY_ID.fullmatch(spotify_id):
            raise Gone(gettext("This is not the id of a track on Spotify."))
        its = self._read(f"tracks/{spotify_id}")
        if not its.get("id"):
            raise Gone(gettext("Spotify does not have this track any more."))
        return _found(its)

    def playlist(self, playlist_id: str) -> Playlist:
        its = self._read(f"playlists/{playlist_id}", fields="id,name,description,snapshot_id,external_urls")
        return _playlist(its)

    def page(self, playlist_id: str, offset: int) -> tuple[list[Row], int]:
        its = self._of_items(playlist_id, lambda path: self._read(path, limit=A_PAGE, offset=offset))
        return [_row(row) for row in its.get("items") or []], int(its.get("total") or 0)

    def newest(self) -> list[Playlist]:
        its = self._read("me/playlists", limit=A_PAGE, offset=0)
        return [_playlist(one) for one in its.get("items") or [] if one]

    # --- Changes -----------------------------------------------------------------------------------------------
    def create(self, name: str, description: str, is_public: bool) -> Playlist:
        about = {"name": name, "description": description, "public": is_public, "collaborative": False}

        def make(is_new: bool) -> Any:
            if is_new:
                return self._write(self._api._post, "me/playlists", about)
            return self._write(self._api._post, f"users/{self._login or self.me().login}/playlists", about)

        its = self._either(make)
        if not its.get("id"):
            raise unknown()
        return _playlist(its)

    def put(self, playlist_id: str, uris: list[str]) -> str:
        return self._snapshot(playlist_id, self._api._put, {"uris": uris})

    def post(self, playlist_id: str, uris: list[str], position: int) -> str:
        return self._snapshot(playlist_id, self._api._post, {"uris": uris, "position": position})

    def move(self, playlist_id: str, start: int, length: int, before: int) -> str:
        its = {"range_start": start, "range_length": length, "insert_before": before}
        return self._snapshot(playlist_id, self._api._put, its)

    # --- How -----------------------------------------------------------------------------------------------------
    def _snapshot(self, playlist_id: str, method: Callable[..., Any], body: dict[str, Any]) -> str:
        its = self._of_items(playlist_id, lambda path: self._write(method, path, body))
        return str(its.get("snapshot_id") or "")

    def _of_items(self, playlist_id: str, ask: Callable[[str], Any]) -> Any:
        return self._either(lambda is_new: ask(f"playlists/{playlist_id}/{'items' if is_new else 'tracks'}"))

    def _either(self, ask: Callable[[bool], Any]) -> Any:
        """The new path; the old one where this app has no new ones. What was refused with 403 was not done."""
        key = settings.SPOTIFY_API_URL
        if key in _is_new:
            return ask(_is_new[key])
        try:
            its, is_new = ask(True), True
        except Forbidden:
            its, is_new = ask(False), False
        _is_new[key] = is_new
        return its

    def _read(self, path: str, **params: Any) -> dict[str, Any]:
        its = self._call(self._api._get, path, is_write=False, **params)
        if not isinstance(its, dict):
            raise no_answer()
        return its

    def _write(self, method: Callable[..., Any], path: str, body: dict[str, Any]) -> dict[str, Any]:
        its = self._call(method, path, is_write=True, payload=body)
        if not isinstance(its, dict):
            raise unknown()
        return its

    def _call(self, method: Callable[..., Any], path: str, is_write: bool, **its: Any) -> Any:
        """`from None` everywhere: errors of requests quote what was sent."""
        try:
            return method(path, **its)
        except spotipy.SpotifyException as error:
            problem = _problem(error, is_write)
            log.info("spotify: %s: %s %s", path.split("?")[0], error.http_status, type(problem).__name__)
            raise problem from None
        except requests.exceptions.ConnectionError as error:
            log.info("spotify: %s: %s", path.split("?")[0], type(error).__name__)
            if isinstance(error, requests.exceptions.ConnectTimeout):  # nothing was sent
                raise no_answer() from None
            raise (unknown() if is_write else no_answer()) from None
        except (requests.exceptions.RequestException, AttributeError, TypeError) as error:
            # AttributeError: an error's body that is JSON and not what spotipy expects.
            log.info("spotify: %s: %s", path.split("?")[0], type(error).__name__)
            raise (unknown() if is_write else no_answer()) from None


def _problem(error: spotipy.SpotifyException, is_write: bool) -> SpotifyError:
    status, reason = error.http_status, str(error.reason or "")
    if status == 429:
        return away(seconds_of((error.headers or {}).get("Retry-After")), reason == "QUOTA_EXCEEDED")
    if status == 401:
        return Stale(gettext("Spotify does not accept our permission any more."))
    if status == 403:
        return Forbidden(
            gettext(
                "Spotify does not let this app do that. In development mode an app works for five people whom its "
                "owner listed, and only with playlists of their own."
            )
        )
    if status in {404, 410}:
        return Gone(gettext("Spotify does not have this any more."))
    if status >= 500 or status < 400:
        return unknown() if is_write else no_answer()
    return Refused(gettext("Spotify refused this (%(status)s).") % {"status": status})


def _found(its: dict[str, Any]) -> Found:
    album = its.get("album") or {}
    images = [image for image in album.get("images") or [] if image and image.get("url")]
    return Found(
        id=str(its["id"]),
        title=str(its.get("name") or ""),
        artist=", ".join(str(artist.get("name") or "") for artist in its.get("artists") or [] if artist),
        album=str(album.get("name") or ""),
        isrc=str((its.get("external_ids") or {}).get("isrc") or ""),
        duration_ms=its.get("duration_ms"),
        cover=str(images[0]["url"]) if images else "",
    )


def _playlist(its: dict[str, Any]) -> Playlist:
    if not its.get("id"):
        raise no_answer()
    return Playlist(
        id=str(its["id"]),
        name=str(its.get("name") or ""),
        description=str(its.get("description") or ""),
        snapshot_id=str(its.get("snapshot_id") or ""),
        url=str((its.get("external_urls") or {}).get("spotify") or f"https://open.spotify.com/playlist/{its['id']}"),
    )


def _row(its: dict[str, Any]) -> Row:
    track = (its or {}).get("item") or (its or {}).get("track") or {}
    return Row(
        uri=str(track.get("uri") or ""),
        title=str(track.get("name") or ""),
        added_at=str((its or {}).get("added_at") or ""),
        is_local=bool((its or {}).get("is_local") or track.get("is_local")),
    )

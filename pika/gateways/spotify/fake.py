"""An account that is none, for development and the demo: the faces of `real` and `tokens`, kept in Django's cache.

It finds whatever one asks for. Tests do not use it: they speak to a server, see tests/spotify/standin.py.
"""

import hashlib
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.core.cache import cache
from django.utils.translation import gettext

from pika.codes import new_code
from pika.gateways.spotify import A_PAGE, SCOPES
from pika.gateways.spotify.shapes import Account, Found, Gone, Playlist, Row, Tokens

_LIFE = 30 * 24 * 3600
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _id_of(words: str) -> str:
    """22 letters that belong to these words."""
    number = int.from_bytes(hashlib.sha256(words.encode()).digest()[:17], "big")
    return "".join(_LETTERS[number // 62**place % 62] for place in range(22))


class FakeOAuth:
    """Says yes at once."""

    def address(self, state: str, challenge: str, redirect_uri: str) -> str:
        return f"{redirect_uri}?{urlencode({'code': secrets.token_hex(8), 'state': state})}"

    def exchange(self, code: str, verifier: str, redirect_uri: str) -> Tokens:
        return self._tokens(f"fake-{code[:16]}")

    def refresh(self, refresh_token: str) -> Tokens:
        return self._tokens(refresh_token)

    def _tokens(self, token: str) -> Tokens:
        return Tokens(token, token, " ".join(SCOPES), datetime.now(UTC) + timedelta(hours=1))


class FakeSpotify:
    """See `pika.gateways.spotify.real.Spotify`."""

    def __init__(self, token: str, login: str = "") -> None:
        self._token = token

    def me(self) -> Account:
        return Account(_id_of(self._token), _id_of(self._token), gettext("Example account"))

    def search(self, words: str, limit: int = 10) -> list[Found]:
        title, _, artist = words.partition(" – ")
        versions = [title, f"{title} (Live)", f"{title} (Acoustic)"][: max(1, min(limit, 10))]
        found = [Found(_id_of(f"{one}/{artist}"), one, artist or "Somebody", duration_ms=201_000) for one in versions]
        for one in found:
            cache.set(f"fake-spotify-track:{one.id}", one, _LIFE)
        return found

    def track(self, spotify_id: str) -> Found:
        return cache.get(f"fake-spotify-track:{spotify_id}") or Found(spotify_id, "A song", "Somebody")

    def playlist(self, playlist_id: str) -> Playlist:
        return self._kept(playlist_id)[0]

    def page(self, playlist_id: str, offset: int) -> tuple[list[Row], int]:
        uris = self._kept(playlist_id)[1]
        return [Row(uri) for uri in uris[offset : offset + A_PAGE]], len(uris)

    def newest(self) -> list[Playlist]:
        return [self.playlist(its) for its in reversed(cache.get(self._list) or [])]

    def create(self, name: str, description: str, is_public: bool) -> Playlist:
        its_id = _id_of(new_code(20))
        made = Playlist(its_id, name, description, new_code(), f"https://open.spotify.com/playlist/{its_id}")
        self._keep(made, [])
        cache.set(self._list, [*(cache.get(self._list) or []), its_id], _LIFE)
        return made

    def put(self, playlist_id: str, uris: list[str]) -> str:
        return self._keep(self._kept(playlist_id)[0], uris)

    def post(self, playlist_id: str, uris: list[str], position: int) -> str:
        its, now = self._kept(playlist_id)
        return self._keep(its, [*now[:position], *uris, *now[position:]])

    def move(self, playlist_id: str, start: int, length: int, before: int) -> str:
        its, now = self._kept(playlist_id)
        end = start + length
        rest = now[:start] + now[end:]
        at = before if before <= start else before - length
        return self._keep(its, [*rest[:at], *now[start:end], *rest[at:]])

    @property
    def _list(self) -> str:
        return f"fake-spotify-playlists:{_id_of(self._token)}"

    def _kept(self, playlist_id: str) -> tuple[Playlist, list[str]]:
        kept: tuple[Playlist, list[str]] | None = cache.get(f"fake-spotify-playlist:{playlist_id}")
        if kept is None:
            raise Gone(gettext("Spotify does not have this any more."))
        return kept

    def _keep(self, its: Playlist, uris: list[str]) -> str:
        its = replace(its, snapshot_id=new_code(12))
        cache.set(f"fake-spotify-playlist:{its.id}", (its, uris), _LIFE)
        return its.snapshot_id

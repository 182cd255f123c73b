"""Spotify on this machine: a server that keeps accounts, tokens and playlists, and fails as the real one does.

Two kinds of apps: in development (paths of 2026, 403 for the old ones) and with extended quota (old paths only, and
fields the others lost). Faults come before the effect, or after it.
"""

import base64
import hashlib
import itertools
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.spotify.contract import Contract, contract

CLIENT, SECRET = "client", "the-client-secret"
SILENCE, CUT = "silence", "cut"


@dataclass(frozen=True)
class Fault:
    """Instead of an answer: a status, SILENCE or CUT; `is_after`: the effect has happened."""

    what: int | str
    is_after: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    reason: str = ""


@dataclass
class Track:
    """A line. `uri` empty: one that Spotify shows no track for."""

    uri: str
    added_at: str | None = "2026-01-01T00:00:00Z"

    @property
    def is_local(self) -> bool:
        return self.uri.startswith("spotify:local:")


@dataclass
class Playlist:
    id: str
    owner: str
    name: str
    description: str
    is_public: bool
    rows: list[Track] = field(default_factory=list)
    version: int = 1

    @property
    def uris(self) -> list[str]:
        return [row.uri for row in self.rows]

    @property
    def snapshot_id(self) -> str:
        return base64.b64encode(f"{self.version},{self.id}".encode()).decode()


@dataclass
class Call:
    method: str
    path: str
    query: dict[str, str]
    body: Any
    user: str = ""
    status: int = 0


class Answered(Exception):
    """What is answered instead."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        self.status, self.body = status, {"error": {"status": status, "message": message, **more}}


def an_id(number: int | str) -> str:
    """22 letters."""
    return f"{number:0>22}"


class Standin:
    """HTTP on a free port, one thread a connection."""

    def __init__(self, is_extended: bool = False, is_checking: bool = True) -> None:
        self.is_extended = is_extended
        self.playlists: dict[str, Playlist] = {}
        self.names = {"marcus": "Marcus"}
        self.account_ids: dict[str, str] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.refreshes: dict[str, dict[str, Any]] = {}
        self.codes: dict[str, dict[str, Any]] = {}
        self.library: set[str] = set()
        self.dead: set[str] = set()
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.faults: list[Fault | None] = []  # for the next calls of the API, in order
        self.fault_for: Callable[[Call], Fault | None] = lambda call: None
        self.before_effect: Callable[[Call], None] = lambda call: None
        self.after_effect: Callable[[Call], None] = lambda call: None
        self.life = 3600
        self.user = "marcus"  # who says yes at /authorize
        self.says = "yes"
        self.granted: str | None = None  # else what was asked for
        self.gives_refresh = True
        self.silence = 1.0
        self.refreshed = Counter[str]()
        self._contract: Contract | None = contract() if is_checking else None
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()
        standin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_one(self) -> None:
                standin._handle(self)

            do_GET = do_POST = do_PUT = do_DELETE = handle_one

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *args: None  # type: ignore[method-assign]  # they hang up on silence
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    # --- For tests ---------------------------------------------------------------------------------------------
    def playlist(self, uris: list[str], owner: str = "marcus", name: str = "A list") -> Playlist:
        its = Playlist(an_id(f"P{next(self._numbers)}"), owner, name, "", True)
        its.rows = [Track(uri, f"2026-01-{at % 28 + 1:02}T00:00:{at % 60:02}Z") for at, uri in enumerate(uris)]
        self.playlists[its.id] = its
        return its

    def token(self, user: str = "marcus", scopes: str = "", seconds: float = 3600) -> str:
        """An access token."""
        its = f"access-{next(self._numbers)}-{hashlib.sha256(user.encode()).hexdigest()[:12]}"
        self.tokens[its] = {"user": user, "scopes": scopes or EVERYTHING, "until": time.time() + seconds}
        return its

    def remove_app(self, user: str = "marcus") -> None:
        """The person takes the permission back, on Spotify's own page."""
        for tokens in (self.tokens, self.refreshes):
            for name in [name for name, its in tokens.items() if its["user"] == user]:
                del tokens[name]

    def count(self, method: str = "", part: str = "") -> int:
        return sum(call.method == method or not method for call in self.calls if part in call.path)

    # --- A request ---------------------------------------------------------------------------------------------
    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        address = urlsplit(handler.path)
        raw = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        if address.path == "/authorize":
            return self._authorize(handler, dict(parse_qsl(address.query)))
        if address.path == "/api/token":
            return self._token(handler, dict(parse_qsl(raw.decode())))
        path = address.path.removeprefix("/v1")
        body = json.loads(raw) if raw else None
        call = Call(handler.command, path, dict(parse_qsl(address.query)), body)
        with self._lock:
            self.calls.append(call)
            fault = self.faults.pop(0) if self.faults else self.fault_for(call)
        if fault and not fault.is_after:
            return self._fail(handler, call, fault)
        with self._lock:
            status, said = self._answer(call, handler.headers.get("Authorization", ""))
            self.after_effect(call)
        if fault:
            return self._fail(handler, call, fault)
        self._say(handler, call, status, said, {})

    def _fail(self, handler: BaseHTTPRequestHandler, call: Call, fault: Fault) -> None:
        if fault.what == SILENCE:
            time.sleep(self.silence)
        if isinstance(fault.what, str):
            handler.close_connection = True
            handler.connection.close()
            return
        error = {"status": fault.what, "message": "fault"} | ({"reason": fault.reason} if fault.reason else {})
        self._say(handler, call, fault.what, {"error": error}, fault.headers)

    def _say(
        self, handler: BaseHTTPRequestHandler, call: Call, status: int, said: Any, headers: dict[str, str]
    ) -> None:
        call.status = status
        if self._contract and status not in {401, 404} and not (status == 403 and self._is_removed(call)):
            wrong = self._contract.wrong_request(call.method, call.path, call.query, call.body)
            wrong += self._contract.wrong_answer(call.method, call.path, status, _some(said))
            self.violations += [f"{call.method} {call.path}: {words}" for words in wrong]
        _send(handler, status, json.dumps(said).encode(), {"Content-Type": "application/json", **headers})

    # --- OAuth -------------------------------------------------------------------------------------------------
    def _authorize(self, handler: BaseHTTPRequestHandler, asked: dict[str, str]) -> None:
        _send(handler, 302, b"", {"Location": self.consent(asked)})

    def consent(self, asked: dict[str, str]) -> str:
        """Where the person's browser goes after the answer."""
        assert asked["client_id"] == CLIENT and asked["response_type"] == "code", asked
        assert asked["code_challenge_method"] == "S256" and len(asked["code_challenge"]) == 43, asked
        if self.says != "yes":
            return f"{asked['redirect_uri']}?{urlencode({'error': self.says, 'state': asked['state']})}"
        code = f"code-{next(self._numbers)}"
        scopes = asked["scope"] if self.granted is None else self.granted
        self.codes[code] = {**asked, "user": self.user, "scopes": scopes}
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def _token(self, handler: BaseHTTPRequestHandler, form: dict[str, str]) -> None:
        with self._lock:
            status, said = self._tokens(handler.headers.get("Authorization", ""), form)
        _send(handler, status, json.dumps(said).encode(), {"Content-Type": "application/json"})

    def _tokens(self, header: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if header != "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode():
            return 400, {"error": "invalid_client"}
        if form["grant_type"] == "authorization_code":
            its = self.codes.pop(form["code"], None)
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if its is None or its["redirect_uri"] != form["redirect_uri"] or its["code_challenge"] != challenge:
                return 400, {"error": "invalid_grant", "error_description": "Invalid authorization code"}
            return 200, self._granted(its["user"], its["scopes"], with_refresh=True)
        self.refreshed[form["refresh_token"]] += 1
        its = self.refreshes.get(form["refresh_token"])
        if its is None:
            return 400, {"error": "invalid_grant", "error_description": "Refresh token revoked"}
        return 200, self._granted(its["user"], its["scopes"], with_refresh=self.gives_refresh)

    def _granted(self, user: str, scopes: str, with_refresh: bool) -> dict[str, Any]:
        said = {"access_token": self.token(user, scopes, self.life), "token_type": "Bearer", "expires_in": self.life}
        said["scope"] = scopes
        if with_refresh:
            said["refresh_token"] = f"refresh-{next(self._numbers)}"
            self.refreshes[said["refresh_token"]] = {"user": user, "scopes": scopes}
        return said

    # --- The API -----------------------------------------------------------------------------------------------
    def _is_removed(self, call: Call) -> bool:
        is_old = call.path.endswith("/tracks") or (call.path.startswith("/users/") and call.path.endswith("/playlists"))
        is_new = call.path.endswith("/items") or (call.method, call.path) == ("POST", "/me/playlists")
        return is_new if self.is_extended else is_old

    def _answer(self, call: Call, header: str) -> tuple[int, Any]:
        its = self.tokens.get(header.removeprefix("Bearer "))
        if its is None or its["until"] < time.time():
            return 401, {"error": {"status": 401, "message": "The access token expired"}}
        call.user = its["user"]
        try:
            if self._is_removed(call):
                raise Answered(403, "Forbidden")
            self.before_effect(call)
            for method, pattern, work in ROUTES:
                if method == call.method and (found := re.fullmatch(pattern, call.path)):
                    self._check_scope(call, its["scopes"])
                    return getattr(self, work)(call, *found.groups())  # type: ignore[no-any-return]
        except Answered as answered:
            return answered.status, answered.body
        return 404, {"error": {"status": 404, "message": "Service not found"}}

    def _check_scope(self, call: Call, scopes: str) -> None:
        if call.method != "GET" and "playlist-modify" not in scopes:
            raise Answered(403, "Insufficient client scope")

    def me(self, call: Call) -> tuple[int, Any]:
        its = {"id": call.user, "display_name": self.names.get(call.user), "type": "user"}
        its |= {"uri": f"spotify:user:{call.user}", "href": f"{self.url}/v1/users/{call.user}", "images": []}
        its["external_urls"] = {"spotify": f"https://open.spotify.com/user/{call.user}"}
        return 200, its | (
            {} if self.is_extended else {"account_id": self.account_ids.get(call.user, f"acc-{call.user}")}
        )

    def track(self, call: Call, its_id: str) -> tuple[int, Any]:
        if f"spotify:track:{its_id}" in self.dead:
            raise Answered(404, "Resource not found")
        return 200, self._track(f"spotify:track:{its_id}")

    def search(self, call: Call) -> tuple[int, Any]:
        limit, offset = int(call.query.get("limit", 5)), int(call.query.get("offset", 0))
        if limit > 10 and not self.is_extended:
            raise Answered(400, "Invalid limit")
        found = [self._track(f"spotify:track:{an_id(number)}") for number in range(30)]
        return 200, {"tracks": self._paging(found, offset, limit)}

    def my_playlists(self, call: Call) -> tuple[int, Any]:
        mine = [its for its in self.playlists.values() if its.owner == call.user]
        shown = [self._playlist(its, is_short=True) for its in reversed(mine)]
        return 200, self._paging(shown, int(call.query.get("offset", 0)), int(call.query.get("limit", 20)))

    def create(self, call: Call, user: str = "") -> tuple[int, Any]:
        if user and user != call.user:
            raise Answered(403, "You cannot create a playlist for another user")
        its = self.playlist([], call.user, call.body["name"])
        its.description, its.is_public = call.body.get("description", ""), call.body.get("public", True)
        if len(its.description) > 300 or "\n" in its.description:
            raise Answered(400, "Invalid description")
        return 201, self._playlist(its)

    def show(self, call: Call, its_id: str) -> tuple[int, Any]:
        its = self._playlist(self._found(its_id))
        wanted = call.query.get("fields")
        return 200, {name: its[name] for name in wanted.split(",")} if wanted else its

    def items(self, call: Call, its_id: str) -> tuple[int, Any]:
        its = self._found(its_id)
        if its.owner != call.user:
            raise Answered(403, "Forbidden")
        limit = int(call.query.get("limit", 50 if not self.is_extended else 100))
        if limit > (100 if self.is_extended else 50):
            raise Answered(400, "Invalid limit")
        return 200, self._paging([self._row(row) for row in its.rows], int(call.query.get("offset", 0)), limit)

    def add(self, call: Call, its_id: str) -> tuple[int, Any]:
        its = self._found(its_id, call.user)
        body = {"uris": call.body} if isinstance(call.body, list) else call.body  # as spotipy's own sends it
        uris = self._checked(body["uris"])
        at = body.get("position", call.query.get("position"))
        at = len(its.rows) if at is None else int(at)
        if at > len(its.rows):
            raise Answered(400, "Index out of bounds")
        its.rows[at:at] = [Track(uri, self._now()) for uri in uris]
        return 201, self._changed(its)

    def replace(self, call: Call, its_id: str) -> tuple[int, Any]:
        its = self._found(its_id, call.user)
        if "uris" in (call.body or {}):
            its.rows = [Track(uri, self._now()) for uri in self._checked(call.body["uris"])]
            return 200, self._changed(its)
        # `snapshot_id` would mean "as seen from there", and never "only if": it is not looked at.
        start, length, before = (call.body.get(name) for name in ("range_start", "range_length", "insert_before"))
        length = 1 if length is None else length
        if not 0 <= start < len(its.rows) or not 0 <= before <= len(its.rows) or start + length > len(its.rows):
            raise Answered(400, "Index out of bounds")
        moved = its.rows[start : start + length]
        rest = its.rows[:start] + its.rows[start + length :]
        at = before if before <= start else max(start, before - length)
        its.rows = rest[:at] + moved + rest[at:]
        return 200, self._changed(its)

    def remove(self, call: Call, its_id: str) -> tuple[int, Any]:
        """All copies, whatever positions were said."""
        its = self._found(its_id, call.user)
        away = {one["uri"] for one in call.body.get("items") or call.body.get("tracks") or []}
        its.rows = [row for row in its.rows if row.uri not in away]
        return 200, self._changed(its)

    def save(self, call: Call) -> tuple[int, Any]:
        uris = call.query["uris"].split(",")
        if len(uris) > 40:
            raise Answered(400, "Too many uris")
        self.library = self.library | set(uris) if call.method == "PUT" else self.library - set(uris)
        return 200, {}

    def has_saved(self, call: Call) -> tuple[int, Any]:
        return 200, [uri in self.library for uri in call.query["uris"].split(",")]

    # --- How it says things --------------------------------------------------------------------------------------
    def _found(self, its_id: str, owner: str = "") -> Playlist:
        if its_id not in self.playlists:
            raise Answered(404, "Resource not found")
        if owner and self.playlists[its_id].owner != owner:
            raise Answered(403, "You cannot change a playlist you don't own")
        return self.playlists[its_id]

    def _checked(self, uris: list[str]) -> list[str]:
        if len(uris) > 100:
            raise Answered(400, "You can add a maximum of 100 tracks per request")
        if not all(re.fullmatch(r"spotify:(track|episode):[0-9A-Za-z]{22}", uri) for uri in uris):
            raise Answered(400, "Invalid track uri")
        if self.dead & set(uris):
            raise Answered(502, "Error while loading resource")
        return uris

    def _now(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    def _changed(self, its: Playlist) -> dict[str, str]:
        its.version += 1
        return {"snapshot_id": its.snapshot_id}

    def _paging(self, everything: list[Any], offset: int, limit: int) -> dict[str, Any]:
        more = f"{self.url}/v1/more" if offset + limit < len(everything) else None
        its = {"href": f"{self.url}/v1/", "limit": limit, "offset": offset, "total": len(everything)}
        return {**its, "next": more, "previous": None, "items": everything[offset : offset + limit]}

    def _playlist(self, its: Playlist, is_short: bool = False) -> dict[str, Any]:
        owner = {"id": its.owner, "type": "user", "display_name": self.names.get(its.owner)}
        rows: Any = {"href": f"{self.url}/v1/", "total": len(its.rows)}
        rows = rows if is_short else self._paging([self._row(row) for row in its.rows], 0, 50)
        # Like the real one, it escapes descriptions.
        words = its.description.replace("&", "&amp;").replace("/", "&#x2F;")
        said = {"id": its.id, "name": its.name, "description": words, "public": its.is_public, "type": "playlist"}
        said |= {"collaborative": False, "owner": owner, "images": [], "snapshot_id": its.snapshot_id}
        said |= {"uri": f"spotify:playlist:{its.id}", "href": f"{self.url}/v1/playlists/{its.id}"}
        said["external_urls"] = {"spotify": f"https://open.spotify.com/playlist/{its.id}"}
        return said | {"tracks" if self.is_extended else "items": rows}

    def _row(self, row: Track) -> dict[str, Any]:
        track = self._track(row.uri) if row.uri else None
        by = {"id": "marcus", "type": "user", "uri": "spotify:user:marcus"}
        return {
            "added_at": row.added_at,
            "added_by": by,
            "is_local": row.is_local,
            "track" if self.is_extended else "item": track,
        }

    def _track(self, uri: str) -> dict[str, Any]:
        if uri.startswith("spotify:local:"):
            return {
                "id": None,
                "uri": uri,
                "name": uri.split(":")[-2],
                "type": "track",
                "is_local": True,
                "artists": [],
            }
        its_id = uri.split(":")[-1]
        artist = {"id": an_id("A"), "name": "Somebody", "type": "artist", "uri": f"spotify:artist:{an_id('A')}"}
        album = {
            "album_type": "album",
            "total_tracks": 1,
            "available_markets": [],
            "external_urls": {},
            "id": an_id("B"),
        }
        album |= {"href": self.url, "name": "Album", "release_date": "2020", "release_date_precision": "year"}
        album |= {"images": [{"url": "https://i.scdn.co/image/x", "height": 640, "width": 640}], "type": "album"}
        album |= {"uri": f"spotify:album:{an_id('B')}", "artists": [artist]}
        its = {"id": its_id, "uri": uri, "name": f"Song {its_id.lstrip('0')}", "type": "track", "is_local": False}
        its |= {"artists": [artist], "album": album, "duration_ms": 200_000}
        its |= {"external_ids": {"isrc": f"XX0{its_id[-9:]}"}}
        return its | ({"popularity": 12, "available_markets": ["HU"]} if self.is_extended else {})


EVERYTHING = "playlist-read-private playlist-read-collaborative playlist-modify-public playlist-modify-private"
_A_LIST = r"/playlists/([^/]+)"
ROUTES = [
    ("GET", r"/me", "me"),
    ("GET", r"/me/playlists", "my_playlists"),
    ("POST", r"/me/playlists", "create"),
    ("POST", r"/users/([^/]+)/playlists", "create"),
    ("GET", r"/tracks/([^/]+)", "track"),
    ("GET", r"/search", "search"),
    ("GET", _A_LIST, "show"),
    ("GET", _A_LIST + r"/(?:items|tracks)", "items"),
    ("POST", _A_LIST + r"/(?:items|tracks)", "add"),
    ("PUT", _A_LIST + r"/(?:items|tracks)", "replace"),
    ("DELETE", _A_LIST + r"/(?:items|tracks)", "remove"),
    ("PUT", r"/me/library", "save"),
    ("DELETE", r"/me/library", "save"),
    ("GET", r"/me/library/contains", "has_saved"),
]


def _some(said: Any) -> Any:
    """What is checked of long lists: the first ones, and those that are unlike the others."""
    if not isinstance(said, dict) or not isinstance(said.get("items"), list):
        return said
    unlike = [one for one in said["items"] if not (one.get("item") or one.get("track") or {}).get("id")]
    return said | {"items": said["items"][:2] + unlike[:2]}


def _send(handler: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)

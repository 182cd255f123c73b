"""What people paste when they mean a recording on Spotify."""

import re

from django.utils.translation import gettext

from pika.errors import Problem

# Spotify's ids: 22 letters and digits. Source: developer.spotify.com/documentation/web-api/concepts/spotify-uris-ids
_ID = re.compile(r"[0-9A-Za-z]{22}")
_URI = re.compile(r"spotify:(?:user:[^:]+:)?(\w+):(.*)", re.IGNORECASE)
_LINK = re.compile(r"(?:https?://)?open\.spotify\.com/(?:intl-[\w-]+/)?(?:embed/)?(\w+)/([^/?#]*)", re.IGNORECASE)
_SHORT = re.compile(r"(?:https?://)?(?:spotify\.link|spoti\.fi)/", re.IGNORECASE)


def track_id(pasted: str) -> str:
    """The 22 characters of the track that `pasted` means (a link, a URI, or the id); Problem (400) saying why not."""
    text = pasted.strip().strip("<>\"'")
    if _ID.fullmatch(text):
        return text
    if _SHORT.match(text):
        raise _no(gettext("Open this short link first, then paste the long one that you see there."))
    found = _URI.fullmatch(text) or _LINK.match(text)
    if not found:
        raise _no(gettext("This is no link to a track on Spotify. In Spotify: Share, then Copy song link."))
    kind, its = found[1].lower(), found[2]
    if kind == "local":
        raise _no(
            gettext("This is a file on somebody's computer: nobody else can play it. Search for the track itself.")
        )
    if kind in {"album", "playlist", "artist", "show", "episode"}:
        words = gettext("This is a link to a whole %(kind)s. Open it, and copy the link of the one song.")
        raise _no(words % {"kind": kind})
    if kind != "track":
        raise _no(gettext("This is no link to a track on Spotify. In Spotify: Share, then Copy song link."))
    if not _ID.fullmatch(its):
        raise _no(gettext("The link is not complete: copy it once more, all of it."))
    return its


def _no(words: str) -> Problem:
    return Problem(words, "bad_link", 400, field="link")


def track_link(spotify_id: str) -> str:
    """Where people open it."""
    return f"https://open.spotify.com/track/{spotify_id}"

"""What a linked Spotify account adds to verifying: its search, and what a pasted link is called there.

Both are nice to have: when Spotify does not answer, the DJ goes on without.
"""

import logging

from django.urls import reverse
from django.utils.translation import gettext

from accounts.models import User
from pika.gateways import spotify
from pika.titles import parse
from playlists.linking import ask, can_use
from stages.models import Play
from tracks.actions.recordings import link_gone
from tracks.repository import SUGGESTED, NewTrack

log = logging.getLogger(__name__)


def search(user: User, play: Play) -> list[NewTrack]:
    """What Spotify finds for a play."""
    name = parse(play.artist, play.title, play.remix)
    title = f"{name.shown_title} {name.shown_version}".strip()
    words = " – ".join(part for part in (title, name.shown_artist) if part)
    if not words or not can_use(user):
        return []
    try:
        return [_new(found) for found in ask(user, lambda account: account.search(words, SUGGESTED))]
    except spotify.SpotifyError as error:
        log.info("spotify: no suggestions: %s", error)
        return []


def look_up(user: User, spotify_id: str) -> NewTrack | None:
    """What Spotify calls this id; None: nobody could be asked. Problem (404): it does not have it."""
    if not can_use(user):
        return None
    try:
        return _new(ask(user, lambda account: account.track(spotify_id)))
    except spotify.Gone:
        raise link_gone() from None
    except spotify.SpotifyError as error:
        log.info("spotify: not looked up: %s", error)
        return None


def would_add(user: User) -> tuple[str, str] | None:
    """In words, and where to link; None: it is linked."""
    if can_use(user):
        return None
    if not spotify.is_configured():
        return gettext("Where the server is connected to Spotify, its search helps here."), ""
    return gettext("Link your Spotify account, and its search helps here."), reverse("playlists:show_spotify")


def _new(found: spotify.Found) -> NewTrack:
    return NewTrack(
        title=found.title,
        artist=found.artist,
        album=found.album,
        isrc=found.isrc,
        duration_ms=found.duration_ms,
        spotify_ids=[found.id],
        source="spotify",
    )

"""What a linked Spotify account adds to verifying: its search, and what a pasted link is called there.

Both are nice to have: when Spotify does not answer, the DJ is told, and goes on without.
"""

import logging
from datetime import datetime, timedelta
from math import ceil

from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timeuntil
from django.utils.translation import gettext

from accounts.models import User
from pika.errors import Problem
from pika.gateways import spotify
from pika.limits import limit
from pika.titles import parse
from playlists.linking import ask, can_use
from stages.models import Play
from tracks.actions.recordings import link_gone
from tracks.repository import SUGGESTED, NewTrack

log = logging.getLogger(__name__)
SEARCHES = 60  # of one person in a minute
_WAIT = "spotify-asks-to-wait"  # until when; it counts the calls of our app, whoever made them


def search(user: User, play: Play) -> list[NewTrack]:
    """What Spotify finds for a play. Problem: it cannot be asked; with how long, where it asks us to wait."""
    name = parse(play.artist, play.title, play.remix)
    title = f"{name.shown_title} {name.shown_version}".strip()
    words = " – ".join(part for part in (title, name.shown_artist) if part)
    if not words or not can_use(user):
        return []
    if until := _wait():
        raise _asks_to_wait(until)
    limit("spotify-search", str(user.pk), SEARCHES)  # what Spotify lets our app ask is everybody's
    try:
        return [_new(found) for found in ask(user, lambda account: account.search(words, SUGGESTED))]
    except spotify.Throttled as error:
        raise _asks_to_wait(_wait_for(error)) from None
    except spotify.SpotifyError as error:
        log.info("spotify: no suggestions: %s", error)
        raise _cannot(error) from None


def _cannot(error: spotify.SpotifyError) -> Problem:
    if isinstance(error, spotify.Away):
        words = gettext("Spotify does not answer just now, so nothing of its search is here. Everything else works.")
        return Problem(words, "spotify_away", 503, retry_after=error.retry_after)
    if isinstance(error, spotify.NeedsRelink):
        return Problem(error.words, "spotify_needs_relink", 409)
    return Problem(error.words, "spotify_refused", 409)


def _wait() -> datetime | None:
    """Until when Spotify is left alone."""
    until: datetime | None = cache.get(_WAIT)
    return until if until and until > timezone.now() else None


def _wait_for(error: spotify.Throttled) -> datetime:
    """Asked again on every question of a set, it would only ask us to wait longer."""
    until = timezone.now() + timedelta(seconds=error.retry_after)
    cache.set(_WAIT, until, error.retry_after)
    return until


def _asks_to_wait(until: datetime) -> Problem:
    seconds = (until - timezone.now()).total_seconds()
    words = gettext(
        "Spotify asks us to wait: its search is back in %(time)s. Everything else works, links can be pasted as always."
    )
    # Whole minutes, rounded up; the second is for the clock that goes on while we speak.
    then = timezone.now() + timedelta(minutes=ceil(seconds / 60), seconds=1)
    return Problem(words % {"time": timeuntil(then)}, "spotify_wait", 503, retry_after=round(seconds))


def look_up(user: User, spotify_id: str) -> NewTrack | None:
    """What Spotify calls this id; None: nobody could be asked. Problem (404): it does not have it."""
    if not can_use(user) or _wait():
        return None
    try:
        return _new(ask(user, lambda account: account.track(spotify_id)))
    except spotify.Gone:
        raise link_gone() from None
    except spotify.Throttled as error:
        _wait_for(error)
        return None
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

"""A person's Spotify account: linked, kept fresh, lost, disconnected."""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from pika.crypto import CannotOpen, seal, unseal
from pika.gateways import spotify
from playlists.models import Export, Rewrite, SpotifyLink

log = logging.getLogger(__name__)

_EARLY = timedelta(seconds=60)
T = TypeVar("T")


def link_of(user: User) -> SpotifyLink | None:
    return SpotifyLink.objects.filter(user=user).first()


def can_use(user: User) -> bool:
    """Whether Spotify can be asked for `user` right now: for suggestions, which are nice to have."""
    return spotify.is_configured() and SpotifyLink.objects.filter(user=user, needs_relink_at=None).exists()


# --- Linking -------------------------------------------------------------------------------------------------------
def save_link(user: User, tokens: spotify.Tokens, account: spotify.Account) -> SpotifyLink:
    """`user` said yes on Spotify: the account is theirs, instead of another one they had."""
    now = timezone.now()
    with transaction.atomic():
        before = SpotifyLink.objects.select_for_update().filter(user=user).first()
        if before and before.account_id != account.id:
            forget(user)  # what we kept was the other account's
            before = None
        its = {
            "account_id": account.id[:120],
            "login": account.login[:120],
            "name": account.name[:200],
            "access_token": seal(tokens.access),
            "refresh_token": seal(tokens.refresh),
            "scopes": tokens.scopes[:500],
            "expires_at": tokens.expires_at,
            "authorised_at": now,
            "needs_relink_at": None,
        }
        return SpotifyLink.objects.update_or_create(user=user, defaults=its, create_defaults={**its, "linked_at": now})[
            0
        ]


def forget(user: User) -> None:
    """Everything of `user`'s Spotify that we have. What is being written finds nothing to go on with."""
    with transaction.atomic():
        SpotifyLink.objects.filter(user=user).delete()
        Export.objects.filter(owner=user).delete()
        Rewrite.objects.filter(owner=user).delete()


# --- Using it ------------------------------------------------------------------------------------------------------
def ask(user: User, question: Callable[[Any], T]) -> T:
    """`question(client)` of `user`'s account. A token that turns out to be stale is changed once, and it asks again:
    what is refused with 401 was not done.

    NeedsRelink: there is no account, or its permission is dead. Everything else as the gateway says.
    """
    token, link = token_of(user), link_of(user)
    login = link.login if link else ""
    try:
        return question(spotify.connect(token, login))
    except spotify.Stale:
        fresh = token_of(user, stale=token)
    try:
        return question(spotify.connect(fresh, login))
    except spotify.Stale:
        _lose(user)
        raise spotify.NeedsRelink(_dead_words()) from None


def token_of(user: User, stale: str = "") -> str:
    """An access token that is good for a minute at least, and is not `stale`; whoever comes second waits for it."""
    if not spotify.is_configured():
        raise spotify.NeedsRelink(gettext("This server is not connected to Spotify."))
    link = link_of(user)
    if link and (token := _good(link, stale)):
        return token
    problem: spotify.SpotifyError | None = None
    with _locked(user) as link:
        if token := _good(link, stale):  # somebody was faster
            return token
        try:
            tokens = spotify.oauth().refresh(unseal(link.refresh_token))
        except (spotify.NeedsRelink, CannotOpen) as error:
            _lose(user)
            problem = error if isinstance(error, spotify.NeedsRelink) else spotify.NeedsRelink(_dead_words())
        else:
            link.access_token, link.expires_at = seal(tokens.access), tokens.expires_at
            # An answer without one: the one before still holds. Sealed again, so that it moves to the newest key.
            link.refresh_token = seal(tokens.refresh or unseal(link.refresh_token))
            link.scopes = tokens.scopes[:500] or link.scopes
            link.save(update_fields=["access_token", "refresh_token", "expires_at", "scopes"])
            return tokens.access
    assert problem
    raise problem  # after the commit of what we know


def _good(link: SpotifyLink, stale: str) -> str:
    """Its access token, if it will do; NeedsRelink if there never will be one again."""
    if link.needs_relink_at:
        raise spotify.NeedsRelink(_dead_words())
    try:
        token = unseal(link.access_token)
    except CannotOpen:
        return ""
    return token if token != stale and link.expires_at > timezone.now() + _EARLY else ""


@contextmanager
def _locked(user: User) -> Iterator[SpotifyLink]:
    """Its row, held while Spotify is asked: two with the same refresh token might kill each other's.

    The one transaction with a network call in it: nobody else needs this row, and the call is short. SQLite would lock
    everything, and has one process: there a lock of threads does.
    """
    if connection.features.has_select_for_update:
        with transaction.atomic():
            yield _link_or_relink(SpotifyLink.objects.select_for_update().filter(user=user).first())
    else:
        with _threads[user.pk]:
            yield _link_or_relink(link_of(user))


_threads: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)


def _link_or_relink(link: SpotifyLink | None) -> SpotifyLink:
    if link is None:
        raise spotify.NeedsRelink(gettext("Link your Spotify account first."))
    return link


def _lose(user: User) -> None:
    SpotifyLink.objects.filter(user=user, needs_relink_at=None).update(needs_relink_at=timezone.now())
    log.info("spotify: the permission of user %s is dead", user.pk)


def _dead_words() -> str:
    return gettext(
        "Your permission has ended: it lasts six months, or was taken back on Spotify. Link your account again."
    )

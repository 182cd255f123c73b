"""What pages of songs offer of Spotify: a playlist with one press, or what linking would add."""

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext

from accounts.models import User
from pika.errors import Problem
from pika.gateways import spotify
from playlists import actions
from playlists.actions import Wanted
from playlists.models import Export
from stages.models import Session
from tracks.exports import why_missing
from tracks.selections import Selection
from tracks.streaming import Offer


def wanted(selection: Selection) -> list[Wanted]:
    """The songs of a playlist, in order; of those that are not on Spotify, why."""
    return list(_wanted(selection))


def _wanted(selection: Selection) -> Iterator[Wanted]:
    for number, line in enumerate(selection.lines()):
        if number >= spotify.MOST_ROWS:
            words = gettext(
                "A playlist on Spotify has room for 10,000 songs, and these are more. Take one event, or one night."
            )
            raise Problem(words, "too_many_songs", 422)
        yield Wanted(line.spotify_id or None, line.name, "" if line.spotify_id else why_missing(line))


def make_playlist(user: User, selection: Selection, address: str = "") -> Export:
    """A playlist of these songs in `user`'s account. Problem: see `export_playlist`."""
    actions.check_may_export(user)
    words = gettext("Played with Pika!") if selection.kind != "likes" else gettext("Found with Pika!")
    description = f"{words} {address}".strip()
    return actions.export_playlist(user, selection.kind, selection.ref, selection.title, description, wanted(selection))


def offer(user: User | None, selection: Selection) -> Offer:
    """What a page says of Spotify under these songs."""
    label = gettext("Spotify playlist")
    if not spotify.is_configured():
        words = gettext(
            "Where the server is connected to Spotify, one press makes a playlist of these songs in your own account. "
            "The lists above work without."
        )
        return Offer(label, words=words)
    if user is None:
        words = gettext("With an account here and one on Spotify, one press makes a playlist of these songs.")
        return Offer(label, words=words, url=reverse("account_login"), url_label=gettext("Log in"))
    made = Export.objects.filter(owner=user, kind=selection.kind, ref=selection.ref).defer("last_written").first()
    state = (
        {"state": made.get_state_display(), "state_url": reverse("playlists:show_export", args=[made.code])}
        if made
        else {}
    )
    try:
        actions.check_may_export(user)
    except Problem as problem:
        words = problem.message
        if problem.code == "spotify_not_linked":
            words = gettext("Link your Spotify account, and one press makes a playlist of these songs there.")
        url = {"url": reverse("playlists:show_spotify"), "url_label": gettext("To your Spotify account")}
        return Offer(label, words=words, **url, **state)
    return Offer(label, action=_action(selection), **state)


def _action(selection: Selection) -> str:
    if selection.kind == "set":
        return reverse("playlists:export_set", args=[selection.ref])
    if selection.kind == "likes":
        return reverse("playlists:export_likes")
    return reverse("playlists:export_event", args=[selection.ref.partition("/")[0]])


def playlist_of(session: Session) -> str:
    """Its DJ's playlist of a set, if it is done and public."""
    made = Export.objects.filter(
        owner=session.dj_id, kind=Export.Kind.SET, ref=session.code, state=Export.State.DONE, is_public=True
    )
    return made.exclude(playlist_url="").values_list("playlist_url", flat=True).first() or ""

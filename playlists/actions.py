"""Export a playlist to Spotify, cancel, try again; link an account and disconnect it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext

from accounts.activity import note
from accounts.models import User
from pika.errors import Problem
from pika.gateways import spotify
from pika.jobs import actions as jobs
from playlists import linking, rewriting
from playlists.models import Export, Rewrite, SpotifyLink

KIND = "spotify_export"


@dataclass(frozen=True)
class Wanted:
    """A song to be in a playlist; without an id it is listed as missing. `words`: “Artist – Title” for the person."""

    spotify_id: str | None
    words: str
    why: str = ""  # why there is no id, if there is more to say


def export_playlist(
    user: User, kind: str, ref: str, title: str, description: str, wanted: Sequence[Wanted], is_public: bool = True
) -> Export:
    """Have a playlist made of these, in this order, repeats in a row once. Of each (user, kind, ref) there is one:
    asked again it is brought up to date, asked twice nothing happens twice.

    Problem: there is no Spotify here (503), no account that may do it (409), nothing to export or too much (422).
    """
    check_may_export(user, is_public)
    ids = [spotify_id for spotify_id, _ in groupby(one.spotify_id for one in wanted if one.spotify_id)]
    missing = [
        {"words": one.words[:300], "why": one.why[:300] or gettext("Nobody has said yet which recording this is.")}
        for one in wanted
        if not one.spotify_id
    ]
    if not ids:
        words = gettext("There is nothing to put into a playlist: of these songs none is known on Spotify yet.")
        raise Problem(words, "nothing_to_export", 422)
    if len(ids) > spotify.MOST_ROWS:
        words = gettext("A playlist on Spotify has room for 10,000 songs. These are %(count)s.")
        raise Problem(words % {"count": len(ids)}, "too_many_songs", 422)
    key = hashlib.sha256(f"{user.pk}/{kind}/{ref}".encode()).hexdigest()
    its = {"title": title[:100], "description": description[:240], "is_public": is_public}
    content = its | {"wanted": ids, "missing": missing}
    with transaction.atomic():
        fresh = {"owner": user, "kind": kind, "ref": ref[:120], **content}
        made, is_new = Export.objects.get_or_create(key=key, defaults=fresh)
        export = Export.objects.select_for_update().get(pk=made.pk)
        is_same = export.wanted == ids and export.state == Export.State.DONE
        if not is_new and (export.is_running or is_same):  # pressed twice
            return export
        if is_new:
            jobs.enqueue(KIND, export.code)
        else:
            Export.objects.filter(pk=export.pk).update(**content)
            _start(export)
        note(user, "export_playlist", title)
    export.refresh_from_db()
    return export


def check_may_export(user: User, is_public: bool = True) -> None:
    """Problem unless `user` has an account on Spotify that lets us make such playlists."""
    if not spotify.is_configured():
        words = gettext("This server is not connected to Spotify. The lists and links work without.")
        raise Problem(words, "spotify_off", 503)
    link = linking.link_of(user)
    if link is None:
        words = gettext("Link your Spotify account first: in your profile, under Spotify.")
        raise Problem(words, "spotify_not_linked", 409)
    if link.needs_relink_at:
        words = gettext("Your Spotify permission has ended. Link your account again: in your profile, under Spotify.")
        raise Problem(words, "spotify_needs_relink", 409)
    if not may_write(link, is_public):
        words = gettext("You did not allow Pika! to change your playlists. Link your account again, and say yes to it.")
        raise Problem(words, "spotify_scope", 409)


def may_write(link: SpotifyLink, is_public: bool) -> bool:
    return link.has(spotify.READ, spotify.WRITE_PUBLIC if is_public else spotify.WRITE_PRIVATE)


def retry_export(export: Export, is_new_playlist: bool = False) -> None:
    """Go on with one that stopped, overwriting what somebody changed meanwhile (a backup is kept); on wish into a
    new playlist. One that is running is only hurried."""
    check_may_export(export.owner, export.is_public)
    with transaction.atomic():
        export = Export.objects.select_for_update().get(pk=export.pk)
        if export.is_running and not is_new_playlist:
            return  # its time will come: 429 is not to be hurried
        if export.is_running:
            raise _being_written()
        _start(export, is_forced=True)
        if is_new_playlist:
            blank = {"playlist_id": "", "playlist_url": "", "edition": export.edition + 1, "asked_at": None}
            Export.objects.filter(pk=export.pk).update(**blank, last_written=[], written=0)


def undo_export(export: Export) -> None:
    """Bring back what was in the playlist before its last change. What is there now is kept as a backup, too: asked
    once more, it comes back. Problem (409): it is being written, or nothing was in it."""
    check_may_export(export.owner, export.is_public)
    with transaction.atomic():
        export = Export.objects.select_for_update().get(pk=export.pk)
        if export.is_unfinished:
            raise _being_written()
        before = songs_before(export)
        if not before:
            raise Problem(gettext("There is nothing to bring back."), "nothing_to_undo", 409)
        Export.objects.filter(pk=export.pk).update(wanted=before, missing=[], written=0)
        _start(export, is_forced=True)


def songs_before(export: Export) -> list[str]:
    """What `undo_export` would bring back, as in `Export.wanted`."""
    if export.is_unfinished or export.rewrite is None:
        return []
    return [key.removeprefix("spotify:track:") for key in rewriting.rows_before(export.rewrite)]


def _being_written() -> Problem:
    return Problem(gettext("It is still being written. Cancel it first."), "being_written", 409)


def _start(export: Export, is_forced: bool = False) -> None:
    """From the beginning, or from where it stopped; in a transaction."""
    _close_journal(export)
    Export.objects.filter(pk=export.pk).update(
        state=Export.State.WAITING,
        round=F("round") + 1,
        words="",
        failures=0,
        again_at=None,
        finished_at=None,
        rewrite=None,
        is_forced=is_forced,
    )
    jobs.enqueue(KIND, export.code)
    jobs.hasten(KIND, export.code)


def cancel_export(export: Export) -> None:
    """It stops at the next step; what stands on Spotify stays. Of a finished one nothing changes."""
    with transaction.atomic():
        unfinished = Export.objects.filter(pk=export.pk, state__in=[*Export.RUNNING, Export.State.PAUSED])
        end = {"state": Export.State.CANCELLED, "words": "", "again_at": None, "finished_at": timezone.now()}
        if unfinished.update(**end):
            _close_journal(export)


def _close_journal(export: Export) -> None:
    """Somebody who is writing by it notices at the next step."""
    open_one = Rewrite.objects.filter(exports=export, state=Rewrite.State.WRITING)
    open_one.update(state=Rewrite.State.STOPPED, finished_at=timezone.now())


def link_account(user: User, code: str, verifier: str, redirect_uri: str) -> SpotifyLink:
    """`user` came back from Spotify with a code. What waited for the account goes on."""
    tokens = spotify.oauth().exchange(code, verifier, redirect_uri)
    link = linking.save_link(user, tokens, spotify.connect(tokens.access).me())
    with transaction.atomic():
        for export in Export.objects.select_for_update().filter(owner=user, state=Export.State.PAUSED):
            _start(export)
        note(user, "link_spotify")
    return link


def disconnect(user: User) -> None:
    """Tokens, name, backups and the list of exports go; the playlists on Spotify are the person's own."""
    if linking.link_of(user):
        note(user, "unlink_spotify")
    linking.forget(user)

"""One export, as far as it gets in a minute: make the playlist, write it, look whether it is right."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext, override

from pika.errors import Problem
from pika.gateways import spotify
from playlists import linking, rewriting
from playlists.models import Export, Rewrite
from tracks.models import SpotifyTrack

log = logging.getLogger(__name__)

A_RUN = 60.0  # seconds; well below the lease of the job
MOST_FAILURES = 12
_LANDING = timedelta(seconds=5)  # what a lost answer's change may still need to arrive
_PATIENT = timedelta(hours=1)


def go_on(code: str) -> datetime | None:
    """The next part of this export; when to come again, or None. Whatever Spotify does ends here in words."""
    export = Export.objects.select_related("owner", "rewrite").filter(code=code).first()
    if export is None or not export.is_running:
        return None
    with override(None):
        return _go_on(export)


def _go_on(export: Export) -> datetime | None:
    try:
        return linking.ask(export.owner, lambda client: _work(export, client))
    except spotify.Away as problem:
        return _later(export, problem.words, timedelta(seconds=problem.retry_after))
    except spotify.Unknown as problem:
        return _fail_some(export, problem.words)
    except spotify.NeedsRelink as problem:
        return _stop(export, Export.State.PAUSED, problem.words)
    except rewriting.Conflict as problem:
        return _stop(export, Export.State.CONFLICT, str(problem))
    except rewriting.DeadTracks as problem:
        return _leave_out(export, problem.ids)
    except spotify.Gone:
        words = gettext("The playlist is not on Spotify any more. Make a new one, if you like.")
        return _stop(export, Export.State.FAILED, words)
    except spotify.SpotifyError as problem:
        return _stop(export, Export.State.FAILED, problem.words)
    except Problem as problem:
        if problem.code == "being_written":
            return _later(export, problem.message, timedelta(seconds=60))
        return _stop(export, Export.State.FAILED, problem.message)


def _work(export: Export, client: Any) -> datetime | None:
    until = monotonic() + A_RUN
    account = linking.link_of(export.owner)
    if account is None or (export.playlist_id and export.account_id != account.account_id):
        words = gettext("This playlist belongs to another Spotify account than the one you have linked now.")
        return _stop(export, Export.State.FAILED, words)
    snapshot = ""
    if not export.playlist_id:
        made = _create(export, client, account.account_id)
        if made is None:
            return None  # cancelled meanwhile
        snapshot = made.snapshot_id
    # What is brought back may be more than tracks: an episode is a whole URI.
    known, target = None, [its if ":" in its else f"spotify:track:{its}" for its in export.wanted]
    its = export.rewrite
    if its is None or its.state != Rewrite.State.WRITING:
        # Nothing is lost if a track is dead: what stands there is what we wrote, or was kept.
        its, known = rewriting.begin(
            export.owner,
            client,
            export.playlist_id,
            target,
            snapshot,
            is_checked=True,
            is_ours=_recogniser(export),
            is_wanted=lambda its: _save(export, rewrite=its, state=Export.State.WRITING),
        )
        if its.state != Rewrite.State.WRITING:
            return None
    if not rewriting.go_on(its, client, known, until, _teller(export)):
        _save(export, failures=0, words="", again_at=None)
        return timezone.now()
    if its.state == Rewrite.State.DONE:
        _save(export, last_written=its.target, written=len(its.target), failures=0, is_forced=False)
        return _stop(export, Export.State.DONE, "")
    return None


def _teller(export: Export) -> Callable[[int], bool]:
    def told(rows: int) -> bool:
        return _save(export, written=min(rows, len(export.wanted)), failures=0)

    return told


def _recogniser(export: Export) -> Callable[[list[str]], bool]:
    """Whether these rows are what we left there, and not somebody else's."""

    def is_ours(keys: list[str]) -> bool:
        if export.is_forced or keys == export.last_written:
            return True
        last = Rewrite.objects.filter(playlist_id=export.playlist_id, owner=export.owner).order_by("-pk").first()
        return last is not None and rewriting.was_on_the_way(last, keys)

    return is_ours


def _create(export: Export, client: Any, account_id: str) -> spotify.Playlist | None:
    """The playlist; if we asked for it once and were not told, it is looked for first."""
    made: spotify.Playlist | None = None
    if export.asked_at:
        made = next((one for one in client.newest() if export.marker in one.description), None)
    if made is None:
        if not _save(export, asked_at=timezone.now(), account_id=account_id, state=Export.State.CREATING):
            return None
        try:
            made = client.create(export.title, _description(export), export.is_public)
        except spotify.Unknown:
            raise
        except spotify.SpotifyError:  # it was not done
            _save(export, asked_at=None)
            raise
    assert made is not None
    is_wanted = _save(export, playlist_id=made.id, playlist_url=made.url, account_id=account_id, failures=0)
    return made if is_wanted else None


def _description(export: Export) -> str:
    """At most 300 letters in one line: Spotify refuses more."""
    said = " ".join(export.description.split())
    return f"{said} · {export.marker}" if said else export.marker


def _leave_out(export: Export, dead: list[str]) -> datetime | None:
    """These are not on Spotify any more: they are listed as missing, and the rest is written."""
    why = gettext("Spotify does not have it any more.")
    missing = [*export.missing, *({"words": f"https://open.spotify.com/track/{its}", "why": why} for its in dead)]
    wanted = [its for its in export.wanted if its not in dead]
    SpotifyTrack.objects.filter(spotify_id__in=dead, gone_at=None).update(gone_at=timezone.now())
    if export.rewrite:
        rewriting.finish(export.rewrite, Rewrite.State.STOPPED, why)
    written = min(export.written, len(wanted))
    if not wanted:
        _save(export, missing=missing)
        return _stop(export, Export.State.FAILED, gettext("Spotify has none of these songs any more."))
    # What stands there now is a part of what we were writing: no reason to ask the person.
    _save(export, wanted=wanted, missing=missing, written=written, rewrite=None, is_forced=True)
    return timezone.now()


# --- Write it down; only while somebody still wants it -------------------------------------------------------------
def _save(export: Export, **fields: Any) -> bool:
    """Whether it is still wanted: not cancelled, not deleted, not begun anew."""
    for name, value in fields.items():
        setattr(export, name, value)
    mine = Export.objects.filter(pk=export.pk, round=export.round, state__in=Export.RUNNING)
    return bool(mine.update(**fields))


def _later(export: Export, words: str, wait: timedelta) -> datetime:
    again_at = timezone.now() + wait
    _save(export, words=words, again_at=again_at)
    return again_at


def _fail_some(export: Export, words: str) -> datetime | None:
    failures = export.failures + 1
    if failures > MOST_FAILURES:
        return _stop(export, Export.State.FAILED, gettext("Spotify fails again and again. Try again later."))
    _save(export, failures=failures)
    return _later(export, words, min(_LANDING * 2 ** (failures - 1), _PATIENT))


def _stop(export: Export, state: str, words: str) -> datetime | None:
    if state != Export.State.DONE:
        log.info("export %s: %s: %s", export.code, state, words)
    _save(export, state=state, words=words, again_at=None, finished_at=timezone.now())
    return None


def forget_backups() -> None:
    """Journals that are old enough; of one that is being written never."""
    before = timezone.now() - timedelta(seconds=settings.SPOTIFY_BACKUPS_KEPT)
    Rewrite.objects.filter(finished_at__lt=before).delete()

"""Which recording a DJ means: by its code, by a link they pasted; made where it is new. And their verdict on it."""

from collections.abc import Callable

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from pika.errors import Problem
from pika.spotify_links import track_id
from stages.models import Play
from tracks.actions.linking import link_isrc_later
from tracks.actions.verify import Verdict, say, withdraw
from tracks.models import SpotifyTrack, Track
from tracks.recognition import TRUSTED, tracks_by_isrc
from tracks.repository import NewTrack, add_tracks

WITHDRAW = "withdraw"
# What a catalogue says of one of its ids, for a user who linked an account there. None: it cannot be asked now.
# Problem `link_gone`: it does not know the id (any more). Filled in by whoever knows a catalogue.
lookups: list[Callable[[User, str], NewTrack | None]] = []


def judge(dj: User, play: Play, verdict: str, track: str = "", link: str = "") -> Track | None:
    """`dj`'s verdict on a play of their own; the recording it is about, named by its code or by a pasted link."""
    if verdict == WITHDRAW:
        withdraw(dj, play)
        return None
    if verdict == Verdict.SKIP:
        say(dj, play, Verdict.SKIP)
        return None
    meant = track_of_code(track) if track else track_for_link(track_id(link), play) if link.strip() else None
    say(dj, play, Verdict(verdict), meant)
    return meant


def track_of_code(code: str) -> Track:
    """The recording with this code, or what it was merged into; Problem (404)."""
    track = Track.objects.select_related("merged_into").filter(code=code).first()
    if track is None:
        raise Problem(
            gettext("This recording is not known. Look at the suggestions again."), "track_not_found", 404, "trackId"
        )
    return track.merged_into or track


def track_for_link(spotify_id: str, play: Play) -> Track:
    """The recording that this id of Spotify's is. A new one is called as Spotify says, else as the play is.

    Asks the network where an account is linked: call it outside of transactions. Problem (404): it is not there.
    """
    if track := _known(spotify_id):
        return track
    new = _looked_up(play.session.dj, spotify_id) or _called(play)
    new.spotify_ids = [spotify_id]
    try:
        with transaction.atomic():
            return _add(new, spotify_id)
    except IntegrityError:  # somebody pasted the same link in the same moment
        if track := _known(spotify_id):
            return track
        raise


def _known(spotify_id: str) -> Track | None:
    its = SpotifyTrack.objects.select_related("track__merged_into").filter(spotify_id=spotify_id).first()
    if its is None:
        return None
    track = its.track.merged_into or its.track
    if its.gone_at and not track.spotify_tracks.filter(gone_at=None).exists():
        raise link_gone()
    return track


def link_gone() -> Problem:
    """For a link that leads nowhere any more."""
    words = gettext(
        "Spotify does not have this track any more. Search there for the song again, and paste its new link."
    )
    return Problem(words, "link_gone", 404, field="link")


def _looked_up(dj: User, spotify_id: str) -> NewTrack | None:
    return next((found for ask in lookups if (found := ask(dj, spotify_id))), None)


def _called(play: Play) -> NewTrack:
    """As the DJ's files call it. Their ISRC is kept, and trusted by nobody."""
    names = {"title": play.title, "artist": play.artist, "version": play.remix, "album": play.album}
    return NewTrack(**names, isrc=play.isrc, duration_ms=play.duration_ms, bpm=play.bpm, source="file")


def _add(new: NewTrack, spotify_id: str) -> Track:
    """Another id of a recording that we know by its ISRC, or a recording of its own."""
    code = new.isrc.upper()
    known = tracks_by_isrc({code}).get(code) if code and new.source in TRUSTED else None
    if known:
        SpotifyTrack.objects.create(spotify_id=spotify_id, track_id=known, added_at=timezone.now())
        return Track.objects.get(pk=known)
    [track] = add_tracks([new])
    if new.source in TRUSTED:
        link_isrc_later(track.isrc)
    if new.source == "file":
        track.sources |= {name: "dj" for name in ("title", "artist", "version") if name in track.sources}
        track.save(update_fields=["sources"])
    return track

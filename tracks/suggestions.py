"""What a play may be, as a DJ is offered it: what others said, the repository, then catalogues elsewhere."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Max, Min
from django.utils.translation import gettext

from accounts.models import User
from pika.spotify_links import track_link
from pika.titles import parse
from stages.models import Play
from tracks.matching import Difference, Reason, clock, compare
from tracks.models import Identity, SpotifyTrack, Track
from tracks.recognition import named, names_of, words_on
from tracks.repository import SUGGESTED, NewTrack, candidates, name_of

# Searches elsewhere (Spotify), for a user who linked an account there; a Problem where they cannot be asked now.
suggesters: list[Callable[[User, Play], list[NewTrack]]] = []
# Whether a search elsewhere would be worth waiting for; what linking would add, in words, and where to link.
can_search: list[Callable[[User], bool]] = []
would_add: list[Callable[[User], tuple[str, str] | None]] = []


@dataclass(frozen=True)
class Answer:
    """What DJs say that something is: how many of them, since when and until when."""

    track: Track
    voices: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True)
class Offer:
    """A recording that a play may be: one we know (`code`), or one that a catalogue has (`spotify_id`)."""

    title: str
    version: str
    artist: str
    album: str
    isrc: str
    duration_ms: int | None
    words: str
    code: str = ""
    spotify_id: str = ""
    djs: int = 0
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    answer: Answer | None = None
    link: str = ""  # where one can listen to it

    @property
    def choice(self) -> str:
        """What a form sends to mean it."""
        return f"track:{self.code}" if self.code else f"link:{self.spotify_id}"

    @property
    def clock(self) -> str:
        return clock(self.duration_ms) if self.duration_ms else ""


def conflict_of(play: Play) -> list[Answer]:
    """The competing answers where DJs disagree about the play; the most voices first. Empty: they do not."""
    names = names_of(play)
    found = {(its.kind, its.value): its for its in Identity.objects.filter(named(names))}
    for name in names:
        its = found.get(name)
        if its and its.track_id:
            return []  # settled by the stronger one
        if its and its.state == Identity.State.CONFLICT:
            return answers_of(its)
    return []


def answers_of(identity: Identity) -> list[Answer]:
    """What is said of an identity, the most voices first."""
    told = words_on(identity).order_by().values_list("answer", "voice")
    votes: dict[int, int] = {}
    since: dict[int, datetime] = {}
    until: dict[int, datetime] = {}
    for track, _voice, first, last in told.annotate(first=Min("said_at"), last=Max("said_at")):
        votes[track] = votes.get(track, 0) + 1
        since[track] = min(first, since.get(track, first))
        until[track] = max(last, until.get(track, last))
    tracks = Track.objects.in_bulk(votes)
    return [
        Answer(tracks[pk], votes[pk], since[pk], until[pk]) for pk in sorted(votes, key=lambda pk: (-votes[pk], pk))
    ]


def suggest(play: Play, without: Collection[str] = (), conflict: Collection[Answer] = ()) -> list[Offer]:
    """What the play may be, without those choices; competing answers first, and all of them, then the likeliest."""
    offers = {offer.code: offer for offer in (_contested(play, answer) for answer in conflict)}
    for its in candidates(play, SUGGESTED + len(without)):
        if its.track.code not in offers:
            offers[its.track.code] = _of_track(its.track, its.reason, its.differences, its.djs)
    left = [offer for offer in offers.values() if offer.choice not in without][: max(SUGGESTED, len(conflict))]
    living = SpotifyTrack.objects.filter(track__code__in=[offer.code for offer in left], gone_at=None)
    ids = dict(living.order_by("-pk").values_list("track__code", "spotify_id"))
    return [replace(offer, link=track_link(ids[offer.code])) if offer.code in ids else offer for offer in left]


def search_elsewhere(dj: User, play: Play, known: Collection[Offer], without: Collection[str] = ()) -> list[Offer]:
    """What catalogues find beyond that; asks the network. Problem: they cannot be asked now."""
    found = [_of_catalogue(play, new) for search in suggesters for new in search(dj, play)]
    seen = {(parse(o.artist, o.title, o.version).identity, o.isrc) for o in known}
    isrcs = {isrc for _, isrc in seen if isrc}
    names = {name for name, _ in seen if name}
    new = [
        offer
        for offer in found
        if offer.choice not in without
        and offer.isrc not in isrcs
        and parse(offer.artist, offer.title, offer.version).identity not in names
    ]
    return new[: max(0, SUGGESTED - len(known))]


def _of_track(track: Track, reason: Reason, differences: tuple[Difference, ...], djs: int) -> Offer:
    return Offer(
        title=track.title,
        version=track.version,
        artist=track.artist,
        album=track.album,
        isrc=track.isrc,
        duration_ms=track.duration_ms,
        words=gettext("Others say so of this name") if djs and reason == Reason.SAME_NAME else str(reason.label),
        code=track.code,
        djs=djs,
        reason=str(reason.value),
        differences=differences,
    )


def _contested(play: Play, answer: Answer) -> Offer:
    track = answer.track
    alike = compare(parse(play.artist, play.title, play.remix), name_of(track), play.duration_ms, track.duration_ms)
    reason = alike.reason or Reason.SIMILAR
    offer = _of_track(track, reason, alike.differences, answer.voices)
    return replace(offer, words=gettext("Others say so"), reason="conflict", answer=answer)


def _of_catalogue(play: Play, new: NewTrack) -> Offer:
    alike = compare(parse(play.artist, play.title, play.remix), new.name, play.duration_ms, new.duration_ms)
    spotify_id = next(iter(new.spotify_ids), "")
    words = gettext("On Spotify: %(why)s") % {"why": alike.reason.label} if alike.reason else gettext("On Spotify")
    return Offer(
        title=new.name.shown_title or new.title,
        version=new.name.shown_version,
        artist=new.artist,
        album=new.album,
        isrc=new.isrc,
        duration_ms=new.duration_ms,
        words=words,
        spotify_id=spotify_id,
        link=track_link(spotify_id) if spotify_id else "",
        reason="spotify",
        differences=alike.differences,
    )

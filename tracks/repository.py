"""The recordings everybody knows: add one, find one by its name, and what a play may be."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.db.models import Count, Q

from pika.titles import IDENTITY_LENGTH, Name, fold, is_all_version, parse
from stages.models import Play
from tracks.keys import play_keys, track_keys
from tracks.matching import Likeness, Reason, Suggestion, compare
from tracks.models import Identity, SpotifyTrack, Track, TrackKey, Verification
from tracks.recognition import named, names_of

# Of one key no more than so many recordings are looked at, and of all of them these are compared.
PER_KEY, COMPARED = 25, 24
SUGGESTED = 5
_CHUNK = 2000

_REASONS = {
    Identity.Kind.AUDIO: Reason.SAME_AUDIO,
    Identity.Kind.FILE: Reason.SAME_FILE,
    Identity.Kind.STREAM: Reason.SAME_STREAM,
    Identity.Kind.ISRC: Reason.SAME_ISRC,
    Identity.Kind.NAME: Reason.SAME_NAME,
    Identity.Kind.PLAY: Reason.SAME_FILE,  # the very play: somebody said what it was
}


@dataclass
class NewTrack:
    """A recording as a shop or a DJ names it: the version may stand in the title."""

    title: str
    artist: str = ""
    album: str = ""
    isrc: str = ""
    duration_ms: int | None = None
    bpm: float | None = None
    spotify_ids: Sequence[str] = ()
    source: str = "spotify"
    version: str = ""
    name: Name = field(init=False)

    def __post_init__(self) -> None:
        self.name = parse(self.artist, self.title, self.version)


# --- Adding ----------------------------------------------------------------------------------------------------
def add_tracks(new: Iterable[NewTrack]) -> list[Track]:
    """Each a recording of its own, with its keys; `tracks.actions.recordings` asks whether we have it already."""
    every = list(new)
    with transaction.atomic():
        tracks = Track.objects.bulk_create((track_of(one) for one in every), batch_size=_CHUNK)
        SpotifyTrack.objects.bulk_create(
            (
                SpotifyTrack(spotify_id=spotify_id, track=track)
                for track, one in zip(tracks, every, strict=True)
                for spotify_id in one.spotify_ids
            ),
            batch_size=_CHUNK,
        )
        TrackKey.objects.bulk_create(
            (
                TrackKey(key=key, track=track)
                for track, one in zip(tracks, every, strict=True)
                for key in track_keys(one.name)
            ),
            batch_size=_CHUNK,
        )
    return tracks


def rename(track: Track) -> None:
    """After its title, artist or version changed: its identity and keys."""
    name = parse(track.artist, track.title, track.version)  # not of its identity, which is the old one
    track.identity = name.identity
    with transaction.atomic():
        track.save(update_fields=["title", "artist", "version", "identity"])
        TrackKey.objects.filter(track=track).delete()
        TrackKey.objects.bulk_create(TrackKey(key=key, track=track) for key in track_keys(name))


def name_of(track: Track) -> Name:
    """Its name taken apart; from its identity where that tells all, which is much cheaper than from the text."""
    who, dash, what = track.identity.partition(" – ")
    title = fold(track.title)
    if not dash or len(track.identity) == IDENTITY_LENGTH or not f"{what} ".startswith(f"{title} "):
        return parse(track.artist, track.title, track.version)
    shown = (track.artist, track.title, track.version)
    return Name(frozenset(who.split(" + ")), title, what[len(title) + 1 :], *shown, ())


def track_of(new: NewTrack) -> Track:
    """As a row, not saved yet."""
    told: dict[str, object] = {"title": new.title, "artist": new.artist, "album": new.album, "isrc": new.isrc}
    told |= {"duration_ms": new.duration_ms, "bpm": new.bpm}
    return Track(
        title=(new.name.shown_title or new.title)[:500],
        version=new.name.shown_version[:200],
        artist=new.name.shown_artist[:500],
        album=new.album[:500],
        isrc=new.isrc[:12].upper(),
        duration_ms=new.duration_ms,
        bpm=new.bpm,
        identity=new.name.identity,
        sources={name: new.source for name, value in told.items() if value},
    )


# --- Finding ---------------------------------------------------------------------------------------------------
def candidates(play: Play, count: int = SUGGESTED) -> list[Suggestion]:
    """What a play may be, best first: what its file, ISRC or name is known as, then what is called alike."""
    names = _readings(play)
    known = _known(play)
    by_key = _by_key({key for name in names for key in play_keys(name)})
    named = Track.objects.filter(pk__in=[*{track for track, _ in known}, *by_key])
    alike = Track.objects.filter(_same(play.isrc.upper(), names[0].identity))
    best: dict[int, Suggestion] = {}
    for track in [*alike.select_related("merged_into")[:SUGGESTED], *named.select_related("merged_into")]:
        likeness = _likeness(names, play, track)
        for suggestion in _suggestions(play, track, likeness, known):
            other = best.get(suggestion.track.pk)
            if other is None or suggestion.rank < other.rank:
                best[suggestion.track.pk] = suggestion
    return sorted(best.values(), key=lambda it: (*it.rank, it.track.pk))[:count]


def _readings(play: Play) -> list[Name]:
    """How its tags may be meant: as they say; with the title in the artist's; with the two swapped."""
    names = [parse(play.artist, play.title, play.remix)]
    if play.artist and is_all_version(play.title):
        names.append(parse("", f"{play.artist} - {play.title}", play.remix))
    elif play.artist:
        names.append(parse(play.title, play.artist, play.remix))
    return names


def _likeness(names: list[Name], play: Play, track: Track) -> Likeness:
    its = name_of(track)
    every = (compare(name, its, play.duration_ms, track.duration_ms) for name in names)
    first = next(every)
    return first if first.reason else next((other for other in every if other.reason), first)


def _same(isrc: str, name: str) -> Q:
    """The recordings of that ISRC or name; none without either."""
    same = Q(pk__in=[])
    if isrc:
        same |= Q(isrc=isrc)
    if name:
        same |= Q(identity=name)
    return same


def _suggestions(
    play: Play, track: Track, likeness: Likeness, known: dict[tuple[int, Reason], int]
) -> Iterable[Suggestion]:
    whole = track.merged_into or track
    for (pk, reason), djs in known.items():
        if pk == track.pk:
            yield Suggestion(whole, reason, likeness.score, likeness.differences, djs)
    if play.isrc and track.isrc == play.isrc.upper():
        yield Suggestion(whole, Reason.SAME_ISRC, likeness.score, likeness.differences)
    if likeness.reason:
        yield Suggestion(whole, likeness.reason, likeness.score, likeness.differences)


def _known(play: Play) -> dict[tuple[int, Reason], int]:
    """(track, reason) → how many DJs say so: of the play's identities, what is settled and what somebody said."""
    found = {row.pk: row for row in Identity.objects.filter(named(names_of(play)))}
    known = {(row.track_id, _REASONS[Identity.Kind(row.kind)]): 0 for row in found.values() if row.track_id}
    said = (
        Verification.objects.counting()
        .filter(identities__in=list(found))
        .values_list("answer", "identities__kind")
        .annotate(djs=Count("voice", distinct=True))
    )
    for track, kind, djs in said:
        known[track, _REASONS[Identity.Kind(kind)]] = djs
    return known


def _by_key(keys: Iterable[int]) -> list[int]:
    """The recordings that share most keys; of each key only the first PER_KEY, however many there are."""
    sought = sorted(keys)
    if not sought:
        return []
    one = f"SELECT track_id FROM (SELECT track_id FROM {TrackKey._meta.db_table} WHERE key = %s LIMIT {PER_KEY}) AS k"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT track_id, COUNT(*) FROM ({' UNION ALL '.join([one] * len(sought))}) AS found "
            f"GROUP BY track_id ORDER BY COUNT(*) DESC, track_id LIMIT {COMPARED}",
            sought,
        )
        return [row[0] for row in cursor.fetchall()]

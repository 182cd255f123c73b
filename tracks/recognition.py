"""Which recording a play is: what its identities are, what DJs said of them, what follows."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from stages.models import Play
from tracks.matching import is_other_length
from tracks.models import Identity, PlayLink, Track, Verification

Kind, State, Verdict, How = Identity.Kind, Identity.State, Verification.Verdict, PlayLink.How
Name = tuple[str, str]  # kind and value of an identity
VOICES, LEAD = 3, 2  # DJs who agree, and by how many they are ahead of any other answer, to settle it for everyone
# Whose ISRC is the recording's: a tag in a file may be anybody's.
TRUSTED = {"spotify", "admin"}


def names_of(play: Play) -> list[Name]:
    """The identities of a play, the strongest first; at least one."""
    known = [
        (Kind.AUDIO, play.audio_hash),
        (Kind.FILE, play.file_hash),
        (Kind.STREAM, play.stream_id),
        (Kind.ISRC, play.isrc),
        (Kind.NAME, play.identity),
    ]
    return [(str(kind), value) for kind, value in known if value] or [(str(Kind.PLAY), str(play.uuid))]


def named(names: Collection[Name]) -> Q:
    """Identities with these names."""
    by_kind = defaultdict(list)
    for kind, value in names:
        by_kind[kind].append(value)
    query = Q(pk__in=[])
    for kind, values in by_kind.items():
        query |= Q(kind=kind, value__in=values)
    return query


def plays_of(identities: Iterable[Identity]) -> Q:
    """Plays that have one of these identities."""
    columns = {
        Kind.AUDIO: "audio_hash",
        Kind.FILE: "file_hash",
        Kind.STREAM: "stream_id",
        Kind.ISRC: "isrc",
        Kind.NAME: "identity",
        Kind.PLAY: "uuid",
    }
    query = Q(pk__in=[])
    for its in identities:
        query |= Q(**{columns[Kind(its.kind)]: its.value})
    return query


# --- What everybody says together -------------------------------------------------------------------------
@dataclass(frozen=True)
class Tally:
    """How many voices each track has (the root of merged ones), of an identity."""

    votes: Counter[int]

    @property
    def winner(self) -> int | None:
        """The track that is settled for everyone: three voices, two ahead of the next."""
        first, second = ([*self.votes.most_common(2), (0, 0), (0, 0)])[:2]
        return first[0] if first[1] >= VOICES and first[1] - second[1] >= LEAD else None

    @property
    def state(self) -> Identity.State:
        if self.winner:
            return State.SETTLED
        return State.CONFLICT if len(self.votes) > 1 else State.OPEN


def words_on(identity: Identity) -> QuerySet[Any]:
    """What counts of what was said of an identity."""
    return Verification.objects.counting().filter(identities=identity)


def tally(identity: Identity) -> Tally:
    """Count the voices of an identity. A person has one for a track, whatever the number of accounts and files.

    Who says two tracks of one name (an untagged remix) speaks for both: then the name alone says nothing.
    """
    said = set(words_on(identity).values_list("voice", "answer"))
    return Tally(Counter(answer for _voice, answer in said))


# --- What a play is --------------------------------------------------------------------------------------
@dataclass
class Known:
    """What is known of some identities: settled tracks, and what one DJ said of each."""

    settled: dict[Name, Track] = field(default_factory=dict)
    by_admin: set[Name] = field(default_factory=set)
    own: dict[Name, Track] = field(default_factory=dict)
    exact: set[Name] = field(default_factory=set)  # of these the DJ spoke, of the others only by their name
    refused: dict[Name, set[int]] = field(default_factory=lambda: defaultdict(set))
    isrc: dict[str, int] = field(default_factory=dict)

    def recognise(self, play: Play) -> tuple[int, PlayLink.How] | None:
        """The track this play is and how we know; of the strongest identity, the DJ's own word first."""
        refused: set[int] = set()
        for name in names_of(play):
            refused |= self.refused.get(name, set())
            own = self.own.get(name)
            if own and (name in self.exact or self._fits(name, own, play)):
                return own.pk, How.OWN
            settled = self.settled.get(name)
            if settled and settled.pk not in refused:
                if name in self.by_admin:
                    return settled.pk, How.ADMIN
                # A name may be written of an edit, too: of another length it is only suggested.
                if self._fits(name, settled, play):
                    return settled.pk, How(name[0])
            if name[0] == Kind.ISRC and (track := self.isrc.get(name[1])) and track not in refused:
                return track, How.ISRC
        return None

    @staticmethod
    def _fits(name: Name, track: Track, play: Play) -> bool:
        return name[0] != Kind.NAME or not is_other_length(track.duration_ms, play.duration_ms)


def known_of(plays: Collection[Play], dj_id: int) -> Known:
    """What is known of the plays of one DJ; a handful of queries, however many they are."""
    names = {name for play in plays for name in names_of(play)}
    known = Known()
    identities = {its.pk: its for its in Identity.objects.filter(named(names)).select_related("track__merged_into")}
    for its in identities.values():
        if its.track:
            known.settled[its.kind, its.value] = its.track.merged_into or its.track
            if its.state == State.OVERRIDDEN:
                known.by_admin.add((its.kind, its.value))
    _hear_own(known, identities, dj_id)
    known.isrc = tracks_by_isrc({value for kind, value in names if kind == Kind.ISRC})
    return known


def _hear_own(known: Known, identities: dict[int, Identity], dj_id: int) -> None:
    """What the DJ said of exactly these; else, where all words on files of that name agree, what they agree on."""
    said = Verification.identities.through.objects.filter(
        identity__in=identities, verification__dj=dj_id, verification__withdrawn_at=None
    )
    root = Coalesce("verification__track__merged_into", "verification__track")
    around: dict[Name, set[int]] = defaultdict(set)
    exact: dict[Name, int] = {}
    for its_id, about, verdict, track, also in said.values_list(
        "identity_id", "verification__identity_id", "verification__verdict", root, "verification__also"
    ):
        name = (identities[its_id].kind, identities[its_id].value)
        if verdict == Verdict.CONFIRM and about == its_id:
            exact[name] = track
        elif verdict == Verdict.CONFIRM:
            around[name].add(track)
        elif verdict == Verdict.REJECT:
            known.refused[name] |= {track, *also}
    ids = {name: next(iter(tracks)) for name, tracks in around.items() if len(tracks) == 1} | exact
    tracks = Track.objects.in_bulk(set(ids.values())) if ids else {}
    known.own, known.exact = {name: tracks[pk] for name, pk in ids.items()}, set(exact)


def tracks_by_isrc(codes: Collection[str]) -> dict[str, int]:
    """{ISRC: the one track it is}, as far as somebody said so who knows, and only one has it."""
    found: dict[str, set[int]] = defaultdict(set)
    for track in Track.objects.filter(isrc__in=codes):
        if track.sources.get("isrc") in TRUSTED:
            found[track.isrc].add(track.merged_into_id or track.pk)
    return {code: next(iter(tracks)) for code, tracks in found.items() if len(tracks) == 1}

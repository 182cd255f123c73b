"""What a DJ may still say of a set: one question for each recording in it, the most useful first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count
from django.db.models.functions import Coalesce

from stages.models import Play, Session
from tracks.models import Identity, PlayLink, Track, Verification
from tracks.recognition import Name, named, names_of


@dataclass
class Question:
    """One recording of a set, as far as its identity tells: what was it?"""

    play: Play  # the first one
    name: Name  # its strongest identity
    times: int  # heard in this set
    heard: int  # heard at all, by anybody, under this name
    link: PlayLink | None
    word: Verification | None  # what the DJ said
    place: int = 0  # in the order that they are asked; stays while they are answered
    plays: tuple[UUID, ...] = ()  # all of them in this set

    @property
    def is_open(self) -> bool:
        """Nothing is settled for this DJ yet: “not this one” is no answer."""
        return self.link is None and (self.word is None or self.word.verdict == Verification.Verdict.REJECT)


def questions_of(session: Session) -> list[Question]:
    """Everything of this set, open questions first, of these the most played; constant queries."""
    by_name = _by_name(session.plays.order_by("played_at", "pk").select_related("link__track"))
    words = _words(session.dj_id, by_name)
    heard = _heard(by_name)
    made = []
    for name, plays in by_name.items():
        first = plays[0]
        first.session = session
        times = max(heard.get(first.identity, 0), len(plays))
        every = tuple(play.uuid for play in plays)
        link, word = getattr(first, "link", None), words.get(name)
        made.append(Question(first, name, len(plays), times, link, word, plays=every))
    made.sort(key=lambda question: -question.heard)
    for place, question in enumerate(made):
        question.place = place
    return sorted(made, key=lambda question: not question.is_open)


def next_of(questions: Iterable[Question], after: int = -1) -> Question | None:
    """The open question behind that place; behind the last one those that were left for later."""
    still = [question for question in questions if question.is_open]
    return next((question for question in still if question.place > after), next(iter(still), None))


def refused_of(word: Verification | None) -> list[str]:
    """The codes of what a DJ said it is not: all of it, not the last alone."""
    if word is None or word.verdict != Verification.Verdict.REJECT:
        return []
    root = Coalesce("merged_into__code", "code")
    return sorted(set(Track.objects.filter(pk__in=[word.track_id, *word.also]).values_list(root, flat=True)))


def word_on(play: Play) -> Verification | None:
    """What its DJ said of it."""
    name = names_of(play)[0]
    return _words(play.session.dj_id, [name]).get(name)


def open_counts(sessions: Sequence[Session]) -> dict[int, tuple[int, int]]:
    """{session: (open questions, all of them)}; for sets of one DJ, in three queries."""
    columns = ("uuid", "session_id", "audio_hash", "file_hash", "stream_id", "isrc", "identity")
    plays = Play.objects.filter(session__in=sessions).select_related("link").only(*columns, "link__play")
    by_session: dict[int, list[Play]] = {}
    for play in plays.order_by("played_at", "pk"):
        by_session.setdefault(play.session_id, []).append(play)
    every = {names_of(play)[0] for theirs in by_session.values() for play in theirs}
    words = _words(sessions[0].dj_id, every) if every else {}
    counted = {}
    for session, theirs in by_session.items():
        asked = [
            Question(same[0], name, 0, 0, getattr(same[0], "link", None), words.get(name))
            for name, same in _by_name(theirs).items()
        ]
        counted[session] = (sum(question.is_open for question in asked), len(asked))
    return counted


def _by_name(plays: Iterable[Play]) -> dict[Name, list[Play]]:
    by_name: dict[Name, list[Play]] = {}
    for play in plays:
        by_name.setdefault(names_of(play)[0], []).append(play)
    return by_name


def _words(dj_id: int, names: Iterable[Name]) -> dict[Name, Verification]:
    mine = Verification.objects.standing().filter(dj=dj_id, identity__in=Identity.objects.filter(named(list(names))))
    return {(its.identity.kind, its.identity.value): its for its in mine.select_related("identity", "track")}


def _heard(by_name: dict[Name, list[Play]]) -> dict[str, int]:
    same = Play.objects.filter(identity__in={plays[0].identity for plays in by_name.values()} - {""})
    return dict(same.order_by().values_list("identity").annotate(Count("pk")))

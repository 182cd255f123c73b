"""A DJ says what a play was; enough of them settle it for everyone."""

from collections.abc import Collection, Iterable

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from pika.errors import Problem
from stages.models import Play
from tracks.actions.linking import link_later, link_own
from tracks.models import Identity, Track, Verification
from tracks.recognition import Name, named, names_of, tally

Verdict = Verification.Verdict
State = Identity.State


@transaction.atomic
def say(dj: User, play: Play, verdict: Verification.Verdict, track: Track | None = None) -> Verification:
    """`dj`'s word on a play of their own: it is `track`, it is not, or (without one) never mind. The latest stands.

    Their own plays are linked at once; if it settles the matter, those of everyone a moment later.
    """
    if (track is None) != (verdict == Verdict.SKIP):
        raise Problem(gettext("Say which recording you mean."), "no_track", 400, field="trackId")
    names = names_of(play)
    identities = _lock(dj, names)
    before = (
        Verification.objects.standing().filter(dj=dj, identity=identities[names[0]], verdict=Verdict.REJECT).first()
    )
    its, _ = Verification.objects.update_or_create(
        dj=dj,
        identity=identities[names[0]],
        defaults={
            "play": play,
            "track": track and (track.merged_into or track),
            "verdict": verdict,
            "also": sorted({*before.also, before.track_id}) if before and verdict == Verdict.REJECT else [],
            "said_at": timezone.now(),
            "withdrawn_at": None,
        },
    )
    its.identities.add(*(identities[name] for name in names))
    recount(identities.values())
    link_own(dj, identities.values())
    return its


@transaction.atomic
def withdraw(dj: User, play: Play) -> None:
    """`dj` takes their word on this play back. Without one, or twice, nothing happens."""
    names = names_of(play)
    identities = _lock(dj, names)
    mine = Verification.objects.standing().filter(dj=dj, identity=identities[names[0]])
    if mine.update(withdrawn_at=timezone.now()):
        recount(identities.values())
        link_own(dj, identities.values())


def _lock(dj: User, names: Collection[Name]) -> dict[Name, Identity]:
    """These identities, made where they are new, and those of the DJ's earlier word on the strongest of them.

    Two DJs who speak of the same at once come one after the other, or each would count without the other.
    """
    Identity.objects.bulk_create([Identity(kind=k, value=v) for k, v in names], ignore_conflicts=True)
    theirs = set(Identity.objects.filter(named(names)).values_list("pk", flat=True))
    first = Identity.objects.filter(named(list(names)[:1]))
    theirs |= set(Identity.objects.filter(words__dj=dj, words__identity__in=first).values_list("pk", flat=True))
    return {(its.kind, its.value): its for its in lock(theirs)}


def lock(ids: Iterable[int]) -> list[Identity]:
    """These identities, locked in the one order that everybody locks them in."""
    return list(Identity.objects.select_for_update().filter(pk__in=set(ids)).order_by("pk"))


def recount(identities: Iterable[Identity]) -> None:
    """What is settled of these (locked) identities now; the plays of those that changed are linked anew, later.

    What an admin decided stays decided.
    """
    changed = []
    for its in identities:
        if its.state == State.OVERRIDDEN:
            continue
        before, now = (its.track_id, its.state), tally(its)
        its.track_id, its.state = now.winner, now.state
        if before != (its.track_id, its.state):
            its.changed_at = timezone.now()
            its.save(update_fields=["track", "state", "changed_at"])
            changed += [its] if before[0] != its.track_id else []
    link_later(changed)

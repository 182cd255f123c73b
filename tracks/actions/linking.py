"""Link plays to recordings: as they start, and again whenever somebody's word changes what is known."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from pika.jobs import actions as jobs
from stages.actions.plays import about_to_play, heard_before, told_of_repeat
from stages.models import Play, Session
from tracks.models import Identity, PlayLink, Track
from tracks.recognition import known_of, plays_of

log = logging.getLogger(__name__)
BATCH = 500


def link_new(plays: Collection[Play]) -> None:
    """Plays of one session that just started. Whatever goes wrong here, the music goes on."""
    try:
        with transaction.atomic():
            _link(plays, next(iter(plays)).session.dj_id)
    except Exception:  # whatever it is: the play is recorded, and linked by whoever says the next word on it
        log.exception("could not link %d plays", len(plays))


def repeat_ahead(session: Session, fields: dict[str, Any]) -> dict[str, Any] | None:
    """What to tell a DJ who is about to play this: that it was heard at the event before. None: it was not."""
    play = about_to_play(session, fields)
    known = known_of([play], session.dj_id).recognise(play)
    before = heard_before(session, play, known[0] if known else None)
    return told_of_repeat(before) if before else None


def link_own(dj: User, identities: Iterable[Identity]) -> None:
    """Every play of this DJ with one of these identities; part of your transaction."""
    for batch in _batches(Play.objects.filter(plays_of(identities), session__dj=dj)):
        _link(batch, dj.pk)


def link_again(plays: QuerySet[Play]) -> None:
    """These plays, of all DJs, in batches."""
    for batch in _batches(plays):
        by_dj: dict[int, list[Play]] = defaultdict(list)
        for play in batch:
            by_dj[play.session.dj_id].append(play)
        with transaction.atomic():
            for dj, theirs in by_dj.items():
                _link(theirs, dj)


def _batches(plays: QuerySet[Play]) -> Iterator[list[Play]]:
    ids = list(plays.order_by("pk").values_list("pk", flat=True))
    for first in range(0, len(ids), BATCH):
        yield list(Play.objects.filter(pk__in=ids[first : first + BATCH]).select_related("session"))


def link_later(identities: Iterable[Identity]) -> None:
    """Every play with one of these identities, by a worker; part of your transaction.

    Asked for again while it runs, it runs again.
    """
    for its in identities:
        jobs.enqueue("link_identity", str(its.pk))
        jobs.hasten("link_identity", str(its.pk))


def link_track_later(track: Track) -> None:
    """Every play that is linked to this recording today; part of your transaction."""
    jobs.enqueue("link_track", str(track.pk))
    jobs.hasten("link_track", str(track.pk))


def link_isrc_later(code: str) -> None:
    """Every play with this ISRC: whose it is may be known only now; part of your transaction."""
    if code:
        link_later([Identity.objects.get_or_create(kind=Identity.Kind.ISRC, value=code)[0]])


def link_identity(identity_id: int) -> None:
    """Every play with this identity."""
    link_again(Play.objects.filter(plays_of(Identity.objects.filter(pk=identity_id))))


def link_track(track_id: int) -> None:
    """Every play that is linked to this recording, or to one that was merged into it."""
    link_again(Play.objects.filter(Q(link__track=track_id) | Q(link__track__merged_into=track_id)))


def _link(plays: Collection[Play], dj_id: int) -> None:
    known = known_of(plays, dj_id)
    found = {play.pk: its for play in plays if (its := known.recognise(play))}
    # What is right stays as it is: most of the time nothing has changed, and nothing is written.
    before = {link.play_id: link for link in PlayLink.objects.filter(play__in=[play.pk for play in plays])}
    gone = [link.pk for pk, link in before.items() if pk not in found]
    if gone:
        PlayLink.objects.filter(pk__in=gone).delete()
    changed = [
        PlayLink(play_id=pk, track_id=track, how=how, linked_at=timezone.now())
        for pk, (track, how) in found.items()
        if pk not in before or (before[pk].track_id, before[pk].how) != (track, how)
    ]
    PlayLink.objects.bulk_create(
        changed, update_conflicts=True, unique_fields=["play"], update_fields=["track", "how", "linked_at"]
    )

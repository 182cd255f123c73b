"""Keep what was heard: like, take it back."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext

from accounts.models import Guest
from pika.errors import Problem
from pika.live import messages, topics
from pika.live.publish import publish
from stages.models import Play
from stages.serializers import track_of
from tracks.models import Like


def like(guest: Guest, play: Play) -> bool:
    """Whether it is new: liking twice is liking once. The DJ hears how many do."""
    with transaction.atomic():
        _, is_new = Like.objects.get_or_create(guest=guest, play=play)
        if is_new:
            _tell_dj(play)
    return is_new


def like_all(guest: Guest, plays: Iterable[Play]) -> int:
    """What a phone liked while it was offline; the number that was new. Costs as many statements for one as for 100."""
    wanted = {play.pk: play for play in plays}
    with transaction.atomic():
        Guest.objects.select_for_update(no_key=True).get(pk=guest.pk)  # the same twice at once is counted once
        known = set(Like.objects.filter(guest=guest, play__in=wanted).values_list("play_id", flat=True))
        new = [play for pk, play in wanted.items() if pk not in known]
        Like.objects.bulk_create([Like(guest=guest, play=play) for play in new], ignore_conflicts=True)
        _tell_djs(new)
    return len(new)


def unlike(guest: Guest, play: Play) -> None:
    with transaction.atomic():
        gone, _ = Like.objects.filter(guest=guest, play=play).delete()
        if gone:
            _tell_dj(play)


def restore(guest: Guest, play: Play, liked_at: datetime, note: str) -> None:
    """A song that was taken out comes back as it was. Twice is once."""
    with transaction.atomic():
        _, is_new = Like.objects.get_or_create(guest=guest, play=play, defaults={"liked_at": liked_at, "note": note})
        if is_new:
            _tell_dj(play)


def write_note(guest: Guest, play: Play, note: str) -> None:
    """What this person wants to remember about the song. Problem (409): it is not among theirs any more."""
    if not Like.objects.filter(guest=guest, play=play).update(note=note):
        words = gettext("This song is not among yours any more. Love it again to keep the note.")
        raise Problem(words, "not_loved", 409, field="note")


def _tell_dj(play: Play) -> None:
    _tell_djs([play])


def _tell_djs(plays: list[Play]) -> None:
    if not plays:
        return

    def tell() -> None:  # counted after the commit: hearts that come together must not count past each other
        counted = Play.objects.filter(pk__in=[play.pk for play in plays]).annotate(n=Count("likes"))
        hearts = dict(counted.values_list("pk", "n"))
        for play in plays:
            code = play.session.code
            told = messages.like_received(code, str(play.uuid), track_of(play), hearts.get(play.pk, 0))
            publish(topics.booth(code), told)

    transaction.on_commit(tell, robust=True)

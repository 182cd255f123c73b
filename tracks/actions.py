"""Keep what was heard: like, take it back."""

from collections.abc import Iterable

from django.db import transaction

from accounts.models import Guest
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
    """What a phone liked while it was offline; the number that was new."""
    with transaction.atomic():
        return sum(like(guest, play) for play in plays)


def unlike(guest: Guest, play: Play) -> None:
    with transaction.atomic():
        gone, _ = Like.objects.filter(guest=guest, play=play).delete()
        if gone:
            _tell_dj(play)


def _tell_dj(play: Play) -> None:
    session = play.session

    def tell() -> None:  # counted after the commit: hearts that come together must not count past each other
        told = messages.like_received(session.code, str(play.uuid), track_of(play), play.likes.count())
        publish(topics.booth(session.code), told)

    transaction.on_commit(tell, robust=True)

"""Bring one chunk of a push message to its phones, and remember after each batch who needs it no more."""

import json
import logging
import math
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from accounts.models import PushChunk, PushMessage, PushSubscription
from pika.gateways import webpush
from pika.gateways.webpush import Answer, Letter, Target

log = logging.getLogger(__name__)

# No new requests after this long: what is in flight ends well before another worker may take the job for lost.
STOP_AFTER = 30.0
_LONGEST_WAIT = 300.0
AGAIN = {0, 408, 429}
GONE = {404, 410}


class Overtaken(Exception):
    """Another worker has the chunk now."""


def send_chunk(chunk_id: int) -> datetime | None:
    """Send to those of the chunk who wait and are due. When to come again; None: everybody is settled."""
    chunk = PushChunk.objects.select_related("message").filter(pk=chunk_id).first()
    if chunk is None or not chunk.waiting:
        return None
    turn = _Turn(chunk)
    try:
        turn.begin()
        letter = turn.letter()
        if letter:
            for batch in webpush.send_many(letter, turn.targets()):
                turn.settle(batch)
    except Overtaken:
        log.warning("push chunk %s: another worker took over", chunk_id)
        return None
    finally:
        tell_counts(chunk.message)
    return datetime.fromtimestamp(min(chunk.waiting.values()), UTC) if chunk.waiting else None


def tell_counts(message: PushMessage) -> None:
    """Sum up the chunks of a message."""
    with transaction.atomic():
        PushMessage.objects.select_for_update().get(pk=message.pk)  # of two at once the second sees both
        sums = message.chunks.aggregate(served=Sum("served"), gone=Sum("gone"), failed=Sum("failed"))
        PushMessage.objects.filter(pk=message.pk).update(**{name: number or 0 for name, number in sums.items()})


class _Turn:
    """One go at a chunk. Whom it takes off `waiting` is settled for ever."""

    def __init__(self, chunk: PushChunk) -> None:
        self.chunk, self.message = chunk, chunk.message
        self.began_at = timezone.now()
        self.ends = self.message.created_at.timestamp() + self.message.ttl
        # One time for all that fail in this turn, or each would come back in a turn of its own.
        self.again = self.now + min(_LONGEST_WAIT, 2.0 ** (chunk.tries + 1)) * random.uniform(0.75, 1.25)

    @property
    def now(self) -> float:
        return timezone.now().timestamp()

    def begin(self) -> None:
        """From here on an older turn that still runs writes nothing."""
        claimed = PushChunk.objects.filter(pk=self.chunk.pk, tries=self.chunk.tries).update(tries=self.chunk.tries + 1)
        if not claimed:
            raise Overtaken
        self.chunk.tries += 1

    def letter(self) -> Letter | None:
        """What is left of it to be sent; None when its time is over."""
        if self.now >= self.ends:
            self._settle_as("failed", list(self.chunk.waiting))
            self.save()
            return None
        left = max(1, int(self.ends - self.now))
        its = self.message
        return Letter(payload(its), left, its.topic, its.urgency == PushMessage.Urgency.HIGH)

    def targets(self) -> Iterator[Target]:
        """Those whose time has come, as long as ours lasts."""
        due = [int(pk) for pk, at in self.chunk.waiting.items() if at <= self.now]
        found = PushSubscription.objects.filter(pk__in=due)
        rows = {row[0]: row for row in found.values_list("pk", "endpoint", "p256dh", "auth", "vapid_key")}
        self._settle_as("gone", [str(pk) for pk in due if pk not in rows])
        # A browser takes only what was signed with the key it subscribed to. The page subscribes anew when it is
        # opened; nothing is deleted, since it may be this worker that has the wrong key.
        others = [str(pk) for pk, row in rows.items() if row[-1] != webpush.server_key()]
        if others:
            log.error("push %s: %s subscriptions were made for another PIKA_VAPID_KEY", self.message.pk, len(others))
        self._settle_as("failed", others)
        self.save()
        stop_at = time.monotonic() + STOP_AFTER
        for pk, row in rows.items():
            if time.monotonic() > stop_at:
                return
            if str(pk) in self.chunk.waiting:
                yield Target(*row[:-1])

    def settle(self, batch: list[Answer]) -> None:
        """Write down what became of these: one UPDATE, and a DELETE if somebody is gone."""
        dead: list[int] = []
        for answer in batch:
            if answer.status in {200, 201, 202}:
                self._settle_as("served", [str(answer.id)])
            elif answer.status in GONE:
                dead.append(answer.id)
            elif answer.status in AGAIN or answer.status >= 500:
                self._put_off(answer)
            else:
                self._settle_as("failed", [str(answer.id)])
        if not dead:
            self.save()
            return
        with transaction.atomic():
            self._bury(dead)
            self.save()

    def _put_off(self, answer: Answer) -> None:
        at = max(self.again, math.ceil(self.now + (answer.retry_after or 0)))
        if at < self.ends:
            self.chunk.waiting[str(answer.id)] = at
        else:
            self._settle_as("failed", [str(answer.id)])

    def _bury(self, dead: list[int]) -> None:
        """Delete them, but not one whose phone has said meanwhile that it lives: that one is tried again."""
        known = PushSubscription.objects.filter(pk__in=dead)
        known.filter(renewed_at__lt=self.began_at).delete()
        alive = set(known.values_list("pk", flat=True))
        self._settle_as("gone", [str(pk) for pk in dead if pk not in alive])
        for pk in alive:
            self._put_off(Answer(pk, 404))

    def _settle_as(self, how: str, keys: list[str]) -> None:
        for key in keys:
            del self.chunk.waiting[key]
        setattr(self.chunk, how, getattr(self.chunk, how) + len(keys))

    def save(self) -> None:
        its = self.chunk
        written = PushChunk.objects.filter(pk=its.pk, tries=its.tries).update(
            waiting=its.waiting, served=its.served, gone=its.gone, failed=its.failed
        )
        if not written:
            raise Overtaken


def payload(message: PushMessage) -> bytes:
    """What the service worker gets; the text is cut where push services end."""
    its = {"title": message.title, "body": message.body, "url": message.url, "tag": message.tag}
    its |= {"at": int(message.created_at.timestamp() * 1000)}  # type: ignore[dict-item]
    while len(packed := json.dumps(its, ensure_ascii=False).encode()) > webpush.MOST_BYTES:
        over = len(packed) - webpush.MOST_BYTES
        its["body"] = its["body"][: -max(2, over // 4 + 1)] + "…"
    return packed

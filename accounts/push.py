"""Notifications on people's phones: subscribe, whom a message would reach, have it sent to each of them once."""

import hashlib
from base64 import urlsafe_b64encode
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import Guest, PushChunk, PushMessage, PushSubscription
from pika.errors import Problem
from pika.gateways import webpush
from pika.jobs import actions as jobs

MOST_PER_GUEST = 10
CHUNK = 500
KEEP_CHUNKS, KEEP_MESSAGES = timedelta(days=7), timedelta(days=365)  # no message is on its way that long


# --- A device says where it can be reached ------------------------------------------------------------------------
def save_subscription(
    guest: Guest, endpoint: str, p256dh: str, auth: str, vapid_key: str, device_key: str = ""
) -> PushSubscription:
    """This device can be reached there, and nobody else any more. Problem, naming the field, if it cannot be.

    The same again is a sign of life. At most 10 a device: the one that was silent longest goes.
    """
    key = webpush.server_key()
    if not key:
        raise Problem(gettext("Notifications are not set up here. The song page works without them."), "push_off", 503)
    webpush.check_subscription(endpoint, p256dh, auth)
    if vapid_key != key:
        words = gettext("Pika!'s key has changed since this device subscribed. Please turn notifications on again.")
        raise Problem(words, "old_key", 409, field="vapidKey")
    fields = {"guest": guest, "endpoint": endpoint, "p256dh": p256dh, "auth": auth, "vapid_key": vapid_key}
    fields["device"] = Guest.objects.filter(key=device_key).first()
    with transaction.atomic():
        Guest.objects.select_for_update().get(pk=guest.pk)  # of two at once each counts the other
        saved, _ = PushSubscription.objects.update_or_create(
            endpoint_hash=_hash(endpoint), defaults=fields | {"renewed_at": timezone.now()}
        )
        newest = guest.push_subscriptions.order_by("-renewed_at", "-pk").values_list("pk", flat=True)[:MOST_PER_GUEST]
        guest.push_subscriptions.exclude(pk__in=list(newest)).delete()
    return saved


def remove_subscription(guest: Guest, endpoint: str) -> None:
    """This device wants no more of them. Twice is once."""
    guest.push_subscriptions.filter(endpoint_hash=_hash(endpoint)).delete()


def _hash(endpoint: str) -> str:
    return hashlib.sha256(endpoint.encode()).hexdigest()


def set_quiet_hours(guest: Guest, starts_at: time | None, ends_at: time | None, zone: str) -> None:
    """No push between these times, wherever the clock of `zone` stands; without times there is no quiet."""
    is_quiet = starts_at is not None and ends_at is not None
    guest.quiet_starts_at, guest.quiet_ends_at = (starts_at, ends_at) if is_quiet else (None, None)
    guest.quiet_zone = zone if is_quiet else ""
    guest.save(update_fields=["quiet_starts_at", "quiet_ends_at", "quiet_zone"])


# --- Whom it reaches ----------------------------------------------------------------------------------------------
def phones(guests: QuerySet[Guest], is_urgent: bool, at: datetime) -> QuerySet[PushSubscription]:
    """Where a message to `guests` would go at that moment: not to those in their quiet hours, unless it is urgent; and
    never to people who want none at all (`UserSettings.is_notified`).

    The preview counts what the send uses.
    """
    unwilling = Guest.objects.filter(user__settings__is_notified=False)
    willing = PushSubscription.objects.exclude(guest__in=unwilling.values("pk"))
    if is_urgent:
        return willing.filter(guest__in=guests.values("pk"))
    awake = Guest.objects.filter(pk__in=guests.values("pk")).exclude(_is_quiet(at))
    return willing.filter(guest__in=awake.values("pk"))


def _is_quiet(at: datetime) -> Q:
    """Guests whose own clock stands in their quiet hours, which may cross midnight."""
    quiet = Q(pk__in=[])
    with_hours = Guest.objects.filter(quiet_starts_at__isnull=False, quiet_ends_at__isnull=False)
    for zone in with_hours.order_by().values_list("quiet_zone", flat=True).distinct():
        now = at.astimezone(ZoneInfo(zone or "UTC")).time().replace(microsecond=0)
        begun, not_over = Q(quiet_starts_at__lte=now), Q(quiet_ends_at__gt=now)
        by_day, by_night = Q(quiet_starts_at__lt=F("quiet_ends_at")), Q(quiet_starts_at__gt=F("quiet_ends_at"))
        quiet |= Q(quiet_zone=zone) & (by_day & begun & not_over | by_night & (begun | not_over))
    return quiet


# --- Send it --------------------------------------------------------------------------------------------------------
def push(
    guests: QuerySet[Guest],
    *,
    title: str,
    body: str,
    url: str,
    tag: str,
    ttl: int,
    topic: str = "",
    is_urgent: bool = False,
) -> PushMessage:
    """Have it shown on all their phones that are not in quiet hours; part of your transaction.

    `tag`: a newer one of the same tag replaces it on the phone. `url`: the page it opens, starting with /. `ttl`:
    seconds after which nobody needs it. `topic`: while a phone is away only its newest one waits (else: of the tag).
    """
    if not url.startswith("/") or url.startswith("//") or ttl < 1:
        raise ValueError("a push opens a page of ours, and has some seconds to live")
    now = timezone.now()
    with transaction.atomic():
        ids = list(phones(guests, is_urgent, now).order_by("pk").values_list("pk", flat=True))
        message = PushMessage.objects.create(
            title=title[:120],
            body=body[:1000],
            url=url,
            tag=tag,
            topic=_topic(topic or tag),
            ttl=ttl,
            urgency=PushMessage.Urgency.HIGH if is_urgent else PushMessage.Urgency.NORMAL,
            created_at=now,
            phones=len(ids),
        )
        # Whoever subscribes later was not meant: the audience is fixed here, with what was counted.
        parts = [ids[first : first + CHUNK] for first in range(0, len(ids), CHUNK)]
        PushChunk.objects.bulk_create(PushChunk(message=message, waiting=dict.fromkeys(part, 0)) for part in parts)
        if parts:
            jobs.enqueue("push", str(message.pk))
    return message


def fan_out(message_id: int) -> None:
    """Have each chunk of a message sent."""
    for chunk in PushChunk.objects.filter(message_id=message_id).order_by("pk"):
        jobs.enqueue("push_chunk", str(chunk.pk))


def forget_sent() -> None:
    """What the clock does every day: how a message was sent after a week, what it said and its numbers after a year."""
    now = timezone.now()
    PushChunk.objects.filter(message__created_at__lt=now - KEEP_CHUNKS).delete()
    PushMessage.objects.filter(created_at__lt=now - KEEP_MESSAGES).delete()


def _topic(name: str) -> str:
    """What push services take: at most 32 characters of base64url."""
    return urlsafe_b64encode(hashlib.sha256(name.encode()).digest()[:24]).decode()

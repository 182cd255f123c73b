"""Notifications on phones: where they go, and what is on its way."""

from django.db import models
from django.utils import timezone

from accounts.models.guests import Guest


class PushSubscription(models.Model):
    """Where one device can be reached by web push (the Push API's PushSubscription). At most 10 a device."""

    guest = models.ForeignKey(Guest, models.CASCADE, related_name="push_subscriptions")
    device = models.ForeignKey(
        Guest, models.SET_NULL, null=True, blank=True, related_name="+", help_text="Which of the guest's devices it is."
    )
    endpoint = models.TextField(max_length=1000)
    endpoint_hash = models.CharField(max_length=64, unique=True, editable=False)
    p256dh = models.CharField(max_length=100)
    auth = models.CharField(max_length=40)
    vapid_key = models.CharField(max_length=100, help_text="The public key of ours it was made for.")
    created_at = models.DateTimeField(default=timezone.now)
    renewed_at = models.DateTimeField(default=timezone.now, help_text="When the device last said it still holds.")

    def __str__(self) -> str:
        return f"push of {self.guest}"


class PushMessage(models.Model):
    """One notification on its way to many devices. `tag` replaces an older one of the same tag on the phone."""

    class Urgency(models.TextChoices):
        NORMAL = "normal", "Normal"
        HIGH = "high", "High"

    tag = models.CharField(max_length=64)
    topic = models.CharField(max_length=32, blank=True, help_text="Web push Topic: a waiting older one is replaced.")
    title = models.CharField(max_length=120)
    body = models.CharField(max_length=1000)
    url = models.CharField(max_length=300, help_text="The page it opens; of ours, starting with /.")
    ttl = models.PositiveIntegerField(help_text="Seconds after which nobody needs it any more.")
    urgency = models.CharField(max_length=8, choices=Urgency.choices, default=Urgency.NORMAL)
    created_at = models.DateTimeField(default=timezone.now)
    phones = models.PositiveIntegerField(default=0, help_text="How many subscriptions it goes to.")
    served = models.PositiveIntegerField(default=0, help_text="Accepted by the push services.")
    gone = models.PositiveIntegerField(default=0, help_text="Subscriptions that do not exist any more.")
    failed = models.PositiveIntegerField(default=0, help_text="Given up.")

    def __str__(self) -> str:
        return self.title


class PushChunk(models.Model):
    """Some of a message's subscriptions, sent together. A worker that is killed leaves in `waiting` whom to serve."""

    message = models.ForeignKey(PushMessage, models.CASCADE, related_name="chunks")
    waiting = models.JSONField(default=dict, help_text="Id of each subscription that is not settled: when to try it.")
    tries = models.PositiveSmallIntegerField(default=0)
    served = models.PositiveIntegerField(default=0)
    gone = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{len(self.waiting)} of {self.message} wait"

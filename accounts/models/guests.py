"""Devices of people, with or without an account."""

from django.db import models
from django.utils import timezone

from accounts.models.people import User


class GuestQuerySet(models.QuerySet["Guest"]):
    def speaking(self, key: str) -> "GuestQuerySet":
        """Whose things the device with this (verified) key shows and changes: its own, or its user's. At most one;
        nobody's with a secret that was changed or given up."""
        return self.filter(models.Q(key=key, home=None, revoked_at=None) | models.Q(devices__key=key))


class Guest(models.Model):
    """Whom likes, stars, follows and subscriptions belong to: a device, or (`user`) all devices of one person.

    A device's secret lives in a cookie; here is only the SHA-256 of it (`key`, 64 hex). A user's guest has a `key` that
    fits no secret. Once a device is claimed, its things move to its user's guest, its `home`, and so does all it does
    from then on (`accounts.access.guest_of`); when it signs out it is somebody new.
    """

    key = models.CharField(max_length=64, unique=True)
    user = models.OneToOneField(User, models.CASCADE, null=True, blank=True, related_name="guest")
    home = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="devices")
    created_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(
        null=True, blank=True, help_text="The secret opens nothing any more: it was changed, or given up."
    )
    quiet_starts_at = models.TimeField(null=True, blank=True, help_text="No push from here (only urgent passes) …")
    quiet_ends_at = models.TimeField(null=True, blank=True, help_text="… until here, in the zone below.")
    quiet_zone = models.CharField(max_length=60, blank=True, default="", db_default="")

    objects = GuestQuerySet.as_manager()

    def __str__(self) -> str:
        return f"guest {self.key[:8]}"

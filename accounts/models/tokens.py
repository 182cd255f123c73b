"""Tokens for programs."""

from django.db import models
from django.utils import timezone

from accounts.models.people import User


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def valid(self) -> "ApiTokenQuerySet":
        """Neither revoked nor expired, of a person who may log in."""
        return self.filter(
            models.Q(expires_at=None) | models.Q(expires_at__gt=timezone.now()),
            revoked_at=None,
            user__is_active=True,
        )


class ApiToken(models.Model):
    """A program's key to act as its user, within `scopes`. Shown once; here is only its SHA-256."""

    class Scope(models.TextChoices):
        LIVE = "live", "Go live and play"
        EVENTS = "events", "Manage events and stages"
        SONGS = "songs", "Your songs and settings"

    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80, help_text="Which program on which machine, e.g. Marcus' laptop.")
    prefix = models.CharField(max_length=12, help_text="The first letters, to recognise it by.")
    key = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

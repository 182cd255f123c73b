"""What was heard and kept: likes."""

from django.db import models
from django.utils import timezone

from accounts.models import Guest
from stages.models import Play


class Like(models.Model):
    """A device loved a play. One each."""

    guest = models.ForeignKey(Guest, models.CASCADE, related_name="likes")
    play = models.ForeignKey(Play, models.CASCADE, related_name="likes")
    liked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["guest", "play"], name="one_like_each")]
        indexes = [models.Index(fields=["guest", "-liked_at"])]

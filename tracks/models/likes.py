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
    note = models.CharField(max_length=500, blank=True, default="", db_default="", help_text="For the person alone.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["guest", "play"], name="one_like_each")]
        indexes = [models.Index(fields=["guest", "-liked_at"])]

    def absorb(self, twin: "Like") -> bool:
        """Take over what another like of the same person and play has more; whether that is anything."""
        before = (self.liked_at, self.note)
        self.liked_at = min(self.liked_at, twin.liked_at)
        self.note = "\n".join(dict.fromkeys(filter(None, (self.note, twin.note))))[:500]
        return before != (self.liked_at, self.note)

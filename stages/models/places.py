"""Stages with one permanent code, and who follows them."""

from django.db import models
from django.utils import timezone

from accounts.models import Guest, Organizer
from events.models import Event
from pika.codes import new_code


class StageQuerySet(models.QuerySet["Stage"]):
    def public(self) -> "StageQuerySet":
        """What a dancer with the code may see; an archived event's stages stay, closed."""
        return self.filter(event__organizer__in=Organizer.objects.approved()).exclude(event__status="draft")

    def known(self) -> "StageQuerySet":
        """Those and what a suspension hides: for DJs, who are told why the floor is silent."""
        return self.filter(event__organizer__approved_at__isnull=False).exclude(event__status="draft")


class Stage(models.Model):
    """A dance floor. Its code and QR never change and outlive every DJ."""

    event = models.ForeignKey(Event, models.CASCADE, related_name="stages")
    name = models.CharField(max_length=80)
    code = models.CharField(max_length=12, unique=True, default=new_code, editable=False)
    position = models.PositiveSmallIntegerField(default=0)
    is_closed = models.BooleanField(default=False)

    objects = StageQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return f"{self.name} · {self.event}"


class Follow(models.Model):
    """A device follows a stage: it opened its page, first and last at these times."""

    guest = models.ForeignKey(Guest, models.CASCADE, related_name="follows")
    stage = models.ForeignKey(Stage, models.CASCADE, related_name="follows")
    first_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["guest", "stage"], name="one_follow_each")]

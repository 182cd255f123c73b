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

    def absorb(self, twin: "Follow") -> bool:
        """Cover the time of another follow of the same person and stage, too; whether that changes anything."""
        return _cover(self, twin)


class Visit(models.Model):
    """A person was on a stage's page in one night (a dance day of the event), first and last at these times."""

    guest = models.ForeignKey(Guest, models.CASCADE, related_name="visits")
    stage = models.ForeignKey(Stage, models.CASCADE, related_name="visits")
    night_on = models.DateField(help_text="The dance day: it runs to 06:00 of the next, in the event's zone.")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["guest", "stage", "night_on"], name="one_visit_each_night")]

    def __str__(self) -> str:
        return f"{self.guest} on {self.stage}, {self.night_on}"

    def absorb(self, twin: "Visit") -> bool:
        """Cover the time of another visit of the same person, stage and night, too."""
        return _cover(self, twin)


def _cover(kept: "Follow | Visit", twin: "Follow | Visit") -> bool:
    before = (kept.first_at, kept.last_at)
    kept.first_at, kept.last_at = min(kept.first_at, twin.first_at), max(kept.last_at, twin.last_at)
    return before != (kept.first_at, kept.last_at)

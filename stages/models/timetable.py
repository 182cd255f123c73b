"""The timetable: slots, the working copy, publications, stars."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from accounts.models import Guest, User
from events.models import Event
from pika.codes import new_long_code
from stages.models.places import Stage


class SlotQuerySet(models.QuerySet["Slot"]):
    def upcoming(self, now: datetime) -> "SlotQuerySet":
        """Not over yet, soonest first."""
        return self.filter(ends_at__gt=now).order_by("starts_at", "id")


class Slot(models.Model):
    """A line of the timetable; the DJ is a user, or just a name."""

    class Kind(models.TextChoices):
        SOCIAL = "social", "Social"
        WORKSHOP = "workshop", "Workshop"
        COMPETITION = "competition", "Competition"
        OTHER = "other", "Other"

    code = models.CharField(max_length=12, unique=True, default=new_long_code, editable=False)
    stage = models.ForeignKey(Stage, models.CASCADE, related_name="slots")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    dj = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="slots")
    dj_name = models.CharField(max_length=80, blank=True)
    title = models.CharField(max_length=120, blank=True)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.SOCIAL)

    objects = SlotQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at", "id"]
        indexes = [models.Index(fields=["stage", "starts_at"])]

    def __str__(self) -> str:
        return f"{self.starts_at:%H:%M} {self.who}"

    @property
    def who(self) -> str:
        return self.dj_name or (self.dj.name if self.dj else "") or self.title

    def clean(self) -> None:
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise ValidationError({"ends_at": "The slot ends before it starts."})


class SlotEdit(models.Model):
    """A change of the timetable that is not published yet: the working copy is the slots with their edits.

    Without a `slot` it is a new one, and `code` will be the slot's. `version` rises with each save, so that the second
    of two managers who edit the same slot sees what the first one did.
    """

    code = models.CharField(max_length=12, unique=True, default=new_long_code, editable=False)
    event = models.ForeignKey(Event, models.CASCADE, related_name="slot_edits")
    slot = models.OneToOneField(Slot, models.CASCADE, null=True, blank=True, related_name="edit")
    stage = models.ForeignKey(Stage, models.CASCADE, related_name="slot_edits")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    dj = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    dj_name = models.CharField(max_length=80, blank=True)
    title = models.CharField(max_length=120, blank=True)
    kind = models.CharField(max_length=12, choices=Slot.Kind.choices, default=Slot.Kind.SOCIAL)
    is_removed = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    edited_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    edited_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["starts_at", "id"]


class Release(models.Model):
    """One publication of an event's timetable. `changes`: what was new, moved (from, to), cancelled, as it was told."""

    event = models.ForeignKey(Event, models.CASCADE, related_name="releases")
    changes = models.JSONField(default=list)
    published_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    published_at = models.DateTimeField(default=timezone.now)
    notified_at = models.DateTimeField(null=True, blank=True, help_text="When those it touches were told; once.")

    class Meta:
        ordering = ["-published_at", "-id"]


class Star(models.Model):
    """A device wants to be at this slot: it is reminded before, and told when the slot moves."""

    guest = models.ForeignKey(Guest, models.CASCADE, related_name="stars")
    slot = models.ForeignKey(Slot, models.CASCADE, related_name="stars")
    created_at = models.DateTimeField(default=timezone.now)
    reminded_start_at = models.DateTimeField(null=True, blank=True, help_text="The start it was reminded of.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["guest", "slot"], name="one_star_each")]

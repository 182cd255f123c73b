"""Where: events, each with its own time zone, belonging to one organizer."""

import re
import zoneinfo
from datetime import date, datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from accounts.models import Guest, Organizer, User


def check_zone(name: str) -> None:
    """Raise ValidationError unless `name` is an IANA time zone."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError("There is no time zone “%(name)s”. Try Europe/Budapest.", params={"name": name})


def check_colour(value: str) -> None:
    """Raise ValidationError unless `value` is `#rrggbb`."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise ValidationError("“%(value)s” is no colour. Six hex digits, like #ffb000.", params={"value": value})


class EventQuerySet(models.QuerySet["Event"]):
    def public(self) -> "EventQuerySet":
        """What anybody may see."""
        return self.filter(status=Event.Status.PUBLISHED, organizer__in=Organizer.objects.approved())

    def managed_by(self, user: User) -> "EventQuerySet":
        """Those whose organizer has `user` as owner or manager."""
        return self.filter(organizer__memberships__user=user, organizer__memberships__role__in=["owner", "manager"])


class Event(models.Model):
    """A weekend: draft → published → archived."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        ARCHIVED = "archived", "Archived"

    organizer = models.ForeignKey(Organizer, models.CASCADE, related_name="events")
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    time_zone = models.CharField(max_length=60, default="Europe/Budapest", validators=[check_zone])
    starts_on = models.DateField()
    ends_on = models.DateField()
    description = models.TextField(max_length=5000, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    is_booth_open = models.BooleanField(
        default=True,
        help_text="Any DJ with an account may go live; else only members and the timetable's DJs.",
    )
    created_at = models.DateTimeField(default=timezone.now)
    venue = models.CharField(max_length=200, blank=True)
    wifi = models.CharField(max_length=120, blank=True, help_text="For posters: Hotel Guest, no password")
    colour = models.CharField(max_length=7, default="#ffb000", validators=[check_colour], help_text="For posters.")

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_on", "name"]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    def clean(self) -> None:
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise ValidationError({"ends_on": "The event ends before it starts."})

    def dance_day(self, at: datetime) -> date:
        """The day `at` belongs to on the dance floor: it runs to 06:00 of the next."""
        return (at.astimezone(self.zone) - timedelta(hours=6)).date()


class Mute(models.Model):
    """A device wants no push of this event. Remembered, also when it subscribes again."""

    guest = models.ForeignKey(Guest, models.CASCADE, related_name="mutes")
    event = models.ForeignKey(Event, models.CASCADE, related_name="mutes")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["guest", "event"], name="one_mute_each")]

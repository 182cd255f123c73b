"""Where: events, each with its own time zone, belonging to one organizer."""

import re
import zoneinfo
from datetime import date, datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Guest, Membership, Organizer, User
from events.zones import all_zones, nearest_zone


def check_zone(name: str) -> None:
    """Raise ValidationError unless `name` is an IANA time zone."""
    if name not in all_zones():
        said = {"name": name[:60], "nearest": nearest_zone(name)}
        raise ValidationError(_("There is no time zone “%(name)s”. Try %(nearest)s."), params=said)


def check_colour(value: str) -> None:
    """Raise ValidationError unless `value` is `#rrggbb`."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise ValidationError(_("“%(value)s” is no colour. Six hex digits, like #ffb000."), params={"value": value})


MOST_DAYS = 14


def check_days(starts_on: date, ends_on: date) -> None:
    """Raise ValidationError, by field, unless these are the days of one event."""
    if not 2000 <= starts_on.year <= 2100:
        raise ValidationError({"starts_on": _("Is the year right? %(year)s") % {"year": starts_on.year}})
    if ends_on < starts_on:
        raise ValidationError({"ends_on": _("The event ends before it starts.")})
    if (days := (ends_on - starts_on).days + 1) > MOST_DAYS:
        words = _("That is %(days)s days. An event has at most %(most)s: make one for each week.")
        raise ValidationError({"ends_on": words % {"days": days, "most": MOST_DAYS}})


class EventQuerySet(models.QuerySet["Event"]):
    def public(self) -> "EventQuerySet":
        """What anybody may see."""
        return self.filter(status=Event.Status.PUBLISHED, organizer__in=Organizer.objects.approved())

    def shown(self) -> "EventQuerySet":
        """What has a page anybody may see: also when it is over."""
        return self.exclude(status=Event.Status.DRAFT).filter(organizer__in=Organizer.objects.approved())

    def of_member(self, user: User, role: Membership.Role = Membership.Role.CREW) -> "EventQuerySet":
        """Those whose organizer has `user` as `role` or above."""
        return self.filter(organizer__memberships__in=user.memberships.filter(role__in=role.and_above))

    def managed_by(self, user: User) -> "EventQuerySet":
        """Those whose organizer has `user` as owner or manager."""
        return self.of_member(user, Membership.Role.MANAGER)


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
    venue = models.CharField(max_length=200, blank=True, default="", db_default="")
    wifi = models.CharField(
        max_length=120, blank=True, default="", db_default="", help_text="For posters: Hotel Guest, no password"
    )
    colour = models.CharField(
        max_length=7, default="#ffb000", db_default="#ffb000", validators=[check_colour], help_text="For posters."
    )

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_on", "name"]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    def clean(self) -> None:
        if self.starts_on and self.ends_on:
            check_days(self.starts_on, self.ends_on)

    @property
    def ink(self) -> str:
        """Black or white, whichever can be read on `colour`: at least 4.5 on any."""
        red, green, blue = (int(self.colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        light = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
        return "#000000" if 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2] > 0.179 else "#ffffff"

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

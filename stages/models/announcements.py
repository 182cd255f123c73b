"""What organizers and DJs tell their people, and who saw it."""

from datetime import datetime

from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Guest, PushMessage, User
from events.models import Event
from pika.codes import new_long_code
from stages.models.places import Stage
from stages.models.sessions import Session


class AnnouncementQuerySet(models.QuerySet["Announcement"]):
    def showing(self, now: datetime) -> "AnnouncementQuerySet":
        """To be seen right now: the most urgent first, then the newest."""
        order = [models.When(priority=priority, then=n) for n, priority in enumerate(("urgent", "important"))]
        shown = self.filter(cancelled_at=None, ends_at__gt=now)
        return shown.order_by(models.Case(*order, default=2), "-created_at", "-id")

    def on_stage(self, stage: Stage) -> "AnnouncementQuerySet":
        """What concerns this stage: said to it, or to its whole event."""
        return self.filter(models.Q(stages=stage) | models.Q(event=stage.event_id, stages=None))

    def in_session(self, session: Session) -> "AnnouncementQuerySet":
        """What the listeners of this session hear: its DJ's, and what the organizer tells its stage."""
        heard = models.Q(session=session)
        if session.stage:
            here = models.Q(stages=session.stage) | models.Q(event=session.stage.event_id, stages=None)
            heard |= models.Q(session=None) & here
        return self.filter(heard)

    def counted(self) -> "AnnouncementQuerySet":
        """With `seen`: how many devices showed it to somebody."""
        seen = Seen.objects.filter(announcement=models.OuterRef("pk")).order_by().values("announcement")
        count = models.Subquery(seen.annotate(n=models.Count("pk")).values("n"))
        return self.annotate(seen=Coalesce(count, 0))


class Announcement(models.Model):
    """One message to the people of an event, of some of its stages, or (`session`) to one DJ's listeners.

    It reaches each device once, however many stages it follows. `people` and `phones` are what the sending query found.
    A DJ's has no `event`; its stage is among `stages` if the DJ was the one it heard.
    """

    class Priority(models.TextChoices):
        INFO = "info", "Info"
        IMPORTANT = "important", "Important"
        URGENT = "urgent", "Urgent"

    code = models.CharField(max_length=12, unique=True, default=new_long_code, editable=False)
    event = models.ForeignKey(Event, models.CASCADE, null=True, blank=True, related_name="announcements")
    stages = models.ManyToManyField(Stage, blank=True, related_name="announcements", help_text="None: all of them.")
    session = models.ForeignKey(Session, models.CASCADE, null=True, blank=True, related_name="announcements")
    author = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    message = models.CharField(max_length=500)
    priority = models.CharField(max_length=10, choices=Priority.choices, default=Priority.INFO)
    push = models.ForeignKey(PushMessage, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True, blank=True)
    people = models.PositiveIntegerField(default=0)
    phones = models.PositiveIntegerField(default=0)

    objects = AnnouncementQuerySet.as_manager()
    seen: int  # of `counted()`

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["event", "-created_at"]),
            models.Index(fields=["session", "-created_at"]),
            models.Index(fields=["ends_at"], name="announcements_by_end"),
        ]

    def __str__(self) -> str:
        return self.message

    @property
    def state(self) -> str:
        """`shown`, `cancelled` or `over`."""
        if self.cancelled_at:
            return "cancelled"
        return "shown" if self.ends_at > timezone.now() else "over"


class Seen(models.Model):
    """A device showed an announcement to somebody."""

    announcement = models.ForeignKey(Announcement, models.CASCADE, related_name="seens")
    guest = models.ForeignKey(Guest, models.CASCADE, related_name="seens")
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["announcement", "guest"], name="one_seen_each")]

"""Questions of a DJ to the floor."""

from datetime import datetime

from django.db import models
from django.utils import timezone

from accounts.models import Guest
from pika.codes import new_code
from stages.models.sessions import Session


def new_poll_code() -> str:
    """A poll's public id."""
    return new_code(10)


class PollQuerySet(models.QuerySet["Poll"]):
    def running(self, now: datetime) -> "PollQuerySet":
        """The floor may vote; the newest first. One whose time is up is over, also before a worker wrote that down."""
        return self.filter(ended_at=None, ends_at__gt=now).order_by("-created_at", "-id")


class Poll(models.Model):
    """A question of a DJ to the floor, for a minute or so; one at a time in each session."""

    code = models.CharField(max_length=12, unique=True, default=new_poll_code, editable=False)
    session = models.ForeignKey(Session, models.CASCADE, related_name="polls")
    question = models.CharField(max_length=500)
    options = models.JSONField(help_text="2–10 texts of up to 100 characters")
    created_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    is_cancelled = models.BooleanField(default=False)

    objects = PollQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session"], name="one_running_poll_each", condition=models.Q(ended_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return self.question

    def tally(self) -> list[int]:
        """The votes of each option, counted now."""
        votes = dict(self.votes.values_list("option").annotate(models.Count("pk")))
        return [votes.get(option, 0) for option in range(len(self.options))]


class PollVote(models.Model):
    """One device's answer to one poll; the first one counts."""

    poll = models.ForeignKey(Poll, models.CASCADE, related_name="votes")
    guest = models.ForeignKey(Guest, models.CASCADE, related_name="poll_votes")
    option = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["poll", "guest"], name="one_vote_each")]

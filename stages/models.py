"""Live: stages with one permanent code, their timetable, DJs' sessions, and what they played."""

import uuid
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.utils import timezone

from accounts.models import Guest, User
from events.models import Event
from pika.codes import new_code


def new_poll_code() -> str:
    """A poll's public id."""
    return new_code(10)


class StageQuerySet(models.QuerySet["Stage"]):
    def public(self) -> "StageQuerySet":
        """What a dancer with the code may see; an archived event's stages stay, closed."""
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
        return self.dj_name or (str(self.dj) if self.dj else "") or self.title

    def clean(self) -> None:
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise ValidationError({"ends_at": "The slot ends before it starts."})


class SessionQuerySet(models.QuerySet["Session"]):
    def live(self) -> "SessionQuerySet":
        return self.filter(ended_at=None)

    def latest_track_first(self) -> "SessionQuerySet":
        """The current session of a stage comes first: latest public track start, then latest go-live."""
        started = models.Max(
            "plays__played_at", filter=models.Q(plays__is_hidden=False, plays__published_at__isnull=False)
        )
        return self.annotate(track_started_at=started).order_by(
            models.F("track_started_at").desc(nulls_last=True), "-started_at", "-id"
        )


class Session(models.Model):
    """One DJ's turn, live from going live until ended; without a stage it is a Quick Start."""

    class Ended(models.TextChoices):
        BY_DJ = "dj", "The DJ ended it"
        STALE = "stale", "Nothing was heard for hours"

    code = models.CharField(max_length=64, unique=True)
    dj = models.ForeignKey(User, models.CASCADE, related_name="sessions")
    dj_name = models.CharField(max_length=80)
    stage = models.ForeignKey(Stage, models.PROTECT, null=True, blank=True, related_name="sessions")
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_why = models.CharField(max_length=10, choices=Ended.choices, blank=True)
    active_at = models.DateTimeField(default=timezone.now, help_text="The DJ's last act, not a heartbeat.")
    seen_at = models.DateTimeField(
        null=True, blank=True, help_text="Last sign of life of the DJ's socket; empty: it never had one."
    )
    away_at = models.DateTimeField(null=True, blank=True, help_text="When the DJ's socket was lost.")
    stopped_at = models.DateTimeField(null=True, blank=True, help_text="Music stopped: between songs.")
    delay_seconds = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(600)])
    is_paused = models.BooleanField(default=False)
    note = models.CharField(max_length=500, blank=True, help_text="For the next DJ on this stage.")

    objects = SessionQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["stage"], name="live_sessions_of_stage", condition=models.Q(ended_at__isnull=True)),
            models.Index(fields=["dj", "-started_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.dj_name} ({self.code})"

    @property
    def is_live(self) -> bool:
        return self.ended_at is None

    def is_stale(self, now: datetime) -> bool:
        """Idle 4 h and 8 h old, or a day old in any case."""
        age, idle = (now - self.started_at).total_seconds(), (now - self.active_at).total_seconds()
        is_forgotten = idle >= settings.LIVE_IDLE_END and age >= settings.LIVE_IDLE_MIN_AGE
        return is_forgotten or age >= settings.LIVE_MAX_AGE


class PlayQuerySet(models.QuerySet["Play"]):
    def public(self) -> "PlayQuerySet":
        """What the floor may see: told to it, and not hidden."""
        return self.filter(is_hidden=False, published_at__isnull=False)

    def told(self) -> "PlayQuerySet":
        """What the floor was told, also when it was taken back (hidden) afterwards."""
        return self.filter(models.Q(published_at__isnull=False) | models.Q(is_hidden=True))

    def newest_first(self) -> "PlayQuerySet":
        return self.order_by("-played_at", "-id")


class Play(models.Model):
    """One track heard in one session, at the DJ's own time. `uuid` was made by the DJ's program."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    session = models.ForeignKey(Session, models.CASCADE, related_name="plays")
    title = models.CharField(max_length=500)
    artist = models.CharField(max_length=500, blank=True)
    remix = models.CharField(max_length=200, blank=True)
    album = models.CharField(max_length=500, blank=True)
    isrc = models.CharField(max_length=12, blank=True)
    bpm = models.FloatField(null=True, blank=True)
    key = models.CharField(max_length=10, blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    features = models.JSONField(default=dict, blank=True, help_text="energy, danceability …, 0–100 each")
    file_hash = models.CharField(max_length=64, blank=True)
    audio_hash = models.CharField(max_length=64, blank=True)
    stream_id = models.CharField(max_length=200, blank=True)
    identity = models.CharField(max_length=400, blank=True, db_index=True, help_text="See pika.titles.")
    played_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(null=True, blank=True, help_text="When the floor was told.")
    is_hidden = models.BooleanField(default=False)
    is_replay = models.BooleanField(default=False)

    objects = PlayQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["session", "-played_at"])]

    def __str__(self) -> str:
        return f"{self.artist} – {self.title}" if self.artist else self.title


class Follow(models.Model):
    """A device follows a stage: it opened its page, first and last at these times."""

    guest = models.ForeignKey(Guest, models.CASCADE, related_name="follows")
    stage = models.ForeignKey(Stage, models.CASCADE, related_name="follows")
    first_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["guest", "stage"], name="one_follow_each")]


class Tempo(models.Model):
    """One device's wish for the tempo of one play; told to the DJ only as totals."""

    class Preference(models.TextChoices):
        FASTER = "faster", "Faster"
        PERFECT = "perfect", "Perfect"
        SLOWER = "slower", "Slower"

    play = models.ForeignKey(Play, models.CASCADE, related_name="tempos")
    guest = models.ForeignKey(Guest, models.CASCADE, related_name="tempos")
    preference = models.CharField(max_length=8, choices=Preference.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["play", "guest"], name="one_tempo_each")]


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

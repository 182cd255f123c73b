"""DJs' sessions, what they played, and what the floor wished for."""

import uuid
from datetime import datetime

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.utils import timezone

from accounts.models import Guest, User
from stages.models.places import Stage


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
        CLOSED = "closed", "Its stage was closed"

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
        indexes = [
            models.Index(fields=["session", "-played_at"]),
            # A word on a recording is a word on every play of it.
            *(
                models.Index(fields=[name], name=f"plays_by_{name}", condition=~models.Q(**{name: ""}))
                for name in ("audio_hash", "file_hash", "stream_id", "isrc")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.artist} – {self.title}" if self.artist else self.title


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

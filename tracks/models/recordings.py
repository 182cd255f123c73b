"""The repository of recordings, shared by all tenants: what a play was."""

from django.db import models
from django.utils import timezone

from pika.codes import new_long_code
from stages.models import Play


class TrackQuerySet(models.QuerySet["Track"]):
    def own(self) -> "TrackQuerySet":
        """Those that were not merged into another one."""
        return self.filter(merged_into=None)


class Track(models.Model):
    """One recording. Another version (remix, live, instrumental ...) is another track.

    `sources` says of each field who told it: `spotify`, `file` (a DJ's tags), `dj`, `admin`.
    """

    code = models.CharField(max_length=12, unique=True, default=new_long_code, editable=False)
    title = models.CharField(max_length=500, help_text="Without the version.")
    version = models.CharField(max_length=200, blank=True, help_text="Remix, live, acoustic ...; empty: the original.")
    artist = models.CharField(max_length=500, blank=True, help_text="All of them, as Spotify writes them: “A, B”.")
    album = models.CharField(max_length=500, blank=True)
    isrc = models.CharField(max_length=12, blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    bpm = models.FloatField(null=True, blank=True)
    identity = models.CharField(max_length=400, blank=True, help_text="See pika.titles.")
    sources = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    merged_into = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="merged")

    objects = TrackQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["isrc"], name="tracks_by_isrc"),
            models.Index(fields=["identity"], name="tracks_by_identity"),
        ]

    def __str__(self) -> str:
        whole = f"{self.title} ({self.version})" if self.version else self.title
        return f"{self.artist} – {whole}" if self.artist else whole


class SpotifyTrack(models.Model):
    """One of a recording's ids on Spotify, which has several for many of them."""

    spotify_id = models.CharField(max_length=22, unique=True)
    track = models.ForeignKey(Track, models.CASCADE, related_name="spotify_tracks")
    added_at = models.DateTimeField(default=timezone.now)
    gone_at = models.DateTimeField(null=True, blank=True, help_text="Spotify does not know it any more.")

    class Meta:
        ordering = ["added_at", "id"]

    def __str__(self) -> str:
        return f"spotify:track:{self.spotify_id}"


class TrackKey(models.Model):
    """A hash under which a recording is found when its name is not written the same: see tracks.keys."""

    pk = models.CompositePrimaryKey("key", "track")
    key = models.BigIntegerField()
    track = models.ForeignKey(Track, models.CASCADE, related_name="keys")

    def __str__(self) -> str:
        return f"{self.key} {self.track_id}"


class Identity(models.Model):
    """One way to recognise a recording (a file, a stream, an ISRC, a name), and which recording it is for everyone.

    `track` is set once enough DJs agree (`settled`) or an admin decided (`overridden`). Of the strongest kind first.
    """

    class Kind(models.TextChoices):
        AUDIO = "audio", "Audio without tags"  # SHA-256, see Play.audio_hash
        FILE = "file", "File"
        STREAM = "stream", "Stream"
        ISRC = "isrc", "ISRC"
        NAME = "name", "Artist, title and version"  # pika.titles.identity
        PLAY = "play", "This play alone"  # where nothing else is known: says nothing of any other

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CONFLICT = "conflict", "Conflict"
        SETTLED = "settled", "Settled"
        OVERRIDDEN = "overridden", "Decided by an admin"

    kind = models.CharField(max_length=6, choices=Kind.choices)
    value = models.CharField(max_length=400)
    track = models.ForeignKey(Track, models.SET_NULL, null=True, blank=True, related_name="identities")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "identities"
        constraints = [models.UniqueConstraint(fields=["kind", "value"], name="one_identity_each")]
        indexes = [models.Index(fields=["state", "-changed_at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class PlayLink(models.Model):
    """This play was this recording; `how` we know. Written by `tracks.actions` alone, computed anew at any time."""

    class How(models.TextChoices):
        OWN = "own", "Its DJ's word"
        AUDIO = "audio", "Same audio"
        FILE = "file", "Same file"
        STREAM = "stream", "Same stream"
        ISRC = "isrc", "Same ISRC"
        NAME = "name", "Same artist, title and version"
        ADMIN = "admin", "An admin's word"

    play = models.OneToOneField(Play, models.CASCADE, related_name="link")
    track = models.ForeignKey(Track, models.CASCADE, related_name="links")
    how = models.CharField(max_length=6, choices=How.choices)
    linked_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.play} is {self.track}"

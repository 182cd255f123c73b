"""What we keep of people's Spotify: whose account, what we changed there, what they asked for."""

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from pika.codes import new_long_code


class SpotifyLink(models.Model):
    """A person's Spotify account. Tokens lie here sealed, see `pika.crypto`; written by `playlists.linking` alone."""

    user = models.OneToOneField(User, models.CASCADE, related_name="spotify_link")
    account_id = models.CharField(max_length=120, db_index=True, help_text="`account_id` of Spotify, else `id`.")
    login = models.CharField(max_length=120, blank=True, help_text="`id` of Spotify.")
    name = models.CharField(max_length=200, blank=True)
    access_token = models.TextField(editable=False)
    refresh_token = models.TextField(editable=False)
    scopes = models.CharField(max_length=500, blank=True, help_text="As granted, which may be less than asked for.")
    expires_at = models.DateTimeField(help_text="Of the access token.")
    linked_at = models.DateTimeField(default=timezone.now)
    authorised_at = models.DateTimeField(default=timezone.now, help_text="Permissions die six months after this.")
    needs_relink_at = models.DateTimeField(null=True, blank=True, help_text="The permission was found dead.")

    def __str__(self) -> str:
        return f"{self.user} on Spotify"

    def has(self, *scopes: str) -> bool:
        return set(scopes) <= set(self.scopes.split())

    @property
    def ends_at(self) -> datetime:
        """About when the permission dies by itself."""
        return self.authorised_at + timedelta(days=180)


class Rewrite(models.Model):
    """One change of a playlist's rows: the journal. Written before the first write, kept SPOTIFY_BACKUPS_KEPT.

    `backup` are all rows as they were (also those that cannot be added again), `target` the keys of the rows wanted,
    see `playlists.rewriting`.
    """

    class State(models.TextChoices):
        WRITING = "writing", _("Being written")
        DONE = "done", _("Done")
        CONFLICT = "conflict", _("Somebody else changed it")
        STOPPED = "stopped", _("Stopped")

    owner = models.ForeignKey(User, models.CASCADE, related_name="rewrites")
    playlist_id = models.CharField(max_length=64)
    backup = models.JSONField(default=list)
    target = models.JSONField(default=list)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WRITING)
    words = models.TextField(blank=True, help_text="Why it stopped.")
    snapshot_id = models.CharField(max_length=200, blank=True, help_text="Of the playlist when it was done.")
    stuck = models.PositiveSmallIntegerField(default=0, help_text="Writes without an answer, one after the other.")
    undoes = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="undone_by")
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["playlist_id"], name="one_writer_a_playlist", condition=models.Q(state="writing")
            )
        ]
        indexes = [models.Index(fields=["playlist_id", "-started_at"])]

    def __str__(self) -> str:
        return f"{self.playlist_id} {self.state}"


class Export(models.Model):
    """A playlist somebody asked for: of one set, night, event or their likes there is one, however often they press.

    Written by `playlists.actions` and `playlists.exporting`, always with conditional updates: it may be cancelled or
    deleted while a worker is at it.
    """

    class Kind(models.TextChoices):
        SET = "set", _("Set")
        NIGHT = "night", _("Night")
        EVENT = "event", _("Event")
        LIKES = "likes", _("Songs you love")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting its turn")
        CREATING = "creating", _("Making the playlist")
        WRITING = "writing", _("Writing the songs")
        PAUSED = "paused", _("Waits for you")
        DONE = "done", _("Done")
        CONFLICT = "conflict", _("Stopped: changed on Spotify")
        FAILED = "failed", _("Did not work")
        CANCELLED = "cancelled", _("Cancelled")

    code = models.CharField(max_length=12, unique=True, default=new_long_code, editable=False)
    owner = models.ForeignKey(User, models.CASCADE, related_name="exports")
    kind = models.CharField(max_length=5, choices=Kind.choices)
    ref = models.CharField(max_length=120, blank=True, help_text="Which set, night or event.")
    key = models.CharField(max_length=64, unique=True, editable=False, help_text="Of owner, kind and ref.")
    title = models.CharField(max_length=100)
    description = models.CharField(max_length=240, blank=True)
    is_public = models.BooleanField(default=True)
    wanted = models.JSONField(default=list, help_text="Ids on Spotify, in order.")
    missing = models.JSONField(default=list, help_text="What is not in it: words and why.")
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    written = models.PositiveIntegerField(default=0, help_text="How many of the songs wanted are in it.")
    last_written = models.JSONField(default=list, help_text="What we left in it, to see whether somebody changed it.")
    words = models.TextField(blank=True, help_text="The last problem, for the person.")
    is_forced = models.BooleanField(default=False, help_text="Write it even if somebody changed it.")
    round = models.PositiveIntegerField(default=0, help_text="Rises with each start: whoever began before is late.")
    edition = models.PositiveSmallIntegerField(default=1, help_text="Rises with each new playlist.")
    asked_at = models.DateTimeField(null=True, blank=True, help_text="Spotify was asked to make the playlist.")
    account_id = models.CharField(max_length=120, blank=True)
    playlist_id = models.CharField(max_length=64, blank=True)
    playlist_url = models.CharField(max_length=300, blank=True)
    rewrite = models.ForeignKey(Rewrite, models.SET_NULL, null=True, blank=True, related_name="exports")
    failures = models.PositiveSmallIntegerField(default=0, help_text="Since something went well.")
    created_at = models.DateTimeField(default=timezone.now)
    again_at = models.DateTimeField(null=True, blank=True, help_text="When Pika! goes on by itself.")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["owner", "-created_at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.ref}: {self.title}"

    RUNNING = (State.WAITING, State.CREATING, State.WRITING)

    @property
    def is_running(self) -> bool:
        return self.state in self.RUNNING

    @property
    def is_unfinished(self) -> bool:
        return self.is_running or self.state == self.State.PAUSED

    @property
    def marker(self) -> str:
        """By which we recognise a playlist that was made although nobody told us."""
        return f"Pika! {self.code}-{self.edition}"

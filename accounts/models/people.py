"""People with an account: who they are, how they like it, when they came, what they did."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    def create_user(
        self, email: str, password: str | None = None, is_confirmed: bool = False, **fields: object
    ) -> "User":
        """A user who logs in by `email`; without a password nobody can. Unless we know that the address is theirs
        (`is_confirmed`) they are asked for a code from their mail when they first do."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        with transaction.atomic():
            user.save()
            if is_confirmed:
                user.emailaddress_set.create(email=user.email, verified=True, primary=True)  # type: ignore[attr-defined]
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> "User":
        """The platform's owner; whoever can make one from the command line needs no mail to be believed."""
        return self.create_user(email, password, is_confirmed=True, is_staff=True, is_superuser=True, **fields)


class User(AbstractUser):
    """A person with an account; `email` is how they log in, `name` is what others see."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=80, blank=True, help_text="What others see, e.g. DJ Marcus.")
    is_dj = models.BooleanField(default=False, db_default=False, help_text="Chose to be one.")
    deleted_at = models.DateTimeField(
        null=True, blank=True, help_text="The account is gone; what hangs on it stays, and names nobody."
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return str(_("somebody who left")) if self.deleted_at else self.name or self.email

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return str(self)

    @property
    def roles(self) -> list[str]:
        """What this person is on the platform: `dancer`, and `dj`, `organizer`, `admin` where that holds."""
        has = {"dj": self.is_dj, "organizer": self.memberships.exists(), "admin": self.is_staff}
        return ["dancer", *(role for role, holds in has.items() if holds)]


class UserSettings(models.Model):
    """How one person likes it. No row: the defaults. Quiet hours are the guest's, see `Guest`."""

    class Theme(models.TextChoices):
        SYSTEM = "system", _("As on this device")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    class Shuffle(models.TextChoices):
        BASIC = "basic", _("Basic")
        PERCENTAGE = "percentage", _("Part of the list")
        BALANCED = "balanced", _("Balanced")
        STRATIFIED = "stratified", _("Within sections")
        ARTIST = "artist", _("Artists apart")
        ALBUM = "album", _("Albums in order")
        NEWEST = "newest", _("Newest first")

    class Panel(models.TextChoices):
        """What the dashboard shows, in this order."""

        NEWS = "news", _("Since you were here")
        NEXT = "next", _("What comes next")
        SONGS = "songs", _("Your last songs")
        NUMBERS = "numbers", _("Your numbers")
        SETS = "sets", _("Your last sets")

    user = models.OneToOneField(User, models.CASCADE, related_name="settings")
    theme = models.CharField(max_length=6, choices=Theme.choices, default=Theme.SYSTEM)
    language = models.CharField(max_length=5, blank=True, help_text="Empty: what the browser asks for.")
    is_notified = models.BooleanField(default=True, help_text="May be woken by push at all.")
    default_shuffle = models.CharField(max_length=10, choices=Shuffle.choices, default=Shuffle.BASIC)
    is_auto_snapshot = models.BooleanField(default=True, help_text="Keep a snapshot before each change of a playlist.")
    snapshots_kept = models.PositiveSmallIntegerField(
        default=10, validators=[MinValueValidator(1), MaxValueValidator(50)]
    )
    hidden_panels = models.JSONField(default=list, blank=True, help_text="Panels the dashboard does not show.")

    def __str__(self) -> str:
        return f"settings of {self.user}"

    @property
    def shown_panels(self) -> list[str]:
        return [name for name in self.Panel.values if name not in self.hidden_panels]


class LoginEvent(models.Model):
    """One login, and the session it began. Where somebody was is never kept, not even roughly."""

    class How(models.TextChoices):
        PASSWORD = "password", _("Password")
        CODE = "code", _("Code by e-mail")
        PASSKEY = "passkey", _("Passkey")
        PROGRAM = "program", _("Program")
        OTHER = "other", _("Other")

    class Ended(models.TextChoices):
        SIGNED_OUT = "signed_out", _("Signed out")
        EVERYWHERE = "everywhere", _("Signed out from another device")
        EXPIRED = "expired", _("Too long ago")

    user = models.ForeignKey(User, models.CASCADE, related_name="logins")
    logged_in_at = models.DateTimeField(default=timezone.now)
    how = models.CharField(max_length=10, choices=How.choices, default=How.OTHER)
    is_two_factor = models.BooleanField(default=False)
    device = models.CharField(max_length=120, blank=True, help_text="Browser and system, e.g. Chrome on Android.")
    guest = models.ForeignKey("accounts.Guest", models.SET_NULL, null=True, blank=True, related_name="+")
    session_key = models.CharField(max_length=40, blank=True, db_index=True, help_text="Of django.contrib.sessions.")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_how = models.CharField(max_length=10, choices=Ended.choices, blank=True)

    class Meta:
        ordering = ["-logged_in_at", "-id"]
        indexes = [models.Index(fields=["user", "-logged_in_at"])]

    def __str__(self) -> str:
        return f"{self.user} from {self.device} at {self.logged_in_at:%F %R}"


class ActivityQuerySet(models.QuerySet["Activity"]):
    def update(self, **fields: Any) -> int:
        """Only who it was can be forgotten: the log is append-only."""
        if set(fields) - {"actor", "actor_id"} or any(fields.values()):
            raise TypeError("the activity log is append-only")
        return super().update(**fields)

    def delete(self) -> tuple[int, dict[str, int]]:
        raise TypeError("the activity log is append-only")


class Activity(models.Model):
    """Somebody did something: who, what, on what, when. Append-only; written by `accounts.activity.note`."""

    actor = models.ForeignKey(User, models.SET_NULL, null=True, related_name="activities")
    verb = models.CharField(max_length=40, help_text="One of accounts.activity.VERBS.")
    target = models.CharField(max_length=200, blank=True, help_text="On what, in words of that time.")
    organizer = models.ForeignKey("accounts.Organizer", models.SET_NULL, null=True, related_name="activities")
    event_slug = models.CharField(max_length=80, blank=True)
    done_at = models.DateTimeField(default=timezone.now)

    objects = ActivityQuerySet.as_manager()

    class Meta:
        ordering = ["-done_at", "-id"]
        verbose_name_plural = "activities"
        indexes = [
            models.Index(fields=["actor", "-done_at"]),
            models.Index(fields=["organizer", "-done_at"]),
            models.Index(fields=["event_slug", "-done_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.verb} {self.target}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("the activity log is append-only")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError("the activity log is append-only")


class Letter(models.Model):
    """An e-mail on its way; gone once the mail server has taken it."""

    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="letters")
    to = models.EmailField()
    subject = models.CharField(max_length=200)
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.subject} to {self.to}"

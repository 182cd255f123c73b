"""Who: people, the devices of people who never signed up, organizers, and tokens for programs."""

from typing import ClassVar

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        """A user who logs in by `email`; without a password nobody can."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> "User":
        """The platform's owner."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractUser):
    """A person with an account; `email` is how they log in, `name` is what others see."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=80, blank=True, help_text="What others see, e.g. DJ Marcus.")

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return str(self)


class Guest(models.Model):
    """A device. Its secret lives in a cookie; here is only the SHA-256 of it (`key`, 64 hex)."""

    key = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="guests")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"guest {self.key[:8]}"


class Organizer(models.Model):
    """The tenant: an organisation that runs events. Publishes only once approved."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    members = models.ManyToManyField(User, through="Membership", related_name="organizers")

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """What a user may do for one organizer."""

    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        MANAGER = "manager", "Manager"
        CREW = "crew", "Crew"

    organizer = models.ForeignKey(Organizer, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.CREW)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organizer", "user"], name="one_membership_each")]

    def __str__(self) -> str:
        return f"{self.user} · {self.role} of {self.organizer}"


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def valid(self) -> "ApiTokenQuerySet":
        """Neither revoked nor expired, of a person who may log in."""
        return self.filter(
            models.Q(expires_at=None) | models.Q(expires_at__gt=timezone.now()),
            revoked_at=None,
            user__is_active=True,
        )


class ApiToken(models.Model):
    """A program's key to act as its user, within `scopes`. Shown once; here is only its SHA-256."""

    class Scope(models.TextChoices):
        LIVE = "live", "Go live and play"
        EVENTS = "events", "Manage events and stages"

    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80, help_text="Which program on which machine, e.g. Marcus' laptop.")
    prefix = models.CharField(max_length=12, help_text="The first letters, to recognise it by.")
    key = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

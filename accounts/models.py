"""Who: people, the devices of people who never signed up, organizers, and tokens for programs."""

from typing import ClassVar

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _


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
    quiet_starts_at = models.TimeField(null=True, blank=True, help_text="No push from here (only urgent passes) …")
    quiet_ends_at = models.TimeField(null=True, blank=True, help_text="… until here, in the zone below.")
    quiet_zone = models.CharField(max_length=60, blank=True, default="", db_default="")

    def __str__(self) -> str:
        return f"guest {self.key[:8]}"


class PushSubscription(models.Model):
    """Where one device can be reached by web push (the Push API's PushSubscription). At most 10 a device."""

    guest = models.ForeignKey(Guest, models.CASCADE, related_name="push_subscriptions")
    endpoint = models.TextField(max_length=1000)
    endpoint_hash = models.CharField(max_length=64, unique=True, editable=False)
    p256dh = models.CharField(max_length=100)
    auth = models.CharField(max_length=40)
    vapid_key = models.CharField(max_length=100, help_text="The public key of ours it was made for.")
    created_at = models.DateTimeField(default=timezone.now)
    renewed_at = models.DateTimeField(default=timezone.now, help_text="When the device last said it still holds.")

    def __str__(self) -> str:
        return f"push of {self.guest}"


class PushMessage(models.Model):
    """One notification on its way to many devices. `tag` replaces an older one of the same tag on the phone."""

    class Urgency(models.TextChoices):
        NORMAL = "normal", "Normal"
        HIGH = "high", "High"

    tag = models.CharField(max_length=64)
    topic = models.CharField(max_length=32, blank=True, help_text="Web push Topic: a waiting older one is replaced.")
    title = models.CharField(max_length=120)
    body = models.CharField(max_length=1000)
    url = models.CharField(max_length=300, help_text="The page it opens; of ours, starting with /.")
    ttl = models.PositiveIntegerField(help_text="Seconds after which nobody needs it any more.")
    urgency = models.CharField(max_length=8, choices=Urgency.choices, default=Urgency.NORMAL)
    created_at = models.DateTimeField(default=timezone.now)
    phones = models.PositiveIntegerField(default=0, help_text="How many subscriptions it goes to.")
    served = models.PositiveIntegerField(default=0, help_text="Accepted by the push services.")
    gone = models.PositiveIntegerField(default=0, help_text="Subscriptions that do not exist any more.")
    failed = models.PositiveIntegerField(default=0, help_text="Given up.")

    def __str__(self) -> str:
        return self.title


class PushChunk(models.Model):
    """Some of a message's subscriptions, sent together. A worker that is killed leaves in `waiting` whom to serve."""

    message = models.ForeignKey(PushMessage, models.CASCADE, related_name="chunks")
    waiting = models.JSONField(default=dict, help_text="Id of each subscription that is not settled: when to try it.")
    tries = models.PositiveSmallIntegerField(default=0)
    served = models.PositiveIntegerField(default=0)
    gone = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{len(self.waiting)} of {self.message} wait"


class OrganizerQuerySet(models.QuerySet["Organizer"]):
    def approved(self) -> "OrganizerQuerySet":
        """May show something to the public right now."""
        return self.filter(approved_at__isnull=False, suspended_at=None)


class Organizer(models.Model):
    """The tenant: an organisation that runs events. Publishes only once approved, and while not suspended."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspended_why = models.CharField(max_length=500, blank=True, default="", db_default="")
    created_at = models.DateTimeField(default=timezone.now)
    members = models.ManyToManyField(User, through="Membership", related_name="organizers")

    objects = OrganizerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def is_approved(self) -> bool:
        """May show something to the public right now."""
        return self.approved_at is not None and self.suspended_at is None

    @cached_property
    def application(self) -> "OrganizerApplication | None":
        """The newest one."""
        return next(iter(self.applications.all()), None)

    @property
    def standing(self) -> str:
        """`suspended`, `approved`, `pending`, `rejected`, or `new`: it never applied."""
        if self.suspended_at:
            return "suspended"
        return "approved" if self.approved_at else self.application.status if self.application else "new"


class Membership(models.Model):
    """What a user may do for one organizer."""

    class Role(models.TextChoices):
        """From the top. Owner: everything. Manager: events, stages, timetable, announcements. Crew: sees the
        dashboards and announces, but nothing urgent. `accounts.access` is where it is asked."""

        OWNER = "owner", _("Owner")
        MANAGER = "manager", _("Manager")
        CREW = "crew", _("Crew")

        @property
        def and_above(self) -> list["Membership.Role"]:
            """This role and those that may do more."""
            order = list(type(self))
            return order[: order.index(self) + 1]

    organizer = models.ForeignKey(Organizer, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.CREW)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organizer", "user"], name="one_membership_each")]

    def __str__(self) -> str:
        return f"{self.user} · {self.role} of {self.organizer}"


class OrganizerApplication(models.Model):
    """Somebody asks to run events here; the platform's owner says yes, or no and why."""

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"

    organizer = models.ForeignKey(Organizer, models.CASCADE, related_name="applications")
    applicant = models.ForeignKey(User, models.SET_NULL, null=True, related_name="applications")
    about = models.TextField(max_length=2000, help_text="Who you are, and what event it is.")
    link = models.URLField(max_length=300, blank=True, help_text="The event's page, Facebook, Instagram …")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    reason = models.TextField(max_length=1000, blank=True, help_text="Told to the applicant.")
    created_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="decisions")

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organizer"], name="one_pending_application", condition=models.Q(status="pending")
            )
        ]

    def __str__(self) -> str:
        return f"{self.organizer} ({self.status})"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> "InvitationQuerySet":
        """Those that somebody may still use."""
        return self.filter(used_at=None, revoked_at=None, expires_at__gt=timezone.now())


class Invitation(models.Model):
    """A link that makes whoever opens it first a member. Shown once; here is only its SHA-256."""

    organizer = models.ForeignKey(Organizer, models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=10, choices=Membership.Role.choices, default=Membership.Role.CREW)
    key = models.CharField(max_length=64, unique=True, editable=False)
    note = models.CharField(max_length=80, blank=True, help_text="Whom it is for.")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    used_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.role} of {self.organizer}"


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

"""Organizers, the tenants, and who works for them."""

from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User


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

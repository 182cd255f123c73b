"""Who: people, their devices, organizers, and tokens for programs."""

from accounts.models.codes import EmailCode, EmailCodeQuerySet
from accounts.models.guests import Guest, GuestQuerySet
from accounts.models.organizers import (
    Invitation,
    InvitationQuerySet,
    Membership,
    Organizer,
    OrganizerApplication,
    OrganizerQuerySet,
)
from accounts.models.people import Activity, ActivityQuerySet, Letter, LoginEvent, User, UserSettings
from accounts.models.push import PushChunk, PushMessage, PushSubscription
from accounts.models.tokens import ApiToken, ApiTokenQuerySet

__all__ = [
    "Activity",
    "ActivityQuerySet",
    "ApiToken",
    "ApiTokenQuerySet",
    "EmailCode",
    "EmailCodeQuerySet",
    "Guest",
    "GuestQuerySet",
    "Invitation",
    "InvitationQuerySet",
    "Letter",
    "LoginEvent",
    "Membership",
    "Organizer",
    "OrganizerApplication",
    "OrganizerQuerySet",
    "PushChunk",
    "PushMessage",
    "PushSubscription",
    "User",
    "UserSettings",
]

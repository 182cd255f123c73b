"""What the tables of people and organizers know about somebody, as it is handed out. Never a secret."""

from urllib.parse import urlsplit

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry

from accounts import models
from accounts.models import User
from accounts.personal import Rows, not_handed_out, rows_of, section
from accounts.profile import settings_of


@section("profile", User)
def _profile(user: User) -> Rows:
    times = {"joined_at": user.date_joined, "last_login_at": user.last_login}
    return [{"email": user.email, "name": user.name, "roles": " ".join(user.roles), **times}]


@section("email_addresses", EmailAddress)
def _addresses(user: User) -> Rows:
    its = EmailAddress.objects.filter(user=user)
    return rows_of(its, email="email", is_confirmed="verified", is_for_login="primary")


@section("second_factors", Authenticator)
def _second_factors(user: User) -> Rows:
    its = Authenticator.objects.filter(user=user)
    return rows_of(its, kind="type", created_at="created_at", last_used_at="last_used_at")


@section("settings", models.UserSettings)
def _settings(user: User) -> Rows:
    its = settings_of(user)
    names = ("theme", "language", "is_notified", "default_shuffle", "is_auto_snapshot", "snapshots_kept")
    return [{name: getattr(its, name) for name in names} | {"panels": " ".join(its.shown_panels)}]


@section("logins", models.LoginEvent)
def _logins(user: User) -> Rows:
    its = {"logged_in_at": "logged_in_at", "how": "how", "is_two_factor": "is_two_factor", "device": "device"}
    return rows_of(user.logins.all(), **its, ended_at="ended_at", ended_how="ended_how")


@section("activity", models.Activity)
def _activity(user: User) -> Rows:
    its = {"done_at": "done_at", "verb": "verb", "target": "target"}
    return rows_of(user.activities.all(), **its, organizer="organizer__name", event="event_slug")


@section("programs", models.ApiToken)
def _programs(user: User) -> Rows:
    times = {name: name for name in ("created_at", "expires_at", "last_used_at", "revoked_at")}
    found = rows_of(user.api_tokens.all(), name="name", begins_with="prefix", may="scopes", **times)
    return ({**row, "may": " ".join(row["may"])} for row in found)


@section("memberships", models.Membership)
def _memberships(user: User) -> Rows:
    return rows_of(user.memberships.all(), organizer="organizer__name", role="role")


@section("applications", models.OrganizerApplication)
def _applications(user: User) -> Rows:
    its = {name: name for name in ("about", "link", "status", "reason", "created_at", "decided_at")}
    return rows_of(user.applications.all(), organizer="organizer__name", **its)


@section("invitations", models.Invitation)
def _invitations(user: User) -> Rows:
    """Those she made, and those she used."""
    both = models.Invitation.objects.filter(created_by=user) | models.Invitation.objects.filter(used_by=user)
    its = {name: name for name in ("role", "note", "created_at", "expires_at", "used_at", "revoked_at")}
    return rows_of(both, organizer="organizer__name", **its)


@section("devices", models.Guest)
def _devices(user: User) -> Rows:
    its = models.Guest.objects.filter(user=user) | models.Guest.objects.filter(home__user=user)
    quiet = {name: name for name in ("quiet_starts_at", "quiet_ends_at", "quiet_zone")}
    return rows_of(its, created_at="created_at", **quiet)


@section("notifications", models.PushSubscription)
def _notifications(user: User) -> Rows:
    """Whose servers they go through; the address itself is a secret of the device."""
    its = models.PushSubscription.objects.filter(guest__user=user)
    found = rows_of(its, service="endpoint", created_at="created_at", renewed_at="renewed_at")
    return ({**row, "service": urlsplit(row["service"]).hostname or ""} for row in found)


@section("letters", models.Letter)
def _letters(user: User) -> Rows:
    """Those that wait for the mail server; what was sent is not kept."""
    return rows_of(user.letters.all(), to="to", subject="subject", created_at="created_at")


@section("platform", LogEntry)
def _platform(user: User) -> Rows:
    """What somebody did in the platform's own administration."""
    its = LogEntry.objects.filter(user=user)
    return rows_of(its, done_at="action_time", what="object_repr", action_flag="action_flag", words="change_message")


not_handed_out("a code that waits for some minutes to be typed in, as a hash", models.EmailCode)
not_handed_out("what the platform lets its own people do", User.groups.through, User.user_permissions.through)

"""What of a person the tables of people and organizers forget with the account, and what stands against it."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.translation import gettext

from accounts.claim import let_go
from accounts.models import (
    Activity,
    Guest,
    Invitation,
    Letter,
    Membership,
    Organizer,
    OrganizerApplication,
    User,
    UserSettings,
)
from accounts.personal import eraser, forget_names, hindrance
from pika.jobs import actions as jobs


# --- What stands against it ---------------------------------------------------------------------------------------
@hindrance
def _is_live(user: User) -> str:
    if user.sessions.filter(ended_at=None).exists():
        return gettext("You are live as a DJ right now. End your set first.")
    return ""


@hindrance
def _is_last_owner(user: User) -> str:
    for its in _alone_in(user):
        if its.memberships.exclude(user=user).exists() or its.events.exists():
            words = gettext(
                "You are the last owner of “%(name)s”, and others count on it. Make somebody else an owner there first,"
                " or write to us and we close it with you."
            )
            return words % {"name": its.name}
    return ""


@hindrance
def _is_last_admin(user: User) -> str:
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk)
    if user.is_superuser and user.is_active and not others.exists():
        return gettext("You are the last one who looks after this platform. Make somebody else an admin first.")
    return ""


def _alone_in(user: User) -> list[Organizer]:
    """Organizers that would have no owner without `user`; nobody can change that until we are done."""
    owner = Membership.Role.OWNER
    owned = Organizer.objects.filter(memberships__in=user.memberships.filter(role=owner))
    locked = (
        Organizer.objects.select_for_update().filter(pk__in=list(owned.values_list("pk", flat=True))).order_by("pk")
    )
    return [its for its in locked if not its.memberships.filter(role=owner).exclude(user=user).exists()]


# --- What goes ----------------------------------------------------------------------------------------------------
@eraser
def _erase(user: User) -> None:
    names = {user.email, user.name} | set(EmailAddress.objects.filter(user=user).values_list("email", flat=True))
    _leave_organizers(user, names)
    _forget_deeds(user, names)
    _leave_devices(user)
    keys = user.logins.exclude(session_key="").values_list("session_key", flat=True)
    Session.objects.filter(pk__in=list(keys)).delete()
    jobs.enqueue("end_sessions", f"{user.pk}-deleted", {"user": user.pk, "but": ""})
    Letter.objects.filter(to__in=names).delete()
    EmailAddress.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    for theirs in (user.logins, user.api_tokens, user.letters, user.email_codes):
        theirs.all().delete()
    UserSettings.objects.filter(user=user).delete()
    user.groups.clear()
    user.user_permissions.clear()


def _leave_organizers(user: User, names: set[str]) -> None:
    for its in _alone_in(user):  # nobody and nothing else is in there, or it would have been a hindrance
        Activity._base_manager.filter(organizer=its).update(target="")
        its.delete()
    made = Invitation.objects.filter(created_by=user)
    made.open().update(revoked_at=timezone.now())
    Invitation.objects.filter(used_by=user).update(note="")
    forget_names(Invitation.objects.filter(organizer__memberships__user=user), ["note"], names, "…")
    user.memberships.all().delete()
    words = gettext("The account that applied was deleted.")
    OrganizerApplication.objects.filter(applicant=user).update(about=words, link="", applicant=None)


def _forget_deeds(user: User, names: set[str]) -> None:
    """What they did for an organizer stays, by nobody; what they did for themselves goes."""
    theirs = Activity._base_manager.filter(actor=user)
    forget_names(theirs, ["target"], names, "…")
    theirs.filter(organizer=None).delete()
    theirs.update(actor=None)
    about = LogEntry.objects.filter(content_type__app_label="accounts", content_type__model="user", object_id=user.pk)
    about.update(object_repr="…", change_message="")
    forget_names(LogEntry.objects.all(), ["object_repr", "change_message"], names, "…")


def _leave_devices(user: User) -> None:
    for key in Guest.objects.filter(home__user=user).values_list("key", flat=True):
        let_go(key)
    Guest.objects.filter(user=user).update(user=None, quiet_starts_at=None, quiet_ends_at=None, quiet_zone="")

"""What people and devices do: get a secret, get and lose a token, run an organizer, be approved or suspended."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext

from accounts import activity, logins
from accounts.access import digest
from accounts.models import ApiToken, Invitation, Membership, Organizer, OrganizerApplication, User
from pika.codes import new_code
from pika.errors import Problem
from pika.jobs import actions as jobs

APPLICATIONS_A_DAY = 10
INVITATION_DAYS = 14
MOST_INVITATIONS = 100  # open ones of one organizer
NOT_SLUGS = {"apply", "join", "e"}  # words of our own addresses below /organize/


def new_guest_secret() -> str:
    """A device's secret (160 random bits, signed), for its cookie. Nothing is stored yet."""
    return signing.Signer(salt="pika.guest").sign(secrets.token_urlsafe(20))


def make_token(
    user: User, name: str, scopes: Iterable[str] = ("live",), expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """The row and the token itself (256 random bits), which is shown this once and never again."""
    token = f"pika_{secrets.token_urlsafe(32)}"
    row = ApiToken.objects.create(
        user=user,
        name=name[:80],
        prefix=token[:10],
        key=digest(token),
        scopes=list(scopes),
        expires_at=expires_at,
    )
    activity.note(user, "make_token", row.name)
    return row, token


def revoke_token(token: ApiToken, by: User | None = None) -> None:
    """From now on it is nobody's; open sockets that showed it are cut within seconds."""
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        logins.end(logins.key_of_program(token))
        activity.note(by or token.user, "revoke_token", token.name)


# --- Apply, decide ------------------------------------------------------------------------------------
def apply_organizer(
    user: User, name: str, about: str, link: str = "", organizer: Organizer | None = None
) -> OrganizerApplication:
    """Ask to run events as a new organizer, or once more as one that was rejected. Until then: drafts only.

    Asking twice is asking once: while `user` waits for a decision, that application is the answer.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # of two clicks the second finds what the first made
        mine = OrganizerApplication.objects.filter(status="pending").select_related("organizer")
        waiting = mine.filter(Q(organizer=organizer) if organizer else Q(applicant=user)).first()
        if waiting:
            return waiting
        if organizer and organizer.approved_at:
            raise Problem(gettext("You may run events already."), "approved_already", 409)
        today = OrganizerApplication.objects.filter(applicant=user, created_at__gt=timezone.now() - timedelta(days=1))
        if today.count() >= APPLICATIONS_A_DAY:
            raise Problem(gettext("That were many applications. Try again tomorrow."), "too_often", 429)
        if organizer is None:
            organizer = Organizer.objects.create(name=name, slug=_free_slug(name))
            Membership.objects.create(organizer=organizer, user=user, role=Membership.Role.OWNER)
        elif organizer.name != name:
            Organizer.objects.filter(pk=organizer.pk).update(name=name)
        activity.note(user, "apply_organizer", name, organizer)
        return OrganizerApplication.objects.create(organizer=organizer, applicant=user, about=about, link=link)


def _free_slug(name: str) -> str:
    slug = slugify(name)[:50] or new_code().lower()
    is_free = slug not in NOT_SLUGS and not Organizer.objects.filter(slug=slug).exists()
    return slug if is_free else f"{slug}-{new_code(5).lower()}"


def approve(application: OrganizerApplication, by: User, base: str) -> bool:
    """They may publish from now on, and are told so (`base`: our address). False: it had been decided before."""
    return _decide(application, by, base, OrganizerApplication.Status.APPROVED)


def reject(application: OrganizerApplication, by: User, base: str, reason: str) -> bool:
    """They may not, are told why, and may apply again. False: it had been decided before."""
    return _decide(application, by, base, OrganizerApplication.Status.REJECTED, reason)


def _decide(
    application: OrganizerApplication, by: User, base: str, status: OrganizerApplication.Status, reason: str = ""
) -> bool:
    now = timezone.now()
    with transaction.atomic():
        pending = OrganizerApplication.objects.filter(pk=application.pk, status=OrganizerApplication.Status.PENDING)
        if not pending.update(status=status, reason=reason, decided_at=now, decided_by=by):
            return False  # another admin was first: what they said stands
        if status == OrganizerApplication.Status.APPROVED:
            Organizer.objects.filter(pk=application.organizer_id, approved_at=None).update(approved_at=now)
        jobs.enqueue("mail_decision", str(application.pk), {"base": settings.PUBLIC_URL or base})
        verb = "approve_organizer" if status == OrganizerApplication.Status.APPROVED else "reject_organizer"
        activity.note(by, verb, application.organizer, application.organizer)
    return True


def mail_decision(application_id: int, base: str) -> None:
    """Tell the applicant by e-mail; raises what the mail server says, to be tried again."""
    asked = OrganizerApplication.objects.select_related("organizer", "applicant").filter(pk=application_id).first()
    if asked is None or asked.applicant is None or asked.status == OrganizerApplication.Status.PENDING:
        return
    page: dict[str, Any] = {"application": asked, "organizer": asked.organizer, "base": base}
    subject = " ".join(render_to_string("accounts/mail/decision_subject.txt", page).split())
    body = render_to_string("accounts/mail/decision.txt", page)
    send_mail(subject, body, None, [asked.applicant.email])


# --- Suspend, lift ------------------------------------------------------------------------------------
def suspend(organizer: Organizer, reason: str, by: User | None = None) -> bool:
    """Hide everything public of theirs at once; nothing is lost. False: they were suspended already."""
    is_new = _turn(Organizer.objects.filter(pk=organizer.pk, suspended_at=None), organizer, timezone.now(), reason)
    if is_new:
        activity.note(by, "suspend_organizer", organizer, organizer)
    return is_new


def lift(organizer: Organizer, by: User | None = None) -> bool:
    """Everything is as it was before the suspension. False: there was none."""
    is_new = _turn(Organizer.objects.filter(pk=organizer.pk, suspended_at__isnull=False), organizer, None, "")
    if is_new:
        activity.note(by, "lift_organizer", organizer, organizer)
    return is_new


def _turn(whose: Any, organizer: Organizer, at: datetime | None, reason: str) -> bool:
    with transaction.atomic():
        if not whose.update(suspended_at=at, suspended_why=reason):
            return False
        # The floors are two apps away: whoever knows them does this job and tells the phones.
        jobs.enqueue("tell_floors", organizer.slug)
        jobs.hasten("tell_floors", organizer.slug)
    return True


# --- Members ------------------------------------------------------------------------------------------
def invite(organizer: Organizer, by: User, role: Membership.Role, note: str = "") -> tuple[Invitation, str]:
    """The invitation and the secret of its link (192 random bits), which is shown this once and never again."""
    if organizer.invitations.open().count() >= MOST_INVITATIONS:
        raise Problem(gettext("100 invitations are open. Take some back first."), "too_many", 409)
    secret = secrets.token_urlsafe(24)
    ends = timezone.now() + timedelta(days=INVITATION_DAYS)
    its = Invitation(organizer=organizer, created_by=by, role=role, note=note, key=digest(secret), expires_at=ends)
    its.save()
    activity.note(by, "invite_member", Membership.Role(role).label, organizer)
    return its, secret


def revoke_invitation(invitation: Invitation, by: User | None = None) -> None:
    """Nobody can use it any more. Twice is once."""
    if Invitation.objects.open().filter(pk=invitation.pk).update(revoked_at=timezone.now()):
        activity.note(by, "revoke_invitation", invitation.get_role_display(), invitation.organizer)


def join(user: User, invitation: Invitation) -> Membership:
    """`user` is a member from now on, with the invitation's role or a higher one they had. Their second time is fine.

    Problem (410): somebody else used it, it is too old, or it was taken back.
    """
    role = Membership.Role(invitation.role)
    with transaction.atomic():
        Organizer.objects.select_for_update().get(pk=invitation.organizer_id)  # who comes at once comes in turn
        invitation.refresh_from_db()
        mine = Membership.objects.filter(organizer=invitation.organizer, user=user).first()
        if mine and (mine.role in role.and_above or invitation.used_by_id == user.pk):
            return mine  # a link that was not needed is still good for somebody else
        if not Invitation.objects.open().filter(pk=invitation.pk).update(used_at=timezone.now(), used_by=user):
            invitation.refresh_from_db()
            raise Problem(why_not(invitation), "invitation_over", 410)
        activity.note(user, "join_organizer", role.label, invitation.organizer)
        if mine is None:
            return Membership.objects.create(organizer=invitation.organizer, user=user, role=role)
        mine.role = role
        mine.save(update_fields=["role"])
        return mine


def why_not(invitation: Invitation) -> str:
    """Why nobody can use it any more, in words; empty while somebody can."""
    if invitation.used_at:
        return gettext("This invitation was used already. Each link is for one person: ask for another one.")
    if invitation.revoked_at:
        return gettext("This invitation was taken back. Ask whoever sent it.")
    if invitation.expires_at <= timezone.now():
        return gettext("This invitation is too old. Ask whoever sent it for another one.")
    return ""


def change_role(member: Membership, role: Membership.Role, by: User | None = None) -> None:
    """Problem (409): they are the last owner."""
    with transaction.atomic():
        _keep_an_owner(member, role)
        if Membership.objects.filter(pk=member.pk).exclude(role=role).update(role=role):
            activity.note(by, "change_role", member.user, member.organizer)


def remove_member(member: Membership, by: User | None = None) -> None:
    """They leave, or are made to. Twice is once. Problem (409): they are the last owner."""
    with transaction.atomic():
        _keep_an_owner(member, None)
        if Membership.objects.filter(pk=member.pk).delete()[0]:
            is_leaving = by is not None and by.pk == member.user_id
            whom = member.organizer if is_leaving else member.user
            activity.note(by, "leave_organizer" if is_leaving else "remove_member", whom, member.organizer)


def _keep_an_owner(member: Membership, role: Membership.Role | None) -> None:
    """Whoever is no owner any more takes along the invitations they made: nobody comes back through these."""
    owner = Membership.Role.OWNER
    # One after the other: two owners who leave at once would otherwise each see the other one stay.
    Organizer.objects.select_for_update().get(pk=member.organizer_id)
    owners = Membership.objects.filter(organizer=member.organizer_id, role=owner).values_list("pk", flat=True)
    if role == owner or member.pk not in owners:
        return
    if len(owners) == 1:
        words = gettext("You cannot do this to the last owner: make somebody else an owner first.")
        raise Problem(words, "last_owner", 409)
    made = Invitation.objects.open().filter(organizer=member.organizer_id, created_by=member.user_id)
    made.update(revoked_at=timezone.now())

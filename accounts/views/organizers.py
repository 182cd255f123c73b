"""The pages of those who run events: whom they work for, who works with them."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import access, actions
from accounts.access import signed_in
from accounts.forms import ApplyForm, InviteForm, RoleForm
from accounts.models import Invitation, Membership, Organizer, User
from pika.errors import Problem


# --- Organizers ---------------------------------------------------------------------------------------
@login_required
def list_organizers(request: HttpRequest) -> HttpResponse:
    """Whom I work for, and how each of them stands."""
    mine = access.memberships_of(signed_in(request))
    is_waiting = any(it.organizer.standing == "pending" and it.role == Membership.Role.OWNER for it in mine)
    return render(request, "accounts/organizers.html", {"memberships": mine, "is_waiting": is_waiting})


@login_required
def apply_organizer(request: HttpRequest, organizer: str = "") -> HttpResponse:
    """Ask to run events; as `organizer` again, after it was rejected."""
    user = signed_in(request)
    again = access.organizer_for_owner(user, organizer) if organizer else None
    if again and (again.approved_at or again.standing == "pending") and request.method != "POST":
        return redirect("events:show_organizer", again.slug)
    form = ApplyForm(_sent(request), initial=_said_before(again))
    if form.is_valid():
        try:
            made = actions.apply_organizer(user, **form.cleaned_data, organizer=again)
        except Problem as problem:
            form.add_error(None, problem.message)
        else:
            if made.organizer.name != form.cleaned_data["name"]:
                words = _("One at a time: this application of yours is still being read.")
                messages.error(request, words)
            return redirect("events:show_organizer", made.organizer.slug)
    page = {"form": form, "organizer": again}
    return render(request, "accounts/apply.html", page, status=400 if form.errors else 200)


def _sent(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _said_before(organizer: Organizer | None) -> dict[str, Any]:
    if organizer is None:
        return {}
    before = organizer.application
    return {"name": organizer.name} | ({"about": before.about, "link": before.link} if before else {})


# --- Members ------------------------------------------------------------------------------------------
@never_cache
@login_required
def list_members(request: HttpRequest, organizer: str) -> HttpResponse:
    """Who works for the organizer. An owner's POST makes an invitation and shows its link this once."""
    user = signed_in(request)
    its = (access.organizer_for_owner if request.method == "POST" else access.organizer_for_member)(user, organizer)
    form, link = InviteForm(_sent(request)), ""
    if form.is_valid():
        try:
            _made, secret = actions.invite(its, user, form.cleaned_data["role"], form.cleaned_data["note"])
            path = reverse("accounts:join_organizer", args=[secret])
            link = f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else request.build_absolute_uri(path)
            form = InviteForm()
        except Problem as problem:
            form.add_error(None, problem.message)
    is_owner = access.role_of(user, its.pk) == Membership.Role.OWNER
    page = {
        "organizer": its,
        "members": its.memberships.select_related("user").order_by("pk"),
        "roles": Membership.Role,
        "is_owner": is_owner,
        "invitations": its.invitations.open().select_related("created_by").order_by("-pk") if is_owner else [],
        "form": form,
        "link": link,
    }
    return render(request, "accounts/members.html", page, status=400 if form.errors else 200)


@require_POST
@login_required
def change_member(request: HttpRequest, organizer: str) -> HttpResponse:
    """Another role, at an owner's wish."""
    user = signed_in(request)
    its = access.organizer_for_owner(user, organizer)
    member, form = _member(request, its), RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose owner, manager or crew."))
    elif _is_done(request, lambda: actions.change_role(member, Membership.Role(form.cleaned_data["role"]), user)):
        messages.success(request, _("Saved: %(who)s.") % {"who": member.user})
    return redirect("accounts:list_members", its.slug)


@require_POST
@login_required
def remove_member(request: HttpRequest, organizer: str) -> HttpResponse:
    """An owner removes somebody; anybody may leave by themselves."""
    user = signed_in(request)
    its = access.organizer_for_member(user, organizer)
    member = _member(request, its)
    if member.user_id != user.pk:
        access.organizer_for_owner(user, organizer)
    if not _is_done(request, lambda: actions.remove_member(member, user)):
        return redirect("accounts:list_members", its.slug)
    if member.user_id == user.pk:
        messages.success(request, _("You do not work for %(name)s any more.") % {"name": its})
        return redirect("accounts:list_organizers")
    messages.success(request, _("%(who)s is no member any more.") % {"who": member.user})
    return redirect("accounts:list_members", its.slug)


@require_POST
@login_required
def revoke_invitation(request: HttpRequest, organizer: str) -> HttpResponse:
    user = signed_in(request)
    its = access.organizer_for_owner(user, organizer)
    invitation = get_object_or_404(Invitation, organizer=its, pk=_number(request, "invitation"))
    actions.revoke_invitation(invitation, user)
    messages.success(request, _("The link does not work any more."))
    return redirect("accounts:list_members", its.slug)


def _number(request: HttpRequest, name: str) -> int:
    said = request.POST.get(name, "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 16 else 0


def _member(request: HttpRequest, organizer: Organizer) -> Membership:
    members = organizer.memberships.select_related("user")
    return get_object_or_404(members, pk=_number(request, "member"))


def _is_done(request: HttpRequest, act: Callable[[], object]) -> bool:
    """Do it; what speaks against it is said on the next page."""
    try:
        act()
    except Problem as problem:
        messages.error(request, problem.message)
        return False
    return True


@never_cache
def join_organizer(request: HttpRequest, secret: str) -> HttpResponse:
    """Who invites me, and to what; POST accepts. Whoever has no account yet makes one first and comes back."""
    invitation = access.invitation_by(secret)
    user = request.user if isinstance(request.user, User) else None
    if request.method == "POST":
        if user is None:
            return redirect_to_login(request.path)
        if _is_done(request, lambda: actions.join(user, invitation)):
            return redirect("events:show_organizer", invitation.organizer.slug)
        return redirect(request.path)
    role = access.role_of(user, invitation.organizer_id) if user else None
    page = {
        "invitation": invitation,
        "why_not": actions.why_not(invitation),
        "role": role,
        "is_enough": role in Membership.Role(invitation.role).and_above,
    }
    return render(request, "accounts/join.html", page)

"""The pages of an organizer's events."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.access import organizer_for_member, role_of, signed_in
from accounts.models import Membership


@login_required
def show_organizer(request: HttpRequest, organizer: str) -> HttpResponse:
    """An organizer's home: how it stands with us, its events, who works for it."""
    user = signed_in(request)
    its = organizer_for_member(user, organizer)
    role = role_of(user, its.pk)
    page = {
        "organizer": its,
        "events": Paginator(its.events.order_by("-starts_on", "-pk"), 50).get_page(request.GET.get("page")),
        "members": its.memberships.count(),
        "is_owner": role == Membership.Role.OWNER,
        "is_manager": role in Membership.Role.MANAGER.and_above,
    }
    return render(request, "events/organizer.html", page)

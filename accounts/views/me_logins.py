"""Where I am logged in, where I was, and out of it."""

from collections.abc import Container
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import leaving
from accounts.access import guest_key, signed_in
from accounts.devices import in_words
from accounts.models import LoginEvent

A_PAGE = 30


@require_safe
@never_cache
@login_required
def list_logins(request: HttpRequest) -> HttpResponse:
    """The sessions and programs that are open, this one first, and the history of a year."""
    user = signed_in(request)
    sessions = leaving.open_sessions(user) | leaving.open_programs(user)
    here = request.session.session_key
    logins = Paginator(user.logins.all(), A_PAGE).get_page(request.GET.get("page"))
    still_open = user.logins.filter(ended_at=None, session_key__in=list(sessions)) if sessions else []
    page = {
        "open": sorted((Row.of(login, sessions, here) for login in still_open), key=lambda row: not row.is_here),
        "page": logins,
        "history": [Row.of(login, sessions, here) for login in logins],
    }
    return render(request, "accounts/logins.html", page)


@dataclass(frozen=True)
class Row:
    """A login as the page says it. A session that is over without a word has run out."""

    login: LoginEvent
    device: str
    is_here: bool
    is_open: bool
    is_expired: bool

    @classmethod
    def of(cls, login: LoginEvent, sessions: Container[str], here: str | None) -> "Row":
        is_open = login.ended_at is None and login.session_key in sessions
        is_expired = login.ended_at is None and login.session_key != "" and not is_open
        return cls(login, in_words(login.device), is_open and login.session_key == here, is_open, is_expired)


@require_POST
@login_required
def end_login(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign that device out; this one signs out by its own button."""
    user = signed_in(request)
    login = get_object_or_404(LoginEvent, pk=pk, user=user)
    if login.session_key and login.session_key == request.session.session_key:
        return redirect("account_logout")
    leaving.sign_out(user, login)
    messages.success(request, _("%(device)s is signed out.") % {"device": in_words(login.device)})
    return redirect("accounts:list_logins")


@require_POST
@login_required
def end_logins(request: HttpRequest) -> HttpResponse:
    """Everywhere but here; with `programs` the programs, too."""
    user, with_programs = signed_in(request), bool(request.POST.get("programs"))
    here = request.session.session_key or ""
    device = guest_key(request.COOKIES.get(settings.GUEST_COOKIE))
    leaving.sign_out_everywhere(user, but=here, but_device=device, with_programs=with_programs)
    words = _("All other devices and your programs are signed out.") if with_programs else ""
    messages.success(request, words or _("All other devices are signed out."))
    return redirect("accounts:list_logins")

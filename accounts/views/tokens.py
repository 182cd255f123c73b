"""The programs that act for somebody."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import actions
from accounts.models import ApiToken, User


@never_cache
@login_required
def list_tokens(request: HttpRequest) -> HttpResponse:
    """The programs that may act for me; POST makes a token and shows it this once."""
    assert isinstance(request.user, User)
    if not request.user.is_dj:
        return render(request, "accounts/are_you_a_dj.html", {"next": request.path})
    token = ""
    if request.method == "POST":
        name = request.POST.get("name", "").strip() or "My laptop"
        _, token = actions.make_token(request.user, name, [ApiToken.Scope.LIVE])
    tokens = ApiToken.objects.valid().filter(user=request.user).order_by("-created_at")
    address = settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
    return render(request, "accounts/tokens.html", {"tokens": tokens, "token": token, "address": address})


@require_POST
@login_required
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, pk=pk, user=request.user)
    actions.revoke_token(token)
    messages.success(request, gettext("%(name)s is logged out.") % {"name": token.name})
    return redirect("accounts:list_tokens")

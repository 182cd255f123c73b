"""The door to the admin: our own login, and a second factor for everybody."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext

from accounts.views import entrance

ONWARD = "pika_onward"  # in a session: where somebody was going who had to set up a second factor first


def has_second_factor(request: HttpRequest) -> bool:
    """Whether this session has shown one; having one somewhere is not enough."""
    return any(it["method"] == "mfa" for it in get_authentication_records(request, request.user))


class PlatformSite(AdminSite):
    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and has_second_factor(request)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Leads on to what is missing, and from there back. Whoever is no admin finds nothing here."""
        onward = request.GET.get("next", "")
        if not url_has_allowed_host_and_scheme(onward, {request.get_host()}) or onward.startswith("/admin/login"):
            onward = reverse("admin:index")
        if self.has_permission(request):
            return redirect(onward)
        if request.user.is_anonymous:
            return redirect_to_login(onward, resolve_url(settings.LOGIN_URL))
        if not request.user.is_staff:
            raise Http404
        ways = [it for it in get_adapter().get_reauthentication_methods(request.user) if it["id"] != "reauthenticate"]
        if ways:
            return redirect_to_login(onward, ways[0]["url"])
        request.session[ONWARD] = onward
        messages.info(
            request,
            gettext("The admin needs a second step at login: an app on your phone, or a passkey. Set one up here."),
        )
        return redirect("mfa_index")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:  # type: ignore[override]
        return entrance.log_out(request)

"""The pages of a person about themselves: profile, settings, how it looks on this device."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language_from_request, override
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import preferences, profile
from accounts.access import signed_in
from accounts.models import User
from accounts.personal_forms import LookForm, ProfileForm, SettingsForm
from pika.errors import Problem


def sent(request: HttpRequest) -> QueryDict | None:
    """What a form posted; nothing while it is only looked at."""
    return request.POST if request.method == "POST" else None


@never_cache
@login_required
def edit_profile(request: HttpRequest) -> HttpResponse:
    """My name, whether I am a DJ, and the way to everything else about me. POST saves the name."""
    user = signed_in(request)
    form = ProfileForm(sent(request), initial={"name": user.name})
    if form.is_valid():
        profile.rename(user, form.cleaned_data["name"])
        messages.success(request, _("Saved."))
        return redirect("accounts:edit_profile")
    page = {"form": form, "roles": user.roles, "person": User.objects.get(pk=user.pk)}
    return render(request, "accounts/profile.html", page, status=422 if form.errors else 200)


@require_POST
@login_required
def change_dj(request: HttpRequest) -> HttpResponse:
    """`is_dj` says whether I am a DJ from now on; back to `next`, the page that asked."""
    user = signed_in(request)
    try:
        if request.POST.get("is_dj"):
            profile.become_dj(user)
            messages.success(request, _("You are a DJ now: the booth is open."))
        else:
            profile.stop_being_dj(user)
            messages.success(request, _("You are no DJ any more. Your programs are logged out."))
    except Problem as problem:
        messages.error(request, problem.message)
    return redirect(_next(request) if "next" in request.POST else "accounts:edit_profile")


@never_cache
@login_required
def edit_settings(request: HttpRequest) -> HttpResponse:
    """How I like it; saved, this device looks like it at once, my others with their next login."""
    user = signed_in(request)
    form = SettingsForm.of(profile.settings_of(user), sent(request))
    if not form.is_valid():
        page: dict[str, Any] = {"form": form}
        return render(request, "accounts/settings.html", page, status=422 if form.errors else 200)
    saved = profile.save_settings(user, **form.fields_to_save())
    request.COOKIES.pop(settings.LANGUAGE_COOKIE_NAME, None)  # the one from before
    with override(saved.language or get_language_from_request(request)):
        messages.success(request, _("Saved."))
    response = redirect("accounts:edit_settings")
    preferences.put(response, user)
    return response


@require_POST
def choose_look(request: HttpRequest) -> HttpResponse:
    """`language` or `theme` for this device, with or without an account; back to `next`."""
    form = LookForm(request.POST)
    response = redirect(_next(request))
    if not form.is_valid():
        messages.error(request, _("This language or theme does not exist here."))
        return response
    chosen = {name: value for name, value in form.cleaned_data.items() if name in request.POST}
    if "language" in chosen:
        preferences.put_language(response, chosen["language"])
    if "theme" in chosen:
        preferences.put_theme(response, chosen["theme"])
    if isinstance(request.user, User) and chosen:
        profile.save_settings(request.user, **chosen)
    return response


def _next(request: HttpRequest) -> str:
    """A page of ours to go back to: the one that was said, else the first one."""
    said = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(said, {request.get_host()}, require_https=request.is_secure())
    return said if is_ours else reverse("stages:welcome")

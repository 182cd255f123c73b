"""My Spotify account: what it would add, link it, link it again, disconnect."""

import secrets

from csp.decorators import csp_update
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import signed_in
from pika.errors import Problem
from pika.gateways import spotify
from pika.limits import limit
from playlists import actions, linking

# In the session: what was said to Spotify, by state. Two tabs may be under way, not twenty.
_UNDER_WAY, _MOST = "spotify_under_way", 5


def _back_to(request: HttpRequest) -> str:
    """Where Spotify sends people back; exactly this address is registered there."""
    path = reverse("playlists:finish_link")
    return f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else request.build_absolute_uri(path)


@require_safe
@never_cache
@login_required
def show_spotify(request: HttpRequest) -> HttpResponse:
    link = linking.link_of(signed_in(request))
    back_to = _back_to(request)
    page = {
        "is_configured": spotify.is_configured(),
        "is_fake": spotify.is_fake(),
        "link": link,
        "back_to": back_to,
        "is_good_address": spotify.is_good_redirect(back_to) or spotify.is_fake(),
        "may_public": bool(link and actions.may_write(link, is_public=True)),
        "may_private": bool(link and actions.may_write(link, is_public=False)),
    }
    # The button's form ends on Spotify's own page.
    response = render(request, "playlists/spotify.html", page)
    csp_update({"form-action": [settings.SPOTIFY_ACCOUNTS_URL]})(lambda _request: response)(request)
    return response


@require_POST
@login_required
def link_spotify(request: HttpRequest) -> HttpResponse:
    """Off to Spotify, which asks the person."""
    user, back_to = signed_in(request), _back_to(request)
    if not spotify.is_configured():
        words = _("This server is not connected to Spotify. Everything else works without.")
        raise Problem(words, "spotify_off", 503)
    if not (spotify.is_good_redirect(back_to) or spotify.is_fake()):
        messages.error(request, _("Spotify sends people back to https:// or to http://127.0.0.1 and nowhere else."))
        return redirect("playlists:show_spotify")
    limit("spotify-link", str(user.pk), 20)
    state, verifier = secrets.token_urlsafe(24), spotify.new_verifier()
    under_way = dict(list(request.session.get(_UNDER_WAY, {}).items())[-_MOST + 1 :])
    request.session[_UNDER_WAY] = under_way | {state: [verifier, user.pk]}
    return redirect(spotify.oauth().address(state, spotify.challenge_of(verifier), back_to))


@require_safe
@never_cache
@login_required
def finish_link(request: HttpRequest) -> HttpResponse:
    """Back from Spotify with yes or no. Each answer counts once, and only in the browser that asked."""
    user = signed_in(request)
    try:
        _finish(request, user.pk)
    except (spotify.SpotifyError, Problem) as error:
        messages.error(request, str(error))
    return redirect("playlists:show_spotify")


def _finish(request: HttpRequest, user_id: int) -> None:
    under_way = dict(request.session.get(_UNDER_WAY, {}))
    verifier, asked_by = under_way.pop(request.GET.get("state", ""), ("", None))
    request.session[_UNDER_WAY] = under_way
    if not spotify.is_configured():
        raise Problem(_("This server is not connected to Spotify."), "spotify_off", 503)
    if not verifier or asked_by != user_id:
        words = _("This answer from Spotify was used already, or belongs to another browser. Press “Link” once more.")
        raise Problem(words, "bad_state")
    if error := request.GET.get("error", ""):
        if error == "access_denied":
            raise Problem(_("You said no on Spotify, so nothing was linked. Nothing else changes."), "denied")
        raise Problem(_("Spotify could not ask you. Please try again later."), "not_asked")
    link = actions.link_account(signed_in(request), request.GET.get("code", ""), verifier, _back_to(request))
    messages.success(request, _("Linked as %(name)s.") % {"name": link.name or link.account_id})


@require_POST
@login_required
def remove_spotify(request: HttpRequest) -> HttpResponse:
    actions.disconnect(signed_in(request))
    messages.success(request, _("Disconnected. What Pika! kept of your Spotify account is deleted."))
    return redirect("playlists:show_spotify")

"""How somebody likes it, on the device: cookies of language and theme, so that no page needs a query for them.

`put` is what a door calls after a login or a change (“settings_cookies”).
"""

import logging
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from accounts.guests import YEARS
from accounts.models import User, UserSettings

log = logging.getLogger(__name__)
FIXED_THEMES = [UserSettings.Theme.LIGHT.value, UserSettings.Theme.DARK.value]


def put(response: HttpResponse, user: User) -> None:
    """Language and theme as `user` saved them; who never saved any keeps what the device has. Never raises."""
    try:
        with transaction.atomic():
            saved = UserSettings.objects.filter(user=user).first()
        if saved is not None:
            put_language(response, saved.language)
            put_theme(response, saved.theme)
    except Exception:  # whatever it is: a login must not fail for it
        log.exception("could not put the settings' cookies")


def put_language(response: HttpResponse, language: str) -> None:
    """This device reads that language; empty: what the browser asks for."""
    _put(response, settings.LANGUAGE_COOKIE_NAME, language if language in dict(settings.LANGUAGES) else "")


def put_theme(response: HttpResponse, theme: str) -> None:
    """This device is always light, or dark; everything else: as its system is."""
    _put(response, settings.THEME_COOKIE, theme if theme in FIXED_THEMES else "")


def look(request: HttpRequest) -> dict[str, Any]:
    """For templates: the `theme` of this device, `light`, `dark` or empty; the `languages` there are; no query."""
    theme = request.COOKIES.get(settings.THEME_COOKIE, "")
    return {"theme": theme if theme in FIXED_THEMES else "", "languages": settings.LANGUAGES}


def _put(response: HttpResponse, name: str, value: str) -> None:
    if value:
        response.set_cookie(name, value, max_age=YEARS, httponly=True, secure=settings.IS_SECURE, samesite="Lax")
    else:
        response.delete_cookie(name, samesite="Lax")

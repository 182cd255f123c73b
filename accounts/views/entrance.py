"""In and out, where allauth's own pages leave something to do."""

import time

from allauth.account import app_settings
from allauth.account import views as allauth
from allauth.account.internal.flows.email_verification_by_code import EMAIL_VERIFICATION_CODE_SESSION_KEY
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext

from accounts.access import guest_key
from accounts.actions import new_guest_secret
from accounts.claim import retire
from accounts.guests import give_secret


def log_out(request: HttpRequest) -> HttpResponseBase:
    """After it the browser is a device nobody has seen before."""
    was_in = request.user.is_authenticated
    response = allauth.logout(request)
    if was_in and not request.user.is_authenticated:
        retire(guest_key(request.COOKIES.get(settings.GUEST_COOKIE)))
        give_secret(response, new_guest_secret())
    return response


def confirm_email(request: HttpRequest) -> HttpResponseBase:
    """The page to type the code into; whose code is too old is told so, and where the next one is."""
    waiting = request.session.get(EMAIL_VERIFICATION_CODE_SESSION_KEY)
    is_old = waiting and time.time() - waiting["at"] > app_settings.EMAIL_VERIFICATION_BY_CODE_TIMEOUT
    if is_old and request.user.is_anonymous:
        messages.error(request, gettext("The code is too old. Sign up again, and we send you another one."))
    return allauth.email_verification_sent(request)

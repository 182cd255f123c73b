"""Register, confirm, log in, and take along what a device collected: for programs."""

import logging

from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import auth_forms as forms
from accounts import registration
from accounts.access import key_of_request, signed_in
from accounts.adapter import in_words
from accounts.claim import Claimed, check_unclaimed, claim
from accounts.models import ApiToken, User
from accounts.tokens import check_scope
from pika.api import ErrorAnswer
from pika.errors import Problem, cleaned
from pika.limits import guard, limit
from pika.live.messages import iso

log = logging.getLogger(__name__)
REFUSED = dict.fromkeys((401, 409, 429, 503), ErrorAnswer)
CLAIMS_PER_MINUTE = 30


@extend_schema(
    request=forms.RegistrationForm,
    responses={202: forms.RegistrationAnswer, **REFUSED},
    description="A code is sent to the address. An address in use is answered the same; its owner gets a letter.",
)
@api_view(["POST"])
@authentication_classes([])
@permission_classes([AllowAny])
def register_dancer(request: Request) -> Response:
    guard("sign_up", request)
    form = cleaned(forms.RegistrationForm, request.data)
    if key := _device(request, form):
        check_unclaimed(key)
    here = request.build_absolute_uri("/").rstrip("/")
    registration.register(form["email"], form["password"], form.get("name", ""), here)
    return _asked(form)


@extend_schema(
    request=forms.AskAgainForm,
    responses={202: forms.RegistrationAnswer, 429: ErrorAnswer},
    description="Another code, for an account that is not confirmed yet. Any other is answered the same.",
)
@api_view(["POST"])
@authentication_classes([])
@permission_classes([AllowAny])
def resend_code(request: Request) -> Response:
    guard("codes", request)
    form = cleaned(forms.AskAgainForm, request.data)
    registration.ask_again(form["email"])
    return _asked(form)


@extend_schema(
    request=forms.ConfirmForm,
    responses={200: forms.LoginAnswer, **REFUSED, 403: ErrorAnswer},
    description=(
        "The code of the letter, and the password that opens the account from now on. The account is logged in, and "
        "what the device collected is its own."
    ),
)
@api_view(["POST"])
@authentication_classes([])
@permission_classes([AllowAny])
def confirm_email(request: Request) -> Response:
    guard("codes", request)
    form = cleaned(forms.ConfirmForm, request.data)
    key = _device(request, form)
    user = registration.confirm(form["email"], form["code"], form["password"])
    registration.check_alone(user)
    return _let_in(user, key, form)


@extend_schema(
    request=forms.LoginForm,
    responses={200: forms.LoginAnswer, **REFUSED, 403: ErrorAnswer},
    description=(
        "A token with the scope “songs”. `confirm_first`: a new code is in the mail. `second_factor`: programs cannot "
        "show one, make a token on the web. A device of somebody else's stays theirs; the login holds all the same."
    ),
)
@api_view(["POST"])
@authentication_classes([])
@permission_classes([AllowAny])
def log_in_dancer(request: Request) -> Response:
    guard("log_in", request)
    form = cleaned(forms.LoginForm, request.data)
    key = _device(request, form)
    user = registration.log_in(request._request, form["email"], form["password"])
    return _let_in(user, key, form)


@extend_schema(
    request=forms.ClaimForm,
    responses={200: forms.ClaimAnswer, **REFUSED},
    description="What the device collected is the token's owner's from now on. Twice is once.",
)
@api_view(["POST"])
def claim_guest(request: Request) -> Response:
    guard("claims", request)
    user = signed_in(request)
    check_scope(request, ApiToken.Scope.SONGS)
    limit("claim", str(user.pk), CLAIMS_PER_MINUTE)
    form = cleaned(forms.ClaimForm, request.data)
    claimed = claim(user, key_of_request(request, form["guestToken"]))
    return Response({"claimed": _told(claimed), "message": in_words(claimed)})


def _device(request: Request, form: dict[str, str]) -> str:
    """The key of the device that the program showed; empty if it showed none."""
    token = form.get("guestToken", "")
    return key_of_request(request, token) if token else ""


def _asked(form: dict[str, str]) -> Response:
    return Response({"status": "confirm", "email": form["email"]}, 202)


def _let_in(user: User, key: str, form: dict[str, str]) -> Response:
    claimed, is_refused, words = Claimed(), False, ""
    try:
        if key:
            claimed = claim(user, key)
            words = in_words(claimed)
    except Problem as problem:  # they are who they say: the login holds
        is_refused, words = True, problem.message
    except Exception:  # nothing was moved; the next login tries again
        log.exception("could not claim a device for %s", user.pk)
    row, token = registration.give_token(user, form.get("deviceName") or gettext("Program"))
    who = {"name": str(user), "email": user.email, "roles": user.roles}
    its = {"token": token, "expiresAt": iso(row.expires_at) if row.expires_at else None, **who}
    return Response({**its, "claimed": _told(claimed), "message": words, "isGuestRefused": is_refused})


def _told(claimed: Claimed) -> dict[str, dict[str, int]]:
    def counts(its: dict[str, int]) -> dict[str, int]:
        return {_on_the_wire(name): n for name, n in its.items() if n}

    return {"moved": counts(claimed.moved), "known": counts(claimed.known)}


def _on_the_wire(name: str) -> str:
    first, *more = name.split("_")
    return first + "".join(word.capitalize() for word in more)

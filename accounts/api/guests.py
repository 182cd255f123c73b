"""A device without an account, over HTTP: get a secret, change it, give it up."""

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import auth_forms, forms
from accounts.access import key_of_request
from accounts.actions import new_guest_secret
from accounts.claim import revoke, rotate
from accounts.guests import give_secret
from pika.api import ErrorAnswer
from pika.errors import cleaned
from pika.limits import guard, limit

CHANGES_PER_HOUR = 20


@extend_schema(
    methods=["POST"],
    request=None,
    responses={201: forms.GuestAnswer, 429: ErrorAnswer},
    description="A device without cookies gets its secret here.",
)
@extend_schema(
    methods=["DELETE"],
    request=auth_forms.HeldForm,
    responses={204: None, 401: ErrorAnswer, 429: ErrorAnswer},
    description=(
        "The secret opens nothing any more. What the device collected is deleted, unless it belongs to an account: "
        "there it stays."
    ),
)
@api_view(["POST", "DELETE"])
@authentication_classes([])
@permission_classes([AllowAny])
def guests(request: Request) -> Response:
    guard("guests", request)
    if request.method == "POST":
        return Response({"guestToken": new_guest_secret()}, 201)
    key, is_cookie = _shown(request)
    limit("change-secret", key, CHANGES_PER_HOUR, 3600)
    revoke(key)
    response = Response(status=204)
    if is_cookie:
        response.delete_cookie(settings.GUEST_COOKIE)
    return response


@extend_schema(
    request=auth_forms.HeldForm,
    responses={200: forms.GuestAnswer, 401: ErrorAnswer, 429: ErrorAnswer},
    description=(
        "Another secret for the device, which keeps everything; the old one opens nothing from now on. A page's "
        "cookie is changed with the answer, and not shown."
    ),
)
@api_view(["POST"])
@authentication_classes([])
@permission_classes([AllowAny])
def rotate_guest(request: Request) -> Response:
    guard("guests", request)
    key, is_cookie = _shown(request)
    limit("change-secret", key, CHANGES_PER_HOUR, 3600)
    secret = rotate(key)
    if not is_cookie:
        return Response({"guestToken": secret})
    response = Response({"guestToken": ""})  # no script of a page ever sees it
    give_secret(response, secret)
    return response


def _shown(request: Request) -> tuple[str, bool]:
    """The device's key, and whether it showed its cookie."""
    token = cleaned(auth_forms.HeldForm, request.data).get("guestToken", "")
    return key_of_request(request, token), not token

"""People over HTTP, for programs: who am I, a new guest."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import forms
from accounts.access import digest, signed_in
from accounts.actions import new_guest_secret
from accounts.models import ApiToken
from pika.live.messages import iso


@extend_schema(responses={200: forms.MeAnswer}, description="Whose token this is, and the server's clock.")
@api_view(["GET"])
def show_me(request: Request) -> Response:
    token = request.auth
    scopes = ApiToken.objects.get(key=digest(token)).scopes if isinstance(token, str) else ApiToken.Scope.values
    user = signed_in(request)
    return Response({"name": str(user), "email": user.email, "scopes": scopes, "serverTime": iso(timezone.now())})


@extend_schema(
    request=None,
    responses={201: forms.GuestAnswer},
    description="A device without cookies gets its secret here.",
)
@api_view(["POST"])
@permission_classes([AllowAny])
def create_guest(request: Request) -> Response:
    return Response({"guestToken": new_guest_secret()}, 201)

"""People over HTTP: who am I."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import forms
from accounts.access import digest, signed_in
from accounts.models import ApiToken
from pika.live.messages import iso


@extend_schema(responses={200: forms.MeAnswer}, description="Whose token this is, and the server's clock.")
@api_view(["GET"])
def show_me(request: Request) -> Response:
    token = request.auth
    scopes = ApiToken.objects.get(key=digest(token)).scopes if isinstance(token, str) else ApiToken.Scope.values
    user = signed_in(request)
    its = {"name": str(user), "email": user.email, "roles": user.roles, "scopes": scopes}
    return Response({**its, "serverTime": iso(timezone.now())})

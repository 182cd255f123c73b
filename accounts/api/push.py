"""Where a device can be reached by push, over HTTP."""

from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import forms, push
from accounts.access import guest_of, key_of_request
from pika.api import ErrorAnswer
from pika.errors import Problem, cleaned
from pika.gateways import webpush
from pika.limits import over_limit

REFUSED = dict.fromkeys((401, 409, 429, 503), ErrorAnswer)


@extend_schema(methods=["GET"], responses={200: forms.PushAnswer}, description="The key to subscribe with.")
@extend_schema(
    methods=["POST"],
    request=forms.PushForm,
    responses={201: forms.PushAnswer, **REFUSED},
    description="This guest's device can be reached there. The same again is a sign of life; at most 10 a device.",
)
@extend_schema(
    methods=["DELETE"],
    request=forms.NoPushForm,
    responses={204: None, 401: ErrorAnswer},
    description="No more notifications there. Twice is once.",
)
@api_view(["GET", "POST", "DELETE"])
@authentication_classes([])
@permission_classes([AllowAny])
def push_subscriptions(request: Request) -> Response:
    if request.method == "GET":
        return Response({"vapidKey": webpush.server_key()})
    form = cleaned(forms.PushForm if request.method == "POST" else forms.NoPushForm, request.data)
    key = key_of_request(request, form.get("guestToken", ""))
    guest = guest_of(key)
    if request.method == "DELETE":
        push.remove_subscription(guest, form["endpoint"])
        return Response(status=204)
    if wait := over_limit("push", key, 30, 60):
        raise Problem(gettext("That is too often. Please try again in a minute."), "too_often", 429, retry_after=wait)
    push.save_subscription(guest, form["endpoint"], **form["keys"], vapid_key=form["vapidKey"], device_key=key)
    return Response({"vapidKey": webpush.server_key()}, 201)

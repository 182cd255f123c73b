"""Events over HTTP, for programs."""

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import organizer_for_manager, signed_in
from accounts.models import ApiToken
from accounts.tokens import check_scope
from events import actions, forms
from pika.api import ErrorAnswer
from pika.errors import cleaned


@extend_schema(request=forms.NewEventForm, responses={201: forms.EventAnswer, 404: ErrorAnswer})
@api_view(["POST"])
def create_event(request: Request) -> Response:
    check_scope(request, ApiToken.Scope.EVENTS)
    form = cleaned(forms.NewEventForm, request.data)
    event = actions.create_event(
        organizer_for_manager(signed_in(request), form["organizerId"]),
        form["name"],
        form["startsOn"],
        form["endsOn"],
        form["timeZone"],
        form.get("description", ""),
        form["publish"],
        signed_in(request),
    )
    return Response(
        {
            "eventId": event.slug,
            "name": event.name,
            "timeZone": event.time_zone,
            "startsOn": event.starts_on,
            "endsOn": event.ends_on,
            "status": event.status,
        },
        201,
    )

"""The floor over HTTP, for programs: sessions, plays in batches, stages."""

from typing import Any

from django.conf import settings
from django.db.models import Count
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import check_dj, check_key, guest_key, guest_of, signed_in
from accounts.models import ApiToken, User
from accounts.tokens import check_scope
from events.access import event_for_manager, event_for_member, public_event
from pika.errors import Problem, cleaned, sayable
from pika.limits import over_limit
from stages import access, answers, forms
from stages.actions import announcements, floor, plays, sessions, stars
from stages.actions import stages as stage_actions
from stages.actions.announcements import Draft
from stages.actions.plays import Heard
from stages.models import Session
from stages.serializers import announcement_answer, play_of, session_answer, slot_of, stage_of
from stages.state import stage_now
from stages.timetable_access import public_slot


def _user(request: Request, scope: ApiToken.Scope) -> User:
    check_scope(request, scope)
    return signed_in(request)


def _session(request: Request, code: str) -> Session:
    return access.session_for_dj(_user(request, ApiToken.Scope.LIVE), code)


def _base(request: HttpRequest | Request) -> str:
    return request.build_absolute_uri("/").rstrip("/")


# --- A DJ's session ------------------------------------------------------------------------------------
@extend_schema(
    request=forms.RegisterForm,
    responses={
        200: answers.SessionAnswer,
        201: answers.SessionAnswer,
        404: answers.ErrorAnswer,
        409: answers.ErrorAnswer,
        429: answers.ErrorAnswer,
        503: answers.ErrorAnswer,
    },
    description="Go live, on a stage or (without `stageId`) as a Quick Start. 200: it was live already.",
)
@api_view(["POST"])
def go_live(request: Request) -> Response:
    user = _user(request, ApiToken.Scope.LIVE)
    form = cleaned(forms.RegisterForm, request.data)
    check_dj(user)
    stage = access.stage_for_dj(user, form["stageId"]) if form.get("stageId") else None
    session, is_new = sessions.go_live(
        user, form.get("djName", ""), stage, form.get("sessionId", ""), form.get("delaySeconds")
    )
    return Response(session_answer(session, _base(request)), 201 if is_new else 200)


@extend_schema(methods=["GET"], responses={200: answers.SessionAnswer})
@extend_schema(
    methods=["PATCH"],
    request=forms.SessionChangesForm,
    responses={200: answers.SessionAnswer},
    description="Change the delay (s), pause publishing, or leave a note for the next DJ.",
)
@api_view(["GET", "PATCH"])
def show_session(request: Request, code: str) -> Response:
    session = _session(request, code)
    if request.method == "PATCH":
        changes = forms.session_changes(cleaned(forms.SessionChangesForm, request.data))
        session = sessions.update_session(session, changes)
    return Response(session_answer(session, _base(request)))


@extend_schema(
    request=None,
    responses={200: answers.SessionAnswer},
    description="The session is over. Twice is once.",
)
@api_view(["POST"])
def end_session(request: Request, code: str) -> Response:
    session = _session(request, code)
    sessions.end_session(session)
    return Response(session_answer(session, _base(request)))


@extend_schema(
    methods=["GET"],
    responses={200: answers.PlayAnswer(many=True)},
    description="The session's plays, oldest first, hidden ones too.",
)
@extend_schema(
    methods=["POST"],
    request=forms.BatchForm,
    responses={200: answers.PlaysAnswer, 409: answers.ErrorAnswer, 503: answers.ErrorAnswer},
    description="Record up to 100 plays, in order. The same `playId` again is the same play. Also taken "
    "after the session has ended: an outbox may come late. A wrong play is rejected alone.",
)
@api_view(["GET", "POST"])
def session_plays(request: Request, code: str) -> Response:
    session = _session(request, code)
    if request.method == "GET":
        return _list_plays(request, session)
    if session.is_live:  # what comes after the end is history, and nobody hears it
        access.check_open(session.stage)
    form = cleaned(forms.BatchForm, request.data)
    results: list[dict[str, Any]] = []
    good: list[Heard] = []
    for item in form["plays"]:
        try:
            good.append(_heard(item))
            results.append({"playId": str(good[-1].uuid)})
        except Problem as problem:
            its_id = sayable(str(item.get("playId", "")))[:36] if isinstance(item, dict) else ""
            results.append({"playId": its_id, "status": "rejected", "error": problem.message})
    done = iter(plays.play_all(session, good, form.get("sentAt")) if good else [])
    for result in results:
        if "status" not in result:
            play, is_new = next(done)
            result["status"] = "created" if is_new else "duplicate" if play else "rejected"
            if play is None:
                result["error"] = str(plays.TAKEN)
    return Response({"results": results})


def _heard(item: Any) -> Heard:
    form = cleaned(forms.PlayForm, item)
    return Heard(form["playId"], form["playedAt"], forms.play_fields(form["track"]), form["isHidden"], form["replay"])


def _offset(request: Request) -> int:
    try:
        return min(max(0, int(request.query_params.get("offset", 0))), 1_000_000)
    except ValueError:
        raise Problem(gettext("offset: a number"), "invalid", field="offset") from None


def _list_plays(request: Request, session: Session) -> Response:
    rows = session.plays.order_by("played_at", "id").select_related("session").annotate(hearts=Count("likes"))
    page = rows[_offset(request) :][:500]
    return Response([play_of(play) | {"isHidden": play.is_hidden, "likes": play.hearts} for play in page])


@extend_schema(
    request=forms.HiddenForm,
    responses={200: answers.PlayAnswer},
    description="Take a play out of everything public, or bring it back.",
)
@api_view(["POST"])
def hide_play(request: Request, code: str, uuid: Any) -> Response:
    form = cleaned(forms.HiddenForm, request.data)
    play = access.play_for_dj(_session(request, code), uuid)
    plays.hide(play, form["hidden"])
    return Response(play_of(play) | {"isHidden": play.is_hidden})


# --- Stages ----------------------------------------------------------------------------------------------
@extend_schema(
    request=forms.NewStageForm,
    responses={201: answers.StageAnswer, 404: answers.ErrorAnswer},
    description="A new stage of an event you manage; its code is permanent.",
)
@api_view(["POST"])
def create_stage(request: Request) -> Response:
    user = _user(request, ApiToken.Scope.EVENTS)
    form = cleaned(forms.NewStageForm, request.data)
    event = event_for_manager(user, form["eventId"])
    stage = stage_actions.create_stage(event, form["name"])
    return Response(stage_of(stage) | {"url": f"{_base(request)}/s/{stage.code}"}, 201)


@extend_schema(
    responses={200: answers.StageAnswer},
    description="A stage and what is going on on it.",
)
@api_view(["GET"])
@permission_classes([AllowAny])
def show_stage(request: Request, code: str) -> Response:
    stage = access.public_stage(code)
    now = stage_now(stage, timezone.now())
    return Response(
        stage_of(stage)
        | {
            "url": f"{_base(request)}/s/{stage.code}",
            "state": now.state,
            "djName": now.dj_name,
            "play": play_of(now.play) if now.play else None,
            "nextSlot": slot_of(now.next_slot),
        }
    )


@extend_schema(responses={200: answers.StageAnswer(many=True)})
@api_view(["GET"])
@permission_classes([AllowAny])
def event_stages(request: Request, slug: str) -> Response:
    event = public_event(slug)
    return Response([stage_of(stage) | {"url": f"{_base(request)}/s/{stage.code}"} for stage in event.stages.all()])


@extend_schema(methods=["GET"], responses={200: answers.SlotAnswer(many=True)})
@extend_schema(
    methods=["POST"],
    request=forms.SlotForm,
    responses={201: answers.SlotAnswer},
    description="A new line of the timetable.",
)
@api_view(["GET", "POST"])
@permission_classes([AllowAny])
def event_schedule(request: Request, slug: str) -> Response:
    if request.method == "POST":
        user = _user(request, ApiToken.Scope.EVENTS)
        form = cleaned(forms.SlotForm, request.data)
        stage = access.stage_for_manager(user, form["stageId"])
        if stage.event.slug != slug:
            raise Problem(gettext("Stage not found"), "stage_not_found", 404, field="stageId")
        slot = stage_actions.add_slot(
            stage, form["startsAt"], form["endsAt"], form.get("djName", ""), form.get("title", "")
        )
        return Response({"slotId": slot.code, "stageId": stage.code} | (slot_of(slot) or {}), 201)
    slots = access.slots_of(public_event(slug))
    return Response([{"slotId": slot.code, "stageId": slot.stage.code} | (slot_of(slot) or {}) for slot in slots])


@extend_schema(
    request=forms.FollowForm,
    responses={200: answers.StageAnswer, 401: answers.ErrorAnswer},
    description="This guest follows the stage. Twice is once.",
)
@api_view(["POST"])
@permission_classes([AllowAny])
def subscribe(request: Request, code: str) -> Response:
    form = cleaned(forms.FollowForm, request.data)
    key = guest_key(form.get("guestToken") or request.COOKIES.get(settings.GUEST_COOKIE))
    if not key:
        raise Problem(gettext("Send the “guestToken” that POST /api/v1/guests gave you"), "bad_guest", 401)
    check_key(key)
    stage = access.public_stage(code)
    floor.follow_all({(key, stage.code): timezone.now()})
    return Response(stage_of(stage))


@extend_schema(
    methods=["POST"],
    request=forms.FollowForm,
    responses={200: answers.StarAnswer, 401: answers.ErrorAnswer, 429: answers.ErrorAnswer},
    description="This guest wants to be there, and is reminded ten minutes before. Twice is once.",
)
@extend_schema(
    methods=["DELETE"],
    parameters=[OpenApiParameter("guestToken", str, description="Without the cookie of a page.")],
    responses={200: answers.StarAnswer, 401: answers.ErrorAnswer, 429: answers.ErrorAnswer},
    description="No more. Twice is once.",
)
@api_view(["POST", "DELETE"])
@authentication_classes([])  # a star is the device's, whoever is logged in on it
@permission_classes([AllowAny])
def star_slot(request: Request, code: str) -> Response:
    form = cleaned(forms.FollowForm, request.data or request.query_params.dict())
    key = guest_key(form.get("guestToken") or request.COOKIES.get(settings.GUEST_COOKIE))
    if not key:
        raise Problem(gettext("Send the “guestToken” that POST /api/v1/guests gave you"), "bad_guest", 401)
    slot = public_slot(code)
    if wait := over_limit("star", key, 60, 60):
        raise Problem(
            gettext("That was too fast. Once more in %(wait)s s.") % {"wait": wait}, "too_often", 429, retry_after=wait
        )
    if request.method == "POST":
        stars.star(guest_of(key), slot, timezone.now())
    else:
        stars.unstar(key, slot)
    return Response({"slotId": slot.code, "isStarred": request.method == "POST"})


# --- Announcements ---------------------------------------------------------------------------------------
@extend_schema(
    methods=["GET"],
    responses={200: answers.AnnouncementAnswer(many=True)},
    description="The event's announcements, the newest first, 50 at a time (`offset`), with their counts until now.",
)
@extend_schema(
    methods=["POST"],
    request=forms.AnnouncementForm,
    responses={
        200: answers.AnnouncementAnswer,
        201: answers.AnnouncementAnswer,
        409: answers.ErrorAnswer,
    },
    description="Tell the event, or some of its stages. 200: this `announcementId` was told already.",
)
@api_view(["GET", "POST"])
def event_announcements(request: Request, slug: str) -> Response:
    user = _user(request, ApiToken.Scope.EVENTS)
    event = event_for_member(user, slug)
    if request.method == "GET":
        page = access.announcements_of(event)[_offset(request) :][:50]
        return Response([announcement_answer(announcement) for announcement in page])
    form = cleaned(forms.AnnouncementForm, request.data)
    stages = access.stages_of_event(event, form["stageIds"])
    draft = Draft(form["message"], form["priority"], stages, form["push"], form.get("endsAt"))
    announcement, is_new = announcements.announce(event, user, draft, form.get("announcementId", ""))
    counted = access.announcement_of_event(event, announcement.code)
    return Response(announcement_answer(counted), 201 if is_new else 200)


@extend_schema(
    request=None,
    responses={200: answers.AnnouncementAnswer},
    description="It disappears from every screen. Twice is once.",
)
@api_view(["POST"])
def cancel_announcement(request: Request, slug: str, code: str) -> Response:
    user = _user(request, ApiToken.Scope.EVENTS)
    event = event_for_member(user, slug)
    announcements.cancel(access.announcement_of_event(event, code), user)
    return Response(announcement_answer(access.announcement_of_event(event, code)))

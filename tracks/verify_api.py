"""What a DJ's plays were, over HTTP, for programs: the open questions of a set, and verdicts in batches."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import signed_in
from accounts.models import ApiToken, User
from accounts.tokens import check_scope
from pika.api import ErrorAnswer
from pika.errors import Problem, cleaned, sayable
from stages.access import session_for_dj
from tracks import access, forms, suggestions
from tracks.actions.recordings import judge
from tracks.answers import QuestionsAnswer, SearchAnswer, VerdictsAnswer, offer_answer, question_answer
from tracks.questions import Question, questions_of, refused_of, word_on
from tracks.suggestions import conflict_of, search_elsewhere, suggest


class Questions(LimitOffsetPagination):
    """Few at a time: each is looked up in the repository."""

    default_limit, max_limit = 10, 50


def _dj(request: Request) -> User:
    check_scope(request, ApiToken.Scope.LIVE)
    return signed_in(request)


@extend_schema(
    parameters=[
        OpenApiParameter("limit", int, description="1 to 50, else 10."),
        OpenApiParameter("offset", int, description="How many you left for later: what is answered leaves the list."),
    ],
    responses={200: QuestionsAnswer, 404: ErrorAnswer},
    description="What is not settled in a set of yours, the most useful first, each with what it may be.",
)
@api_view(["GET"])
def list_questions(request: Request, code: str) -> Response:
    session = session_for_dj(_dj(request), code)
    questions = questions_of(session)
    pages = Questions()
    page: list[Question] = pages.paginate_queryset([its for its in questions if its.is_open], request) or []
    answer = pages.get_paginated_response([_asked(question) for question in page])
    answer.data["total"] = len(questions)
    return answer


def _asked(question: Question) -> dict[str, Any]:
    conflict = conflict_of(question.play)
    refused = [f"track:{its}" for its in refused_of(question.word)]
    return question_answer(question, suggest(question.play, refused, conflict), bool(conflict))


@extend_schema(
    responses={200: SearchAnswer, 404: ErrorAnswer, 409: ErrorAnswer, 503: ErrorAnswer},
    description="What Spotify's search finds for a play of yours, beyond the suggestions of its question. 409: link "
    "your account (again); 503 `spotify_wait`: Spotify asks us to wait, `retryAfter` says how long, perhaps for hours.",
)
@api_view(["GET"])
def search_play(request: Request, uuid: UUID) -> Response:
    dj = _dj(request)
    play = access.own_play(dj, uuid)
    if not any(can(dj) for can in suggestions.can_search):
        told = [its[0] for say in suggestions.would_add if (its := say(dj))]
        raise Problem(" ".join(told) or gettext("Nothing is searched here."), "no_search", 409)
    refused = [f"track:{its}" for its in refused_of(word_on(play))]
    known = suggest(play, refused, conflict_of(play))
    return Response({"suggestions": [offer_answer(its) for its in search_elsewhere(dj, play, known, refused)]})


@extend_schema(
    request=forms.VerdictsForm,
    responses={200: VerdictsAnswer},
    description="Up to 100 verdicts on plays of yours, in order: `{playId, verdict, trackId | link}`, verdict one of "
    "`confirm`, `reject`, `skip`, `withdraw`. Each is answered on its own; the same again changes nothing.",
)
@api_view(["POST"])
def verify_tracks(request: Request) -> Response:
    dj = _dj(request)
    form = cleaned(forms.VerdictsForm, request.data)
    return Response({"results": [_judged(dj, item) for item in form["verdicts"]]})


def _judged(dj: User, item: Any) -> dict[str, Any]:
    its_id = sayable(str(item.get("playId", "")))[:36] if isinstance(item, dict) else ""
    try:
        said = cleaned(forms.VerdictForm, item)
        play = access.own_play(dj, said["playId"])
        track = judge(dj, play, said["verdict"], said["trackId"], said["link"])
    except Problem as problem:
        return {"playId": its_id, "status": "rejected", "error": problem.message, "code": problem.code}
    about = {"trackId": track.code, "words": str(track)} if track else {}
    return {"playId": its_id, "status": "ok"} | about

"""Likes over HTTP, for programs."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view, permission_classes
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from pika.api import ErrorAnswer
from tracks import access, journal
from tracks.answers import LikesAnswer, like_answer


class Likes(LimitOffsetPagination):
    """Pages of at most 200."""

    default_limit, max_limit = 50, 200


@extend_schema(
    parameters=[
        OpenApiParameter("guestToken", str, description="Without a token of an account: the device that loved them."),
        OpenApiParameter("limit", int, description="1 to 200, else 50."),
        OpenApiParameter("offset", int),
    ],
    responses={200: LikesAnswer, 401: ErrorAnswer, 403: ErrorAnswer},
    description="What this person loves, the song heard last first: of the token's user (scope `songs`), or of the "
    "guest. A guest that belongs to an account needs the account's token.",
)
@api_view(["GET"])
@permission_classes([AllowAny])
def list_likes(request: Request) -> Response:
    guest = access.guest_of_program(request, request.query_params.get("guestToken", "")[:200])
    pages = Likes()
    page = pages.paginate_queryset(journal.newest_first(journal.likes_of(guest)), request)
    return pages.get_paginated_response([like_answer(like) for like in page or ()])

"""Playlists on Spotify over HTTP, for programs: ask for one, look how far it is."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import signed_in
from accounts.models import ApiToken, User
from accounts.tokens import check_scope
from pika.api import ErrorAnswer
from pika.errors import cleaned
from pika.live.messages import iso
from playlists.access import export_for
from playlists.forms import ExportSetForm
from playlists.models import Export
from playlists.offering import make_playlist
from stages.access import session_for_dj
from tracks.selections import of_set

MISSING = 200  # listed in an answer


class MissingAnswer(serializers.Serializer):
    name = serializers.CharField()
    why = serializers.CharField()


class ExportAnswer(serializers.Serializer):
    exportId = serializers.CharField()
    title = serializers.CharField()
    state = serializers.ChoiceField(Export.State.values)  # type: ignore[arg-type]
    message = serializers.CharField(help_text="The last problem, in words; empty if there is none.")
    written = serializers.IntegerField(help_text="Songs that are in it.")
    songs = serializers.IntegerField(help_text="Songs that will be in it.")
    missingCount = serializers.IntegerField()
    missing = MissingAnswer(many=True, help_text="The first 200 songs that are not in it, and why.")
    url = serializers.CharField(help_text="The playlist; empty until there is one.")
    againAt = serializers.DateTimeField(allow_null=True, help_text="When it goes on by itself.")


def export_answer(export: Export) -> dict[str, Any]:
    return {
        "exportId": export.code,
        "title": export.title,
        "state": export.state,
        "message": export.words,
        "written": export.written,
        "songs": len(export.wanted),
        "missingCount": len(export.missing),
        "missing": [{"name": one["words"], "why": one["why"]} for one in export.missing[:MISSING]],
        "url": export.playlist_url,
        "againAt": iso(export.again_at) if export.again_at else None,
    }


def _dj(request: Request) -> User:
    check_scope(request, ApiToken.Scope.LIVE)
    return signed_in(request)


@extend_schema(
    request=ExportSetForm,
    responses={202: ExportAnswer, 404: ErrorAnswer, 409: ErrorAnswer, 422: ErrorAnswer, 503: ErrorAnswer},
    description="A playlist of a set of yours in your Spotify account, public, in play order. Asked twice it is one; "
    "asked later it is brought up to date. 409: link your account (again); 503: this server has no Spotify.",
)
@api_view(["POST"])
def export_to_spotify(request: Request) -> Response:
    dj = _dj(request)
    form = cleaned(ExportSetForm, request.data)
    export = make_playlist(dj, of_set(session_for_dj(dj, form["sessionId"])))
    return Response(export_answer(export), 202)


@extend_schema(responses={200: ExportAnswer, 404: ErrorAnswer}, description="How far a playlist of yours is.")
@api_view(["GET"])
def show_export(request: Request, code: str) -> Response:
    return Response(export_answer(export_for(_dj(request), code)))

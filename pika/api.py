"""What the API answers when something went wrong: always the same shape."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext
from django.views import defaults
from rest_framework import exceptions, serializers
from rest_framework.parsers import JSONParser
from rest_framework.response import Response
from rest_framework.views import exception_handler

from pika.errors import Problem, first_error


class Error(serializers.Serializer):
    """For the OpenAPI document."""

    code = serializers.CharField()
    message = serializers.CharField(help_text="In the user's words.")
    fields = serializers.DictField(required=False)  # type: ignore[assignment]
    retryAfter = serializers.FloatField(required=False, help_text="Seconds.")


class ErrorAnswer(serializers.Serializer):
    error = Error()


class BoundedJSONParser(JSONParser):
    def parse(self, *args: Any, **options: Any) -> Any:
        try:
            return super().parse(*args, **options)
        except RecursionError:
            raise exceptions.ParseError(gettext("This is nested too deeply")) from None


def api_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: every error is `{"error": {code, message, fields?, retryAfter?}}`."""
    if isinstance(error, Problem):
        body: dict[str, Any] = {"code": error.code, "message": error.message}
        if error.field:
            body["fields"] = {error.field: [error.message]}
        if error.retry_after is not None:
            body["retryAfter"] = error.retry_after
        headers = {"Retry-After": str(int(error.retry_after) + 1)} if error.retry_after is not None else {}
        return Response({"error": body}, status=error.status, headers=headers)
    if isinstance(error, RequestDataTooBig):
        return Response(
            {"error": {"code": "too_big", "message": gettext("This is too much at once (1 MiB at most)")}}, 413
        )
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    response = exception_handler(error, context)
    if response is None or not isinstance(error, exceptions.APIException):
        return response
    body = {"code": str(error.default_code), "message": str(error.default_detail)}
    if isinstance(error, exceptions.ValidationError):
        field, words = first_error(response.data)
        body = {
            "code": "invalid",
            "message": f"{field}: {words}" if field else words,
            "fields": response.data,
        }
    elif isinstance(error.detail, str):
        body["message"] = str(error.detail)
    response.data = {"error": body}
    return response


# --- Where no view of the API is asked: Django's own answers are pages -----------------------------------
def _is_of_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _say(status: int, code: str, message: str) -> JsonResponse:
    return JsonResponse({"error": {"code": code, "message": message}}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_of_api(request):
        return _say(400, "bad_request", gettext("This request is not one we understand"))
    return defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_of_api(request):
        return _say(404, "not_found", gettext("Not found."))
    return defaults.page_not_found(request, exception)


def went_wrong(request: HttpRequest) -> HttpResponse:
    if _is_of_api(request):
        return _say(500, "broken", gettext("Something went wrong here. It is not your fault; try again in a minute."))
    return defaults.server_error(request)

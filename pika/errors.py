"""What went wrong, in the user's words: one exception, one shape on every wire."""

from functools import cache
from typing import Any

from rest_framework import serializers


class Problem(Exception):
    """Something cannot be done. `code` is for programs, `field` names what it is about.

    Becomes a NACK on the socket, an error object in the API, a message on a page.
    """

    def __init__(
        self,
        message: str,
        code: str,
        status: int = 400,
        field: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.code, self.status = message, code, status
        self.field, self.retry_after = field, retry_after


def cleaned(form: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """`data` as the form understands it; Problem naming the first wrong field and what is wrong with it."""
    try:
        return dict(_ready(form).run_validation(data))
    except serializers.ValidationError as error:
        field, words = first_error(error.detail)
    raise Problem(f"{field}: {words}" if field else words, "invalid", field=field)


@cache
def _ready(form: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """One instance does for all: validating keeps nothing, and copying the fields each time is dear."""
    return form()


def first_error(errors: Any, path: str = "") -> tuple[str, str]:
    """(`track.title`, its first complaint) of DRF's nested errors."""
    if isinstance(errors, dict):
        name, inner = next(iter(errors.items()))
        if name == "non_field_errors":
            return first_error(inner, path)
        return first_error(inner, f"{path}.{name}" if path else str(name))
    if isinstance(errors, list):
        return first_error(next((error for error in errors if error), ""), path)
    return path, sayable(str(errors))


def sayable(words: str) -> str:
    """Half an emoji, which JSON can say and UTF-8 cannot, becomes a question mark: answers quote what came in."""
    return words.encode("utf-8", "replace").decode()

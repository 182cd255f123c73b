"""The OpenAPI document: what any operation may refuse is said here once, in decorators only what is peculiar."""

from typing import Any

from drf_spectacular.openapi import AutoSchema

from pika.api import ErrorAnswer


class ApiSchema(AutoSchema):
    """Adds the refusals that follow from how an operation is called: with a body, a login, a code in its address."""

    def get_operation(self, *args: Any, **options: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args, **options)  # type: ignore[no-untyped-call]
        if operation is None:
            return None
        places = {parameter["in"] for parameter in operation.get("parameters", ())}
        has_body = "requestBody" in operation or self.method == "DELETE"  # OpenAPI 3.0 does not show one of DELETE
        codes = [406]
        if has_body or "query" in places:
            codes += [400]
        if has_body:
            codes += [413, 415]
        if self.view.get_authenticators():
            codes += [401, 403]
        if "path" in places:
            codes += [404]
        answer = self._get_response_for_code(ErrorAnswer, "400")  # type: ignore[no-untyped-call]
        refused = {str(code): answer for code in codes}
        operation["responses"] = dict(sorted({**refused, **operation["responses"]}.items()))
        return operation

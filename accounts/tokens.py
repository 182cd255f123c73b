"""`Authorization: Bearer pika_…` for programs."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.access import user_of_token
from accounts.models import ApiToken, User
from pika.errors import Problem


class TokenAuthentication(BaseAuthentication):
    """A valid token is its user; a bad one is refused, never downgraded to anonymous."""

    def authenticate(self, request: Request) -> tuple[User, str] | None:
        kind, _, token = get_authorization_header(request).decode("latin-1").partition(" ")
        if kind.lower() != "bearer":
            return None
        try:
            return user_of_token(token.strip()), token.strip()
        except Problem as problem:
            raise AuthenticationFailed(problem.message) from None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document says it."""

    target_class = "accounts.tokens.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A token of the profile page: pika_…"}


def check_scope(request: Request, scope: ApiToken.Scope) -> None:
    """Problem (403) if the request's token lacks `scope`; a logged-in person has them all."""
    if isinstance(request.auth, str):
        user_of_token(request.auth, scope)

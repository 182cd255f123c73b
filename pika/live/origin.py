"""Whose page opened this socket? Only ours may bring cookies."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings


def header(scope: dict[str, Any], name: bytes) -> str:
    """The first header of that (lower case) name, or an empty string."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def is_foreign(scope: dict[str, Any]) -> bool:
    """A browser page of another origin (scheme, host and port count) is speaking."""
    origin = header(scope, b"origin")
    return bool(origin) and not is_ours(scope)


def is_ours(scope: dict[str, Any]) -> bool:
    """A page of ours is speaking, so its cookies may be believed. No Origin: a program, no cookies."""
    origin = header(scope, b"origin")
    if not origin:
        return False
    if settings.PUBLIC_URL and origin == settings.PUBLIC_URL:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:  # http://[::1
        return False
    is_scheme_right = parts.scheme == ("https" if settings.IS_SECURE else parts.scheme)
    return is_scheme_right and parts.scheme in {"http", "https"} and parts.netloc == header(scope, b"host")

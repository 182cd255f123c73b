"""`pika-dj login`: keep the server and the token, once both are known to work."""

from __future__ import annotations

import getpass

from pika_dj.rest import Api, Busy, Refused, TokenRefused, Unreachable
from pika_dj.screen import Trouble, say
from pika_dj.settings import Settings, is_open_line, server_address


def login(server: str | None, token: str | None) -> int:
    """Ask for what is missing, check it with the server, store it. Raises Trouble; then nothing is stored."""
    try:
        settings = Settings.load()
    except Trouble:
        settings = Settings()  # logging in again mends a broken file
    settings.server = server_address(server or settings.server or input("Server (https://...): "))
    settings.token = (token or getpass.getpass("Token (from your page on the website, not shown here): ")).strip()
    if not settings.token.isascii() or not settings.token.isprintable() or not settings.token:
        raise Trouble("This is not a token. Copy it from your page on the website.")
    if is_open_line(settings.server):
        say("Careful: this address is http, so others on the network can read your token. Use https.")
    me = who_am_i(settings)
    settings.save()
    say(f"Logged in at {settings.server} as {me.get('name') or me.get('email') or 'you'}.")
    return 0


def who_am_i(settings: Settings) -> dict[str, object]:
    """What the server says about the token. Raises Trouble in words for the DJ."""
    try:
        return Api(settings.server, settings.token).me()
    except TokenRefused as error:
        unknown = "The server does not know this token. Make a new one on the website and copy all of it."
        raise Trouble(unknown if str(error) == TokenRefused.words else str(error)) from error
    except Unreachable as error:
        raise Trouble(f"{settings.server} does not answer ({error}). Check the address and your connection.") from error
    except Busy as error:
        raise Trouble(f"The server is busy. Try again in {error.retry_after_s:.0f} s.") from error
    except Refused as error:
        raise Trouble(f"The server says: {error}") from error

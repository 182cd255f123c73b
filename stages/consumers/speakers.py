"""Who speaks on a socket: the DJ by token or login, the device by cookie or token; and each message once."""

import logging
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.core.cache import cache

from accounts.access import Credential, digest, guest_key
from accounts.actions import new_guest_secret
from accounts.models import ApiToken
from pika.live.consumer import LiveConsumer
from pika.live.messages import Message
from pika.live.threads import in_thread
from stages import access
from stages.models import Session

log = logging.getLogger(__name__)
R = TypeVar("R")


def credential_of(socket: LiveConsumer, token: str = "") -> Credential:
    """What this socket showed us: a token, else the login cookie of a page of ours."""
    known = socket.memory.get("credential")
    if token or known is None:
        session_key = "" if token else socket.cookies.get(settings.SESSION_COOKIE_NAME, "")
        known = Credential(token=token, session_key=session_key)
    return known


def believe(socket: LiveConsumer, credential: Credential) -> None:
    """What it showed held: it is asked for no more, and the socket is theirs."""
    socket.memory["credential"] = credential
    socket.belongs_to(f"login {credential.token}{credential.session_key}")


async def as_dj(socket: LiveConsumer, message: Message, act: Callable[[Session], R], is_safe: bool = False) -> R | None:
    """`act(session)` in a thread, if the session is the speaker's own; None when this message was done before.

    `is_safe`: doing it twice is doing it once by itself, however late the second time comes.
    """
    credential = credential_of(socket)
    code = message["sessionId"]

    def work() -> R | None:
        session = access.session_for_dj(credential.user(ApiToken.Scope.LIVE), code)
        return act(session) if is_safe else once(f"session {session.pk}", message, lambda: act(session))

    result = await in_thread(work)
    believe(socket, credential)
    return result


async def as_guest(socket: LiveConsumer, act: Callable[[str], R]) -> R:
    """`act(guest key)` in a thread; a program that never showed a guest token is one for this socket."""
    return await in_thread(act, key_of(socket))


def key_of(socket: LiveConsumer) -> str:
    """The device's key, from its cookie or the token it subscribed with; else made for this socket."""
    if "guest" not in socket.memory:
        key = guest_key(socket.cookies.get(settings.GUEST_COOKIE))
        if not key:
            socket.memory["guest_token"] = new_guest_secret()
            key = guest_key(socket.memory["guest_token"])
        socket.memory["guest"] = key
    return str(socket.memory["guest"])


def once(who: str, message: Message, act: Callable[[], R]) -> R | None:
    """Run `act` unless this message id was done within 5 minutes; then None: answer ACK again."""
    if not message.get("messageId"):
        return act()
    words = (who, message["type"], message["messageId"])  # whatever a client calls its messages
    name = f"once:{digest(repr(words))}"
    if not _remember(name):
        return None
    try:
        return act()
    except BaseException:
        _forget(name)  # it was not done: asking again may help
        raise


def same_answer(words: str, make: Callable[[], str]) -> str:
    """What `make` said when it was asked with these words first, for 5 minutes."""
    try:
        return str(cache.get_or_set(f"same:{digest(words)}", make, 300))
    except Exception:  # any cache backend's own errors
        log.warning("cannot remember an answer")
        return make()


def _remember(name: str) -> bool:
    """Whether it is new. A memory that is away must not keep anybody from doing something."""
    try:
        return cache.add(name, 1, 300)
    except Exception:  # any cache backend's own errors
        log.warning("cannot remember %s", name)
        return True


def _forget(name: str) -> None:
    try:
        cache.delete(name)
    except Exception:  # any cache backend's own errors
        log.warning("cannot forget %s", name)

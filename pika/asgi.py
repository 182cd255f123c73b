"""The front door: HTTP to Django, `/ws` to the live consumer."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pika.settings")
http = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402

import stages.consumers  # noqa: E402
import tracks.consumers  # noqa: E402
from pika.live.chores import CHORES  # noqa: E402
from pika.live.consumer import LiveConsumer  # noqa: E402

live = LiveConsumer.as_asgi(
    handlers={**stages.consumers.HANDLERS, **tracks.consumers.HANDLERS},
    chores=(*CHORES, *stages.consumers.CHORES),
)


async def nobody_home(scope, receive, send):  # type: ignore[no-untyped-def]
    """A socket at an address that does not exist is refused before it is accepted."""
    await send({"type": "websocket.close", "code": 4404})


application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": URLRouter([path("ws", live), path("<path:rest>", nobody_home), path("", nobody_home)]),
    }
)

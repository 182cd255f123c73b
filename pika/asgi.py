"""The front door: HTTP to Django, `/ws` to the live consumer."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pika.settings")
django.setup(set_prefix=False)

from channels.routing import ProtocolTypeRouter  # noqa: E402

import stages.consumers  # noqa: E402
import tracks.consumers  # noqa: E402
from pika.http import OneThreadHandler  # noqa: E402
from pika.live.chores import CHORES  # noqa: E402
from pika.live.consumer import LiveConsumer  # noqa: E402

live = LiveConsumer.as_asgi(
    handlers={**stages.consumers.HANDLERS, **tracks.consumers.HANDLERS},
    chores=(*CHORES, *stages.consumers.CHORES),
)


async def sockets(scope, receive, send):  # type: ignore[no-untyped-def]
    """There is one; at any other address a socket is refused before it is accepted."""
    if scope["path"] == "/ws":
        await live(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 4404})


application = ProtocolTypeRouter({"http": OneThreadHandler(), "websocket": sockets})

"""The baseline everybody else writes: a plain Channels consumer, one group, group_send. For uvicorn alone."""

import json
import os
from typing import Any

from django.conf import settings

_URL = os.environ.get("REDIS_URL", "")
_REDIS = {
    "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
    "CONFIG": {"hosts": [_URL], "prefix": "stock"},
}
_MEMORY = {"BACKEND": "channels.layers.InMemoryChannelLayer"}
settings.configure(CHANNEL_LAYERS={"default": _REDIS if _URL else _MEMORY}, DATABASES={}, INSTALLED_APPS=[])

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402


class Stock(AsyncWebsocketConsumer):
    """A phone when it says SUBSCRIBE, the DJ when it says anything else."""

    async def connect(self) -> None:
        await self.channel_layer.group_add("bench", self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard("bench", self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        text = text_data or ""
        if "SUBSCRIBE" in text:
            await self.send(json.dumps({"type": "SNAPSHOT", "pad": "x" * 700}))
            await self.send(json.dumps({"type": "ACK", "messageId": "s"}, separators=(",", ":")))
        else:
            await self.channel_layer.group_send("bench", {"type": "bench.said", "text": text})

    async def bench_said(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])


_consumer = Stock.as_asgi()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Sockets to the consumer; anything else is told that we are here."""
    if scope["type"] == "websocket":
        await _consumer(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})

"""What may come in about likes."""

from typing import Any

from rest_framework import serializers

from stages.forms import Lenient, text


class NamedTrackForm(Lenient):
    """A track by name, as 0.3 clients say which one they like."""

    title = text(500)
    artist = text(500, default="")


class LikedForm(Lenient):
    """One play: by its id, else by session and track."""

    playId = serializers.UUIDField(required=False)
    sessionId = text(64)
    title = text(500)
    artist = text(500, default="")


class LikePayload(Lenient):
    track = NamedTrackForm(required=False)


class LikeForm(Lenient):
    playId = serializers.UUIDField(required=False)
    sessionId = text(64)
    payload = LikePayload(required=False)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        has_name = data.get("sessionId") and data.get("payload", {}).get("track", {}).get("title")
        if not data.get("playId") and not has_name:
            raise serializers.ValidationError("Say which track: “playId”, or “sessionId” and “payload.track”.")
        return data


class BulkPayload(Lenient):
    tracks = serializers.ListField(child=LikedForm(), min_length=1, max_length=100)


class BulkLikeForm(Lenient):
    sessionId = text(64)
    payload = BulkPayload()

"""What may come in about likes and recordings."""

from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy
from rest_framework import serializers

from stages.forms import Lenient, TrackForm, session_id, text


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
            raise serializers.ValidationError(gettext("Say which track: “playId”, or “sessionId” and “payload.track”."))
        return data


class BulkPayload(Lenient):
    tracks = serializers.ListField(child=LikedForm(), min_length=1, max_length=100)


class BulkLikeForm(Lenient):
    sessionId = text(64)
    payload = BulkPayload()


class NextTrackForm(Lenient):
    """What a DJ is about to play."""

    sessionId = session_id(required=True)
    track = TrackForm()


# --- Forms of pages -----------------------------------------------------------------------------------
class Note(forms.CharField):
    """Some lines; browsers send each end of line as two characters, and count one."""

    def to_python(self, value):
        return super().to_python(str(value or "").replace("\r\n", "\n"))


class NoteForm(forms.Form):
    """What somebody wants to remember about a song."""

    note = Note(
        max_length=500,
        required=False,
        error_messages={"max_length": gettext_lazy("A note has room for 500 characters. This one has %(show_value)d.")},
    )


# --- Verifying ----------------------------------------------------------------------------------------
class VerdictForm(Lenient):
    """What a DJ says of a play. `trackId` or `link` with confirm and reject."""

    playId = serializers.UUIDField()
    verdict = serializers.ChoiceField(["confirm", "reject", "skip", "withdraw"])
    trackId = text(12, default="")
    link = text(300, default="")


class VerdictsForm(Lenient):
    """Checked one by one: a wrong one is refused alone."""

    verdicts = serializers.ListField(min_length=1, max_length=100)

"""What may come in over the socket and the API, in the words of the live protocol."""

import re
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.models import Guest
from events.models import check_zone
from pika.codes import new_long_code
from stages.models import Announcement, Stage

# ISO 3901: country, registrant, year, number.
ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}\d{7}")
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
FEATURES = ("energy", "danceability", "brightness", "acousticness", "groove")


class TimeField(serializers.DateTimeField):
    """ISO 8601, or milliseconds since 1970 as 0.3 clients send; anything after 1990."""

    def to_internal_value(self, value: Any) -> datetime:
        if isinstance(value, bool):
            self.fail("invalid", format="ISO 8601")
        try:
            if isinstance(value, int | float):
                at = datetime.fromtimestamp(value / 1000, UTC)
            else:
                at = super().to_internal_value(value).astimezone(UTC)
        except (ValueError, OverflowError, OSError):
            self.fail("invalid", format="ISO 8601")
        if at < EARLIEST:
            raise serializers.ValidationError(_("this time is too long ago"))
        return at


def text(most: int, **options: Any) -> serializers.CharField:
    """A short text; null is the same as nothing."""
    options.setdefault("required", False)
    return serializers.CharField(max_length=most, allow_blank=not options["required"], **options)


class IsrcField(serializers.CharField):
    """An ISRC, however it is written; what is none is dropped and does not cost the DJ the track."""

    def to_internal_value(self, data: Any) -> str:
        isrc = re.sub(r"[\s-]", "", super().to_internal_value(data)).upper()
        return isrc if ISRC.fullmatch(isrc) else ""


class Lenient(serializers.Serializer[Any]):
    """null means absent: programs in other languages send it for what they do not know."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            data = {name: value for name, value in data.items() if value is not None}
        return super().to_internal_value(data)


class TrackForm(Lenient):
    """A track. The artist may be empty: half of what VirtualDJ knows has none."""

    title = text(500, required=True)
    artist = text(500, default="")
    remix = text(200)
    album = text(500)
    isrc = IsrcField(max_length=40, allow_blank=True, required=False)
    bpm = serializers.FloatField(required=False, min_value=40, max_value=300)
    key = text(10)
    durationMs = serializers.IntegerField(required=False, min_value=0, max_value=24 * 3600 * 1000)
    energy, danceability, brightness, acousticness, groove = (
        serializers.FloatField(required=False, min_value=0, max_value=100) for _ in range(5)
    )
    fileHash = text(64)
    audioHash = text(64)
    streamId = text(200)


class BetterTrackForm(TrackForm):
    """Better words for a track: what is not said stays as it was."""

    artist = text(500)


def play_fields(track: dict[str, Any]) -> dict[str, Any]:
    """A clean TrackForm in the words of the Play model."""
    names = {
        "durationMs": "duration_ms",
        "fileHash": "file_hash",
        "audioHash": "audio_hash",
        "streamId": "stream_id",
    }
    plain = {names.get(name, name): value for name, value in track.items() if name not in FEATURES}
    return plain | {"features": {name: track[name] for name in FEATURES if name in track}}


def session_id(required: bool = False) -> serializers.RegexField:
    """A session's code; a program may bring its own, so it must be a legal part of a topic's name."""
    return serializers.RegexField(
        r"^[A-Za-z0-9_-]{4,64}\Z",
        required=required,
        allow_blank=not required,
        error_messages={"invalid": "4 to 64 letters, digits, - or _"},
    )


class RegisterForm(Lenient):
    sessionId = session_id()
    djName = text(80)
    token = text(200)
    stageId = text(20)
    delaySeconds = serializers.IntegerField(required=False, min_value=0, max_value=600)


class SessionForm(Lenient):
    sessionId = text(64, required=True)


class SessionChangesForm(Lenient):
    delaySeconds = serializers.IntegerField(required=False, min_value=0, max_value=600)
    isPaused = serializers.BooleanField(required=False)
    note = text(500)


class UpdateSessionForm(SessionForm, SessionChangesForm):
    """The same over the socket, where the message says which session."""


class PlayForm(Lenient):
    """One play, as the outbox sends it."""

    playId = serializers.UUIDField()
    playedAt = TimeField()
    isHidden = serializers.BooleanField(default=False)
    replay = serializers.BooleanField(default=False)
    track = TrackForm()


class BatchForm(Lenient):
    sentAt = TimeField(required=False)
    plays = serializers.ListField(min_length=1, max_length=100)  # whatever they are: each is checked by itself


class BroadcastForm(SessionForm):
    track = TrackForm()
    playId = serializers.UUIDField(required=False)
    playedAt = TimeField(required=False)
    sentAt = TimeField(required=False)
    replay = serializers.BooleanField(default=False)


class MetadataForm(SessionForm):
    track = BetterTrackForm()


class StartPollForm(SessionForm):
    question = text(500, required=True)
    options = serializers.ListField(child=text(100, required=True), min_length=2, max_length=10)
    durationSeconds = serializers.IntegerField(default=60, min_value=30, max_value=300)

    def validate_options(self, options: list[str]) -> list[str]:
        if len(set(options)) < len(options):
            raise serializers.ValidationError(_("two answers are the same"))
        return options


class PollForm(Lenient):
    pollId = text(20, required=True)


class SendAnnouncementForm(SessionForm):
    message = text(200, required=True)
    durationSeconds = serializers.IntegerField(default=300, min_value=15, max_value=3600)
    push = serializers.BooleanField(default=False)


class CancelAnnouncementForm(SessionForm):
    announcementId = text(20)


class SeenForm(Lenient):
    announcementId = text(20, required=True)


class AnnouncementForm(Lenient):
    """An organizer's, over the API."""

    announcementId = serializers.RegexField(
        r"^[A-Z0-9]{10}\Z",
        required=False,
        error_messages={"invalid": "10 capital letters or digits"},
        help_text="A random one of your own: the same again is the same announcement.",
    )
    message = text(500, required=True)
    priority = serializers.ChoiceField(
        ["info", "important", "urgent", "warning"], default="info", help_text="`warning` is `important`."
    )
    stageIds = serializers.ListField(
        child=text(20, required=True), default=list, max_length=100, help_text="None: the whole event."
    )
    push = serializers.BooleanField(default=False)
    endsAt = TimeField(required=False, help_text="Left out: info 1 h, important 30 min, urgent 15 min. At most 24 h.")

    def validate_priority(self, priority: str) -> str:
        return "important" if priority == "warning" else priority


class VoteForm(PollForm):
    optionIndex = serializers.IntegerField(min_value=0)


class HideForm(SessionForm):
    playId = serializers.UUIDField()
    hidden = serializers.BooleanField(default=True)


class SubscribeForm(Lenient):
    sessionId = session_id()
    stageId = text(20)
    clientId = text(100)
    guestToken = text(200)
    since = text(40)
    display = serializers.BooleanField(default=False, help_text="A wall, an overlay, a booth: not counted.")
    mine = serializers.BooleanField(default=True, help_text="Say which of these plays this guest likes.")

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if bool(data.get("sessionId")) == bool(data.get("stageId")):
            raise serializers.ValidationError(_("Say either “stageId” or “sessionId”."))
        return data


class TempoForm(SessionForm):
    preference = serializers.ChoiceField(["faster", "slower", "perfect", "clear"])


class ReactionForm(SessionForm):
    reaction = serializers.ChoiceField(["thank_you"])


def session_changes(form: dict[str, Any]) -> dict[str, Any]:
    """A clean UpdateSessionForm in the words of the model."""
    names = {"delaySeconds": "delay_seconds", "isPaused": "is_paused", "note": "note"}
    return {field: form[name] for name, field in names.items() if name in form}


class HiddenForm(Lenient):
    hidden = serializers.BooleanField(default=True)


class NewStageForm(Lenient):
    eventId = serializers.SlugField(max_length=60)
    name = text(80, required=True)


class SlotForm(Lenient):
    stageId = text(20, required=True)
    startsAt = TimeField()
    endsAt = TimeField()
    djName = text(80)
    title = text(120)


class FollowForm(Lenient):
    guestToken = text(200)


# --- The organizers' pages -----------------------------------------------------------------------------------
class AnnounceForm(forms.Form):
    """What an organizer wants to tell; `code` makes sending twice once."""

    code = forms.CharField(required=False, widget=forms.HiddenInput)
    message = forms.CharField(
        label=_("What should they know?"),
        error_messages={"required": _("Type what they should know.")},
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto", "class": "field"}),
    )
    priority = forms.ChoiceField(label=_("How important is it?"), choices=Announcement.Priority.choices, initial="info")
    to = forms.ChoiceField(
        label=_("Who should hear it?"),
        choices=[("event", _("Everybody at the event")), ("stages", _("Only these stages:"))],
        initial="event",
    )
    stages = forms.MultipleChoiceField(
        required=False, error_messages={"invalid_choice": _("There is no such stage at this event. Choose again.")}
    )
    is_push = forms.BooleanField(label=_("Wake their phones, too (push)"), required=False)
    ends_at = forms.DateTimeField(
        label=_("Show until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "class": "field num"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": _("This is no date and time. Choose one, or none: then the priority decides.")},
    )

    def __init__(self, stages: list[Stage], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["stages"].choices = [(stage.code, stage.name) for stage in stages]  # type: ignore[attr-defined]

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        return code if re.fullmatch(r"[A-Z0-9]{10}", code) else new_long_code()

    def clean_message(self) -> str:
        message = self.cleaned_data["message"].replace("\r\n", "\n")
        if (length := len(message)) > 500:
            words = _("That is %(length)s characters, and 500 fit. Make it shorter: people read it between two songs.")
            raise forms.ValidationError(words, params={"length": f"{length:,}"})
        return message

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("to") == "event":
            data["stages"] = []
        elif not data.get("stages") and "stages" not in self.errors:
            self.add_error("stages", _("Tick the stages that should hear it, or choose everybody."))
        return data


# --- What may wake a phone -----------------------------------------------------------------------------
class QuietHoursForm(forms.Form):
    starts_at = forms.TimeField(
        label=_("Quiet from"),
        required=False,
        widget=forms.TimeInput({"type": "time"}, format="%H:%M"),
        error_messages={"invalid": _("This is no time. Like 23:30")},
    )
    ends_at = forms.TimeField(
        label=_("Until"),
        required=False,
        widget=forms.TimeInput({"type": "time"}, format="%H:%M"),
        error_messages={"invalid": _("This is no time. Like 08:00")},
    )
    zone = forms.CharField(
        label=_("Time zone"),
        required=False,
        max_length=60,
        validators=[check_zone],
        error_messages={"max_length": _("There is no time zone with such a long name. Try Europe/Budapest.")},
    )

    @classmethod
    def of(cls, guest: Guest | None, data: Any = None) -> "QuietHoursForm":
        """As this device has them now."""
        its = guest or Guest()
        starts_at, ends_at = (f"{at:%H:%M}" if at else "" for at in (its.quiet_starts_at, its.quiet_ends_at))
        return cls(data, initial={"starts_at": starts_at, "ends_at": ends_at, "zone": its.quiet_zone})

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        starts_at, ends_at = found.get("starts_at"), found.get("ends_at")
        for name, other in (("starts_at", ends_at), ("ends_at", starts_at)):
            if other is not None and found.get(name) is None and name not in self.errors:
                self.add_error(name, _("Say both times, or none."))
        if starts_at is not None and starts_at == ends_at:
            self.add_error("ends_at", _("Both times are the same. To get nothing at all, turn notifications off."))
        if starts_at is not None and not found.get("zone") and "zone" not in self.errors:
            self.add_error("zone", _("By which clock? Like Europe/Budapest"))
        return found

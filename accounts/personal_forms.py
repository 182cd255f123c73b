"""What people type about themselves."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts import activity
from accounts.forms import OneLine
from accounts.models import UserSettings


class ProfileForm(forms.Form):
    name = OneLine(
        label=_("Your name"),
        max_length=80,
        required=False,
        help_text=_("What others see when you play or organize, e.g. DJ Marcus."),
        error_messages={"max_length": _("At most 80 letters, please.")},
    )


class LookForm(forms.Form):
    """Language and theme of this device; what is not sent stays as it is."""

    language = forms.ChoiceField(required=False)
    theme = forms.ChoiceField(required=False, choices=UserSettings.Theme)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["language"].choices = [("", ""), *settings.LANGUAGES]  # type: ignore[attr-defined]

    def clean_theme(self) -> str:
        return self.cleaned_data["theme"] or UserSettings.Theme.SYSTEM.value


class SettingsForm(forms.Form):
    theme = forms.ChoiceField(label=_("Light or dark"), choices=UserSettings.Theme)
    language = forms.ChoiceField(label=_("Language"), required=False)
    is_notified = forms.BooleanField(label=_("Notifications may wake my phones"), required=False)
    panels = forms.MultipleChoiceField(
        label=_("On your start page"),
        choices=UserSettings.Panel,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    default_shuffle = forms.ChoiceField(
        label=_("Shuffle playlists like this"),
        choices=UserSettings.Shuffle,
        help_text=_("What the playlist workshop suggests first."),
    )
    is_auto_snapshot = forms.BooleanField(label=_("Keep a snapshot before each change of a playlist"), required=False)
    snapshots_kept = forms.IntegerField(
        label=_("Snapshots kept of each playlist"),
        min_value=1,
        max_value=50,
        help_text=_("1 to 50; the oldest goes first."),
        error_messages=dict.fromkeys(
            ("min_value", "max_value", "invalid", "required"), _("A whole number from 1 to 50, please.")
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        languages = [("", _("As the browser asks")), *settings.LANGUAGES]
        self.fields["language"].choices = languages  # type: ignore[attr-defined]

    @classmethod
    def of(cls, its: UserSettings, data: Any = None) -> "SettingsForm":
        """As they are now."""
        initial = {name: getattr(its, name) for name in cls.base_fields if name != "panels"}
        return cls(data, initial=initial | {"panels": its.shown_panels})

    def fields_to_save(self) -> dict[str, Any]:
        """As the table has them: it keeps what is hidden, so that a new panel is shown to everybody."""
        found = dict(self.cleaned_data)
        shown = found.pop("panels")
        return found | {"hidden_panels": [name for name in UserSettings.Panel.values if name not in shown]}


class ActivityForm(forms.Form):
    """Which part of an activity log to show."""

    verb = forms.ChoiceField(label=_("What was done"), required=False)
    event = forms.ChoiceField(label=_("Event"), required=False)
    since = forms.DateField(
        label=_("From"),
        required=False,
        widget=forms.DateInput({"type": "date"}),
        error_messages={"invalid": _("This is no day. Like 2026-11-21")},
    )
    until = forms.DateField(
        label=_("Until"),
        required=False,
        widget=forms.DateInput({"type": "date"}),
        error_messages={"invalid": _("This is no day. Like 2026-11-21")},
    )

    def __init__(self, data: Any, events: list[tuple[str, str]] | None = None) -> None:
        super().__init__(data)
        everything = ("", _("Everything"))
        self.fields["verb"].choices = [everything, *activity.choices()]  # type: ignore[attr-defined]
        if events:
            self.fields["event"].choices = [everything, *events]  # type: ignore[attr-defined]
        else:
            del self.fields["event"]

    def chosen(self) -> dict[str, Any]:
        """As a filter of Activity; days are of UTC and belong to it whole."""
        its = self.cleaned_data
        found = {"verb": its["verb"], "event_slug": its.get("event"), "done_at__date__gte": its["since"]}
        found["done_at__date__lte"] = its["until"]
        return {name: value for name, value in found.items() if value}

"""What may come in about events: from programs, and from the organizers' form."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from events.models import Event, check_days, check_zone


class NewEventForm(serializers.Serializer):
    organizerId = serializers.SlugField(max_length=60)
    name = serializers.CharField(max_length=120)
    timeZone = serializers.CharField(max_length=60, validators=[check_zone])
    startsOn = serializers.DateField()
    endsOn = serializers.DateField()
    description = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    publish = serializers.BooleanField(default=False)

    def validate(self, data):
        try:
            check_days(data["startsOn"], data["endsOn"])
        except ValidationError as error:
            its = {"starts_on": "startsOn", "ends_on": "endsOn"}
            raise serializers.ValidationError(
                {its[name]: words for name, words in error.message_dict.items()}
            ) from None
        return data


class EventAnswer(serializers.Serializer):
    eventId = serializers.SlugField()
    name = serializers.CharField()
    timeZone = serializers.CharField()
    startsOn = serializers.DateField()
    endsOn = serializers.DateField()
    status = serializers.CharField()


# --- The organizers' form: the event and, row by row, its stages ---------------------------------------
def _as_fields(form: forms.BaseForm) -> None:
    """Our looks: every box one can type into is a `.field`."""
    for field in form.fields.values():
        if not isinstance(field.widget, forms.CheckboxInput | forms.HiddenInput):
            field.widget.attrs["class"] = "field"


class EventForm(forms.ModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _as_fields(self)

    class Meta:
        model = Event
        fields = [
            "name",
            "starts_on",
            "ends_on",
            "time_zone",
            "venue",
            "description",
            "wifi",
            "colour",
            "is_booth_open",
        ]
        labels = {
            "name": _("Name"),
            "starts_on": _("First day"),
            "ends_on": _("Last day"),
            "time_zone": _("Time zone"),
            "venue": _("Where"),
            "description": _("Description"),
            "wifi": _("Wi-Fi, for the posters"),
            "colour": _("Colour, for the posters"),
            "is_booth_open": _("Any DJ with an account may go live here"),
        }
        help_texts = {
            "name": "",
            "ends_on": _(
                "A night belongs to the day it begins on: Sunday's party that ends on Monday at 4 is Sunday's."
            ),
            "time_zone": _("Of the place where you dance. All times are shown in it."),
            "wifi": "",
            "colour": "",
            "is_booth_open": _("Otherwise only your members, and the DJs of your timetable."),
        }
        widgets = {
            "starts_on": forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
            "ends_on": forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
            "venue": forms.TextInput({"placeholder": _("Hotel Gellért, Budapest")}),
            "wifi": forms.TextInput({"placeholder": _("Hotel Guest, no password")}),
            "time_zone": forms.TextInput({"list": "zones", "autocomplete": "off", "spellcheck": "false"}),
            "description": forms.Textarea({"rows": 5}),
            "colour": forms.TextInput({"type": "color"}),
        }
        error_messages = {
            "name": {"required": _("Give your event a name.")},
            "starts_on": {
                "required": _("On which day does it begin?"),
                "invalid": _("This is no day. Like 2027-03-26."),
            },
            "ends_on": {"required": _("On which day does it end?"), "invalid": _("This is no day. Like 2027-03-28.")},
            "time_zone": {"required": _("Which time zone is it in? Europe/Budapest, for example.")},
        }


class StageRow(forms.Form):
    """`position` orders the rows; `is_set_over`: yes, end what is live on the stage that I close."""

    code = forms.CharField(max_length=12, required=False, widget=forms.HiddenInput)
    name = forms.CharField(
        max_length=80,
        required=False,
        label=_("Name of the stage"),
        widget=forms.TextInput({"placeholder": _("Name of the stage")}),
    )
    position = forms.IntegerField(min_value=1, max_value=999, required=False, label=_("Order"))
    is_closed = forms.BooleanField(required=False, label=_("Closed"))
    is_removed = forms.BooleanField(required=False, label=_("Remove"))
    is_set_over = forms.BooleanField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _as_fields(self)

    def clean(self) -> dict[str, Any]:
        data = dict(self.cleaned_data)
        if data.get("code") and not data.get("name") and not data.get("is_removed") and "name" not in self.errors:
            self.add_error("name", _("A stage needs a name."))
        return data


class _StageRows(forms.BaseFormSet):
    """The rows in the order of their numbers; empty new ones do not count."""

    def clean(self) -> None:
        names: set[str] = set()
        for form in self._filled():
            name = form.cleaned_data.get("name", "").casefold()
            if name and not form.cleaned_data["is_removed"] and name in names:
                form.add_error("name", _("There is a stage of that name already."))
            names.add(name)

    def lines(self) -> list[dict[str, Any]]:
        rows = sorted((form.cleaned_data for form in self._filled()), key=lambda row: row["position"] or 1000)
        return [{name: value for name, value in row.items() if name != "position"} for row in rows]

    def complain(self, code: str, words: str) -> bool:
        """Say it in the row of that stage; False if there is none."""
        its = [form for form in self.forms if code and form["code"].value() == code]
        for form in its:
            form.add_error("name", words)
        return bool(its)

    def _filled(self) -> list[StageRow]:
        said = (form for form in self.forms if hasattr(form, "cleaned_data"))
        return [form for form in said if form.cleaned_data.get("code") or form.cleaned_data.get("name")]


MOST_STAGES = 30
StageRows = forms.formset_factory(
    StageRow, _StageRows, extra=3, max_num=MOST_STAGES, absolute_max=MOST_STAGES + 3, validate_max=True
)


class CopyForm(forms.Form):
    """When the event happens again, and what it is called then."""

    name = forms.CharField(max_length=120, label=_("Name"), error_messages={"required": _("Give your event a name.")})
    starts_on = forms.DateField(
        label=_("First day"),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": _("On which day does it begin?"), "invalid": _("This is no day. Like 2027-03-26.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _as_fields(self)

    def clean_starts_on(self) -> Any:
        starts_on = self.cleaned_data["starts_on"]
        try:
            check_days(starts_on, starts_on)
        except ValidationError as error:
            raise ValidationError(error.message_dict["starts_on"]) from None
        return starts_on

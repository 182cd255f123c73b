"""What organizers type about a slot, a day to copy, a delay, a file."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from events.models import Event
from pika.errors import Problem
from stages.djs import Djs
from stages.models import Slot
from stages.timetable import Entry
from stages.wall_time import Twice, night_of, offset_of, show_clock, span

LEAST_MINUTES, MOST_MINUTES = -60, 180
SLACK = timedelta(days=1)
# Not type=time: that one speaks the browser's 12 or 24 hours, and cannot say which of two.
CLOCK = {"inputmode": "numeric", "placeholder": "22:00", "autocomplete": "off"}


def days_of(event: Event, more: set[date] | None = None) -> list[tuple[str, str]]:
    """(2027-03-26, Fri 26 Mar) of the event's days, the evening before and the day after."""
    span_ = (event.ends_on - event.starts_on).days + 3
    days = {event.starts_on - SLACK + timedelta(days=n) for n in range(span_)} | (more or set())
    return [(str(day), date_format(day, gettext("D j M"))) for day in sorted(days)]


def _dress(form: forms.Form) -> None:
    for field in form.fields.values():
        field.widget.attrs["class"] = "field"


class SlotForm(forms.Form):
    """A slot in the event's own time. `entry` is what it says, once it is valid."""

    stage = forms.ChoiceField(label=_("Stage"))
    day = forms.ChoiceField(label=_("Night"))
    start = forms.CharField(label=_("From"), max_length=20, widget=forms.TextInput(attrs=CLOCK))
    start_offset = forms.CharField(required=False, max_length=6)
    end = forms.CharField(label=_("To"), max_length=20, widget=forms.TextInput(attrs=CLOCK))
    end_offset = forms.CharField(required=False, max_length=6)
    dj = forms.CharField(
        label=_("DJ"),
        required=False,
        max_length=340,
        widget=forms.TextInput(attrs={"list": "djs", "autocomplete": "off"}),
    )
    title = forms.CharField(label=_("Title"), required=False, max_length=120)
    kind = forms.ChoiceField(label=_("Kind"), choices=Slot.Kind.choices, initial=Slot.Kind.SOCIAL)

    entry: Entry

    def __init__(
        self,
        event: Event,
        stages: Mapping[str, str],
        djs: Djs,
        data: Any = None,
        entry: Entry | None = None,
        **initial: Any,
    ) -> None:
        self.event, self.djs = event, djs
        self.twice: dict[str, list[tuple[str, str]]] = {}
        super().__init__(data, initial=initial | (self._typed(entry) if entry else {}))
        night = {night_of(entry.starts_at, event.zone)} if entry else set()
        self.fields["stage"].choices = list(stages.items())  # type: ignore[attr-defined]
        self.fields["day"].choices = days_of(event, night)  # type: ignore[attr-defined]
        _dress(self)

    def _typed(self, entry: Entry) -> dict[str, str]:
        zone, typed = self.event.zone, dict[str, str]()
        for name, at in (("start", entry.starts_at), ("end", entry.ends_at)):
            is_twice = " " in show_clock(at, zone)
            typed |= {name: show_clock(at, zone)[:5], f"{name}_offset": offset_of(at, zone) if is_twice else ""}
        return typed | {
            "stage": entry.stage,
            "day": str(night_of(entry.starts_at, zone)),
            "dj": self.djs.typed(entry.dj_id, entry.dj_name),
            "title": entry.title,
            "kind": entry.kind,
        }

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        who, when = self._who(data), self._when(data)
        if not self.errors and who and when:
            self.entry = Entry(data["stage"], *when, *who, data["title"], data["kind"])
        return data

    def _who(self, data: dict[str, Any]) -> tuple[int | None, str] | None:
        try:
            dj_id, dj_name = self.djs.meant(data.get("dj", ""))
        except Problem as problem:
            self.add_error("dj", problem.message)
            return None
        if not (dj_name or data.get("title") or "dj" in self.errors):
            self.add_error("dj", gettext("Say who plays, or give it a title."))
        return dj_id, dj_name

    def _when(self, data: dict[str, Any]) -> tuple[datetime, datetime] | None:
        if not all(data.get(name) for name in ("day", "start", "end")):
            return None  # said by the field already
        start, end = (f"{data[name]} {data.get(f'{name}_offset', '')}" for name in ("start", "end"))
        try:
            return span(date.fromisoformat(data["day"]), start, end, self.event.zone)
        except Twice as twice:
            self.twice[twice.field] = twice.choices
            self.add_error(twice.field, twice.message)
        except Problem as problem:
            self.add_error(problem.field, problem.message)
        return None

    def begin(self) -> None:
        """Where the cursor stands: at what is wrong, else at what is still to be typed."""
        is_next = self.initial.get("start") and not self.is_bound
        name = next(iter(self.errors), "end" if is_next else "")
        if name in self.fields:
            self.fields[name].widget.attrs["autofocus"] = True


class CopyDayForm(forms.Form):
    """Every slot of one night once more, on another."""

    day = forms.ChoiceField(label=_("Copy"))
    to = forms.ChoiceField(label=_("to"))

    def __init__(self, event: Event, nights: set[date], data: Any = None) -> None:
        super().__init__(data)
        self.fields["day"].choices = [(str(day), date_format(day, gettext("D j M"))) for day in sorted(nights)]  # type: ignore[attr-defined]
        self.fields["to"].choices = days_of(event, nights)  # type: ignore[attr-defined]
        _dress(self)

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data.get("day") and data.get("day") == data.get("to"):
            self.add_error("to", gettext("Choose another night than the one you copy."))
        return data


class LateForm(forms.Form):
    """Which stage, from when, how many minutes."""

    where = forms.CharField(max_length=40)
    minutes = forms.IntegerField(label=_("Minutes"), min_value=LEAST_MINUTES, max_value=MOST_MINUTES, initial=20)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        _dress(self)

    def clean_minutes(self) -> int:
        minutes = int(self.cleaned_data["minutes"])
        if minutes == 0:
            raise forms.ValidationError(gettext("Zero minutes is on time."))
        return minutes


class SheetForm(forms.Form):
    """A CSV file, or its text pasted."""

    file = forms.FileField(label=_("CSV file"), required=False)
    text = forms.CharField(label=_("or paste it here"), required=False, max_length=512 * 1024, widget=forms.Textarea)

    def __init__(self, *data: Any) -> None:
        super().__init__(*data)
        _dress(self)

    def sheet(self) -> bytes:
        """What came; Problem (`file`) for nothing."""
        file, text = self.cleaned_data.get("file"), self.cleaned_data.get("text", "")
        data = bytes(file.read()) if file else text.encode()
        if not data.strip():
            raise Problem(gettext("Choose a file, or paste its text."), "invalid", field="file")
        return data

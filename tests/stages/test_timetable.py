"""Elena's timetable: a working copy beside what is published, nights past midnight, two managers, one publication."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse

from accounts.models import Membership, User
from events.models import Event
from stages.models import Release, Slot, SlotEdit, Stage

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
FRIDAY = "2027-03-26"


@pytest.fixture
def spring(event):
    """Two nights in Budapest; in the second one the clocks jump forward."""
    event.starts_on, event.ends_on = date(2027, 3, 26), date(2027, 3, 28)
    event.save()
    return event


@pytest.fixture
def desk(client, elena, spring, stage):
    """`desk.post("add_slot", …)`: Elena's requests to her timetable."""
    client.force_login(elena, backend=BACKEND)
    return Desk(client, spring)


class Desk:
    def __init__(self, client, event):
        self.client, self.event = client, event

    def url(self, name, *args):
        return reverse(f"stages:{name}", args=[self.event.slug, *args])

    def get(self, name, *args, **query):
        return self.client.get(self.url(name, *args), query)

    def post(self, name, *args, **fields):
        return self.client.post(self.url(name, *args), fields)

    def add(self, stage, start, end, dj="Ana", day=FRIDAY, **more):
        fields = {"stage": stage.code, "day": day, "start": start, "end": end, "dj": dj, "kind": "social", **more}
        return self.post("add_slot", **fields)

    def publish(self):
        return self.post("publish_timetable", seen=self.get("publish_timetable").context["seen"])


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def times(*rows):
    return [(row.starts_at, row.ends_at) for row in rows]


def words(answer):
    return [str(message) for message in answer.wsgi_request._messages] if answer.status_code == 302 else []


def errors(answer):
    return {name: list(complaints) for name, complaints in answer.context["form"].errors.items()}


# --- The working copy ----------------------------------------------------------------------------------
def test_a_slot_past_midnight_is_of_the_night_before_and_not_public_yet(desk, stage):
    assert desk.add(stage, "22:00", "02:00").status_code == 302
    assert desk.add(stage, "02:00", "04:00", dj="Marcus").status_code == 302
    assert times(*SlotEdit.objects.all()) == [
        (utc("2027-03-26T21:00"), utc("2027-03-27T01:00")),
        (utc("2027-03-27T01:00"), utc("2027-03-27T03:00")),
    ]
    assert Slot.objects.count() == 0
    page = desk.get("edit_timetable")
    assert [(str(night.day), [row.start for row in night.floors[0].rows]) for night in page.context["nights"]] == [
        (FRIDAY, ["22:00", "02:00"])
    ]


def test_publishing_makes_the_working_copy_true_once(desk, stage, elena):
    desk.add(stage, "22:00", "00:00")
    desk.add(stage, "00:00", "02:00", dj="Marcus", title="Late Night")
    seen = desk.get("publish_timetable").context["seen"]
    assert desk.post("publish_timetable", seen=seen).status_code == 302
    assert [(slot.who, slot.title) for slot in Slot.objects.all()] == [("Ana", ""), ("Marcus", "Late Night")]
    assert SlotEdit.objects.count() == 0
    release = Release.objects.get()
    assert [(change["change"], change["from"], change["to"]["djName"]) for change in release.changes] == [
        ("new", None, "Ana"),
        ("new", None, "Marcus"),
    ]
    assert (release.published_by, release.notified_at) == (elena, None)
    assert desk.post("publish_timetable", seen=seen).status_code == 409
    assert Release.objects.count() == 1


def test_what_is_pending_is_marked_in_place_and_undone(desk, stage):
    for start, end, dj in (("20:00", "21:00", "Ana"), ("21:00", "22:00", "Marcus"), ("22:00", "23:00", "Jun")):
        desk.add(stage, start, end, dj)
    desk.publish()
    ana, marcus, jun = Slot.objects.all()
    move(desk, ana, start="19:30")
    desk.post("remove_slot", marcus.code, seen=line_of(desk, marcus.code).seen)
    desk.add(stage, "23:00", "00:00", "Odette")
    marks = {row.entry.who: (row.line.change, row.was) for row in rows(desk)}
    assert marks == {
        "Ana": ("moved", "Fri 20:00–21:00"),
        "Marcus": ("cancelled", ""),
        "Jun": ("", ""),
        "Odette": ("new", ""),
    }
    for row in rows(desk):
        desk.post("undo_slot", row.line.code)
    assert {row.entry.who: row.line.change for row in rows(desk)} == {"Ana": "", "Marcus": "", "Jun": ""}
    assert times(*Slot.objects.all()) == times(ana, marcus, jun)


def rows(desk):
    page = desk.get("edit_timetable")
    return [row for night in page.context["nights"] for floor in night.floors for row in floor.rows]


def line_of(desk, code):
    return next(row.line for row in rows(desk) if row.line.code == code)


def move(desk, slot, **changes):
    form = desk.get("edit_slot", slot.code).context["form"]
    fields = {name: value for name, value in form.initial.items() if value is not None}
    return desk.post("edit_slot", slot.code, seen=line_of(desk, slot.code).seen, **fields | changes)


def test_editing_back_to_what_is_published_is_no_change(desk, stage):
    desk.add(stage, "20:00", "21:00")
    desk.publish()
    slot = Slot.objects.get()
    move(desk, slot, start="19:00")
    move(desk, slot, start="20:00")
    assert SlotEdit.objects.count() == 0
    assert desk.publish().status_code == 409


def test_a_night_is_copied_at_the_same_times_by_the_clock(desk, stage):
    desk.add(stage, "22:00", "01:30")
    desk.add(stage, "02:15", "02:45", dj="Gone")  # this half hour does not exist in the next night
    answer = desk.post("copy_day", day=FRIDAY, to="2027-03-27")
    copies = SlotEdit.objects.filter(starts_at__gt=utc("2027-03-27T12:00"))
    assert times(*copies)[:1] == [(utc("2027-03-27T21:00"), utc("2027-03-28T00:30"))]
    again = desk.post("copy_day", day=FRIDAY, to="2027-03-27")
    assert (answer.status_code, again.status_code, SlotEdit.objects.count()) == (302, 302, 4)
    assert desk.post("copy_day", day=FRIDAY, to=FRIDAY).status_code == 422


# --- Bad input -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"start": "22:00", "end": "22:00"}, {"end": ["It ends when it starts. When is it over?"]}),
        ({"start": "25:00", "end": "26"}, {"start": ["“25:00” is no time. Type it like 22:00."]}),
        ({"start": "", "end": "22:00"}, {"start": ["This field is required."]}),
        ({"dj": ""}, {"dj": ["Say who plays, or give it a title."]}),
        ({"dj": "x" * 81}, {"dj": ["A name has at most 80 characters."]}),
        (
            {"dj": "nobody@example.com"},
            {
                "dj": [
                    "Nobody has an account with nobody@example.com. Type the name instead; "
                    "an account can be bound later."
                ]
            },
        ),
        (
            {"day": "2027-03-27", "start": "02:30", "end": "04:00"},
            {"start": ["02:30 does not exist on Sunday 28 March: the clocks jump forward that night. 03:30 does."]},
        ),
        (
            {"day": "2027-03-27", "start": "22:00", "end": "02:30"},
            {"end": ["02:30 does not exist on Sunday 28 March: the clocks jump forward that night. 03:30 does."]},
        ),
    ],
)
def test_what_cannot_be_is_said_by_the_field_and_what_was_typed_is_kept(desk, stage, fields, said):
    answer = desk.add(stage, **{"start": "22:00", "end": "23:00", **fields})
    assert (answer.status_code, errors(answer), SlotEdit.objects.count()) == (422, said, 0)
    assert answer.context["form"]["end"].value() == fields.get("end", "23:00")


def test_a_stage_of_another_event_is_none_of_hers(desk, stranger):
    other = Event.objects.create(
        organizer=stranger.organizers.get(), name="Other", slug="other", starts_on="2027-03-26", ends_on="2027-03-28"
    )
    its = Stage.objects.create(event=other, name="Theirs")
    assert desk.add(its, "22:00", "23:00").status_code == 422
    assert (
        SlotEdit.objects.count(),
        desk.client.get(reverse("stages:edit_timetable", args=["other"])).status_code,
    ) == (
        0,
        404,
    )


def test_the_night_the_clocks_jump_forward_is_an_hour_shorter(desk, stage):
    desk.add(stage, "01:00", "04:00", day="2027-03-27")
    edit = SlotEdit.objects.get()
    assert edit.ends_at - edit.starts_at == timedelta(hours=2)


def test_the_night_the_clocks_go_back_asks_which_one(desk, stage, spring):
    spring.starts_on, spring.ends_on = date(2027, 10, 29), date(2027, 10, 31)
    spring.save()
    asked = desk.add(stage, "01:00", "02:30", day="2027-10-30")
    assert asked.context["form"].twice == {
        "end": [("+02:00", "the first one"), ("+01:00", "the second one, an hour later")]
    }
    desk.add(stage, "01:00", "02:30", day="2027-10-30", end_offset="+01:00")
    desk.add(stage, "02:30", "02:45", day="2027-10-30", start_offset="+01:00", dj="Jun")  # only one can be meant
    assert times(*SlotEdit.objects.all()) == [
        (utc("2027-10-30T23:00"), utc("2027-10-31T01:30")),
        (utc("2027-10-31T01:30"), utc("2027-10-31T01:45")),
    ]
    desk.publish()
    assert [(row.start, row.end) for row in rows(desk)] == [("01:00", "02:30 +01:00"), ("02:30 +01:00", "02:45 +01:00")]
    # Opened and saved without a change it stays what it was.
    assert move(desk, Slot.objects.first()).status_code == 302
    assert SlotEdit.objects.count() == 0


def test_a_zone_that_does_not_exist_is_no_event(client, token_of, elena, organizer):
    body = {"organizerId": organizer.slug, "name": "Lost", "startsOn": FRIDAY, "endsOn": FRIDAY}
    answer = client.post(
        "/api/v1/events",
        body | {"timeZone": "Europe/Atlantis"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {token_of(elena)}"},
    )
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["timeZone"])


# --- Who plays -------------------------------------------------------------------------------------------
def test_a_dj_is_an_account_by_email_or_by_a_known_name_else_a_name(desk, stage, elena, marcus, ana):
    desk.add(stage, "20:00", "21:00", dj="marcus@example.com")
    desk.add(stage, "21:00", "22:00", dj="DJ Marc <MARCUS@example.com>")
    desk.add(stage, "22:00", "23:00", dj="Ana")  # has an account, but this house never booked her
    desk.add(stage, "23:00", "00:00", dj="elena")  # of the house
    desk.publish()
    assert [(slot.dj, slot.dj_name) for slot in Slot.objects.all()] == [
        (marcus, "Marcus"),
        (marcus, "DJ Marc"),
        (None, "Ana"),
        (elena, "Elena"),
    ]
    desk.add(stage, "00:00", "01:00", dj="marcus")
    assert SlotEdit.objects.get().dj == marcus


def test_a_dj_without_a_name_is_never_shown_by_the_email(desk, stage):
    User.objects.create_user("shy@example.com")
    assert errors(desk.add(stage, "20:00", "21:00", dj="shy@example.com")) == {
        "dj": ["This account has no name yet. Type it like this: Ana <shy@example.com>"]
    }


# --- Warnings, never refusals --------------------------------------------------------------------------------
def test_overlaps_and_a_dj_in_two_places_are_warned_of(desk, stage, other_stage):
    desk.add(stage, "22:00", "00:00", dj="Ana")
    desk.add(stage, "23:00", "01:00", dj="Marcus")
    desk.add(other_stage, "23:30", "00:30", dj="ana ")
    desk.add(other_stage, "00:30", "14:00", dj="TBA")
    desk.add(stage, "01:00", "02:00", dj="TBA")
    assert {(row.entry.who, row.start): row.warnings for row in rows(desk)} == {
        ("Ana", "22:00"): ["Overlaps with Marcus, 23:00–01:00", "ana is also on Blues Room, 23:30–00:30"],
        ("Marcus", "23:00"): ["Overlaps with Ana, 22:00–00:00"],
        ("ana", "23:30"): ["Ana is also on Main Floor, 22:00–00:00"],
        ("TBA", "00:30"): ["13 hours long. Is the end right?"],
        ("TBA", "01:00"): [],
    }
    assert desk.publish().status_code == 302


# --- Two managers ----------------------------------------------------------------------------------------
@pytest.fixture
def second(client, make_user, spring):
    """Odette, a manager of the same house, at her own desk."""
    from django.test import Client

    odette = make_user("odette")
    Membership.objects.create(organizer=spring.organizer, user=odette, role="manager")
    other = Client()
    other.force_login(odette, backend=BACKEND)
    return Desk(other, spring)


def test_the_second_of_two_managers_sees_what_the_first_changed_and_chooses(desk, second, stage):
    desk.add(stage, "22:00", "00:00")
    desk.publish()
    slot = Slot.objects.get()
    seen = line_of(second, slot.code).seen
    move(desk, slot, end="00:30")
    mine = {"stage": stage.code, "day": FRIDAY, "start": "21:00", "end": "00:00", "dj": "Ana", "kind": "social"}
    answer = second.post("edit_slot", slot.code, seen=seen, **mine)
    assert (answer.status_code, answer.context["theirs"]) == (409, [("Time", "22:00–00:30", "21:00–00:00")])
    assert "Elena changed this slot while you had it open." in answer.content.decode()
    assert times(*SlotEdit.objects.all()) == [(utc("2027-03-26T21:00"), utc("2027-03-26T23:30"))]
    assert answer.context["form"]["start"].value() == "21:00"
    assert second.post("edit_slot", slot.code, seen=answer.context["seen"], **mine).status_code == 302
    assert times(*SlotEdit.objects.all()) == [(utc("2027-03-26T20:00"), utc("2027-03-26T23:00"))]


def test_removing_what_the_other_one_just_changed_is_not_done(desk, second, stage):
    desk.add(stage, "22:00", "00:00")
    desk.publish()
    slot = Slot.objects.get()
    seen = line_of(second, slot.code).seen
    move(desk, slot, end="00:30")
    second.post("remove_slot", slot.code, seen=seen)
    assert [edit.is_removed for edit in SlotEdit.objects.all()] == [False]


def test_what_the_other_one_took_out_comes_back_as_a_new_line_with_what_was_typed(desk, second, stage):
    desk.add(stage, "22:00", "00:00")
    code = SlotEdit.objects.get().code
    seen = line_of(second, code).seen
    desk.post("undo_slot", code)
    answer = second.post(
        "edit_slot", code, seen=seen, stage=stage.code, day=FRIDAY, start="21:00", end="00:00", dj="Ana"
    )
    assert (answer.status_code, answer.context["form"]["start"].value(), SlotEdit.objects.count()) == (409, "21:00", 0)


def test_a_publication_of_what_somebody_did_not_see_is_looked_at_again(desk, second, stage):
    desk.add(stage, "22:00", "00:00")
    seen = desk.get("publish_timetable").context["seen"]
    second.add(stage, "00:00", "02:00", dj="Marcus")
    answer = desk.post("publish_timetable", seen=seen)
    assert (answer.status_code, len(answer.context["changes"]), Slot.objects.count()) == (409, 2, 0)


# --- Programs --------------------------------------------------------------------------------------------
def test_a_program_that_adds_a_slot_adds_it_to_what_is_published(desk, client, token_of, elena, stage):
    body = {
        "stageId": stage.code,
        "startsAt": "2027-03-26T21:00:00Z",
        "endsAt": "2027-03-26T23:00:00Z",
        "djName": "Ana",
    }
    path = f"/api/v1/events/{stage.event.slug}/schedule"
    headers = {"Authorization": f"Bearer {token_of(elena)}"}
    answer = client.post(path, body, content_type="application/json", headers=headers)
    slot = Slot.objects.get()
    assert (answer.status_code, answer.json()["slotId"]) == (201, slot.code)
    assert [slot["slotId"] for slot in client.get(path).json()] == [slot.code]
    assert [row.line.change for row in rows(desk)] == [""]


# --- Many ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "page", ["edit_timetable", "show_timetable", "publish_timetable", "shift_stage", "export_timetable"]
)
def test_a_page_asks_as_often_for_500_slots_on_30_stages_as_for_one(desk, stage, elena, page):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    at = utc("2027-03-26T10:00")

    def count():
        with time_machine.travel(at, tick=False):
            desk.client.force_login(elena, backend=BACKEND)
            with CaptureQueriesContext(connection) as queries:
                assert desk.get(page).status_code == 200
        return len(queries)

    slot = Slot.objects.create(stage=stage, starts_at=at, ends_at=at + timedelta(minutes=5), dj=elena)
    edit = {"event": desk.event, "starts_at": at, "ends_at": at + timedelta(minutes=4), "dj": elena, "edited_by": elena}
    SlotEdit.objects.create(slot=slot, stage=stage, **edit)
    few = count()
    stages = [Stage.objects.create(event=desk.event, name=f"Floor {n}", position=n) for n in range(29)]
    slots = Slot.objects.bulk_create(
        Slot(
            stage=stages[n % 29],
            starts_at=at + timedelta(minutes=5 * n),
            ends_at=at + timedelta(minutes=5 * n + 5),
            dj=elena,
            dj_name=f"DJ {n}",
        )
        for n in range(499)
    )
    SlotEdit.objects.bulk_create(SlotEdit(slot=slot, stage=slot.stage, **edit) for slot in slots[:100])
    assert count() == few

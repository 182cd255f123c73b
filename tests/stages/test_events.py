"""Elena's event: the form with its stages, publishing, doing it again, and the page everybody sees."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Membership, Organizer
from events.actions import create_event
from events.models import Event
from events.zones import nearest_zone
from pika.codes import new_code
from pika.errors import Problem
from stages.actions import events as actions
from stages.actions import plays, sessions
from stages.actions.events import StageLine
from stages.actions.plays import Heard
from stages.models import Session, Slot, Stage

pytestmark = pytest.mark.django_db
NEW = "/organize/wcs-budapest/events/new"
EDIT = "/organize/e/wcs-budapest/edit"


def logged_in(client: Client, user: Any) -> Client:
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def desk(client, elena, organizer):
    """Elena's browser."""
    return logged_in(client, elena)


def typed(*rows: dict[str, Any], known: int = 0, **changes: Any) -> dict[str, Any]:
    """The form as a browser sends it, with these stages' rows; the first `known` were there before."""
    fields = {
        "name": "WCS Budapest 2027",
        "starts_on": "2027-03-26",
        "ends_on": "2027-03-28",
        "time_zone": "Europe/Budapest",
        "venue": "Hotel Gellért",
        "description": "Two nights.",
        "wifi": "Hotel Guest",
        "colour": "#123456",
        "is_booth_open": "on",
        "stages-TOTAL_FORMS": len(rows),
        "stages-INITIAL_FORMS": known,
    }
    for n, row in enumerate(rows):
        fields |= {f"stages-{n}-{name}": value for name, value in row.items()}
    return fields | changes


def said(answer: Any) -> dict[str, list[str]]:
    """What the form complains about, by field, and by row for the stages."""
    rows = {
        f"stages.{n}.{name}": list(words)
        for n, row in enumerate(answer.context["rows"].errors)
        for name, words in row.items()
    }
    return {name: list(words) for name, words in answer.context["form"].errors.items()} | rows


def names(event: Event) -> list[str]:
    return list(event.stages.values_list("name", flat=True))


# --- The form: new ------------------------------------------------------------------------------------------
def test_one_form_makes_a_draft_with_its_stages_in_the_order_of_their_numbers(desk, organizer):
    rows = [{"name": "Blues Room", "position": "2"}, {"name": "Main Floor", "position": "1"}, {"name": ""}]
    answer = desk.post(NEW, typed(*rows))
    event = Event.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/organize/e/{event.slug}/preview")
    assert (event.organizer, event.status, event.slug) == (organizer, "draft", "wcs-budapest-2027")
    assert (event.starts_on, event.ends_on, event.time_zone) == (
        date(2027, 3, 26),
        date(2027, 3, 28),
        "Europe/Budapest",
    )
    assert (event.venue, event.wifi, event.colour, event.is_booth_open) == (
        "Hotel Gellért",
        "Hotel Guest",
        "#123456",
        True,
    )
    assert names(event) == ["Main Floor", "Blues Room"]


def test_a_double_submit_is_one_event(desk):
    first, second = (desk.post(NEW, typed({"name": "Main Floor"})) for _ in range(2))
    assert first["Location"] == second["Location"]
    assert (Event.objects.count(), Stage.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_two_submits_at_the_same_moment_are_one_event(organizer):
    fields = {"name": "Spring", "starts_on": date(2027, 3, 26), "ends_on": date(2027, 3, 28), "time_zone": "UTC"}

    def submit(_: int) -> int:
        try:
            return actions.create_weekend(organizer, dict(fields), [StageLine("Main Floor")]).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        made = set(threads.map(submit, range(4)))
    assert (len(made), Event.objects.count(), Stage.objects.count()) == (1, 1, 1)


def test_two_events_of_one_name_have_each_their_own_address(desk, organizer, stranger):
    desk.post(NEW, typed())
    other = create_event(Organizer.objects.get(slug="other"), "WCS Budapest 2027", *[date(2027, 3, 26)] * 2, "UTC")
    assert other.slug.startswith("wcs-budapest-2027-")


@pytest.mark.parametrize(
    ("changes", "complaints"),
    [
        ({"name": "  "}, {"name": ["Give your event a name."]}),
        ({"starts_on": ""}, {"starts_on": ["On which day does it begin?"]}),
        ({"starts_on": "soon"}, {"starts_on": ["This is no day. Like 2027-03-26."]}),
        ({"starts_on": "0027-03-26"}, {"starts_on": ["Is the year right? 27"]}),
        ({"ends_on": "2027-03-25"}, {"ends_on": ["The event ends before it starts."]}),
        (
            {"ends_on": "2027-04-15"},
            {"ends_on": ["That is 21 days. An event has at most 14: make one for each week."]},
        ),
        (
            {"time_zone": "Europe/Budapset"},
            {"time_zone": ["There is no time zone “Europe/Budapset”. Try Europe/Budapest."]},
        ),
        ({"time_zone": "new york"}, {"time_zone": ["There is no time zone “new york”. Try America/New_York."]}),
        ({"time_zone": ""}, {"time_zone": ["Which time zone is it in? Europe/Budapest, for example."]}),
        ({"colour": "red;}"}, {"colour": ["“red;}” is no colour. Six hex digits, like #ffb000."]}),
    ],
)
def test_what_is_wrong_is_said_by_its_field_and_nothing_is_saved(desk, changes, complaints):
    answer = desk.post(NEW, typed({"name": "Main Floor"}, **changes))
    assert (answer.status_code, said(answer)) == (200, complaints)
    assert (Event.objects.count(), Stage.objects.count()) == (0, 0)
    assert 'value="Main Floor"' in answer.content.decode(), "what was typed is kept"


def test_fourteen_days_are_an_event_and_so_is_one(desk):
    desk.post(NEW, typed(ends_on="2027-04-08"))
    desk.post(NEW, typed(name="A tea dance", ends_on="2027-03-26"))
    assert Event.objects.count() == 2


def test_what_is_wrong_with_a_stage_is_said_in_its_row(desk):
    answer = desk.post(NEW, typed({"name": "Main Floor"}, {"name": "main floor"}, {"name": "x" * 81}))
    assert said(answer) == {
        "stages.1.name": ["There is a stage of that name already."],
        "stages.2.name": ["Ensure this value has at most 80 characters (it has 81)."],
    }
    assert Event.objects.count() == 0


def test_more_than_thirty_stages_are_refused_in_words(desk):
    answer = desk.post(NEW, typed(*({"name": f"Stage {n}"} for n in range(31))))
    assert answer.context["rows"].non_form_errors() == ["Please submit at most 30 forms."]
    assert Event.objects.count() == 0


@pytest.mark.parametrize(
    ("typed_zone", "meant"),
    [
        ("budapest", "Europe/Budapest"),
        ("Europe/Budapset", "Europe/Budapest"),
        ("america/new york", "America/New_York"),
        ("utc", "UTC"),
        ("Mars/Olympus", "Europe/Budapest"),
        ("x" * 100_000, "Europe/Budapest"),
    ],
)
def test_the_nearest_zone_is_suggested(typed_zone, meant):
    assert nearest_zone(typed_zone) == meant


# --- The form: change ---------------------------------------------------------------------------------------
def row_of(stage: Stage, **changes: Any) -> dict[str, Any]:
    return {"code": stage.code, "name": stage.name, "position": stage.position + 1} | changes


def test_stages_are_renamed_reordered_closed_and_added_and_keep_their_codes(desk, event, stage, other_stage):
    rows = [
        row_of(stage, name="Ballroom", position=5),
        row_of(other_stage, is_closed="on"),
        {"name": "Attic", "position": "9"},
    ]
    assert desk.post(EDIT, typed(*rows, known=2)).status_code == 302
    got = list(event.stages.values_list("code", "name", "is_closed"))
    assert got[:2] == [(other_stage.code, "Blues Room", True), (stage.code, "Ballroom", False)]
    assert got[2][1:] == ("Attic", False)
    reopened = [row_of(other_stage, name="Blues Room"), row_of(stage)]
    desk.post(EDIT, typed(*reopened, known=2))
    assert list(event.stages.filter(is_closed=True)) == []


def test_a_stage_that_was_played_on_cannot_be_removed_only_closed(desk, event, stage, marcus):
    session, _ = sessions.go_live(marcus, "Marcus", stage)
    sessions.end_session(session)
    answer = desk.post(EDIT, typed(row_of(stage, is_removed="on"), known=1, name="Changed"))
    words = "There was music on Main Floor, and it stays in the history: close the stage instead."
    assert said(answer) == {"stages.0.name": [words]}
    event.refresh_from_db()
    assert (event.name, names(event)) == ("WCS Budapest", ["Main Floor"]), "nothing is half-saved"


def test_a_stage_without_music_is_removed_with_its_slots(desk, event, stage, other_stage):
    now = timezone.now()
    Slot.objects.create(stage=stage, starts_at=now, ends_at=now + timedelta(hours=1), dj_name="Ana")
    rows = [row_of(stage, is_removed="on"), row_of(other_stage)]
    assert "Its 1 slot goes, too." in desk.get(EDIT).content.decode()
    assert desk.post(EDIT, typed(*rows, known=2)).status_code == 302
    assert (names(event), Slot.objects.count()) == (["Blues Room"], 0)


def test_closing_a_stage_where_somebody_is_live_must_be_meant(desk, event, stage, marcus):
    session, _ = sessions.go_live(marcus, "Marcus", stage)
    answer = desk.post(EDIT, typed(row_of(stage, is_closed="on"), known=1))
    words = "Marcus is live on Main Floor. Say that the set ends, or leave the stage open."
    assert said(answer) == {"stages.0.name": [words]}
    assert desk.post(EDIT, typed(row_of(stage, is_closed="on", is_set_over="on"), known=1)).status_code == 302
    session.refresh_from_db()
    assert (session.is_live, session.ended_why) == (False, Session.Ended.CLOSED)


def test_a_stage_of_somebody_elses_event_is_not_touched(desk, event, stage, stranger):
    theirs = create_event(Organizer.objects.get(slug="other"), "Other", *[date(2027, 3, 26)] * 2, "UTC")
    their_stage = Stage.objects.create(event=theirs, name="Theirs")
    answer = desk.post(EDIT, typed(row_of(stage), row_of(their_stage, name="Mine now", is_closed="on"), known=2))
    assert said(answer) == {"stages.1.name": ["Somebody has removed the stage Mine now meanwhile. Please look again."]}
    their_stage.refresh_from_db()
    assert (their_stage.name, their_stage.is_closed) == ("Theirs", False)


def test_an_existing_stage_needs_a_name(desk, event, stage):
    assert said(desk.post(EDIT, typed(row_of(stage, name=""), known=1))) == {"stages.0.name": ["A stage needs a name."]}


def test_the_form_without_its_management_fields_is_refused_not_a_crash(desk, event):
    assert desk.post(EDIT, {"name": "X"}).status_code == 200


def test_phones_on_a_stage_that_closes_hear_it(desk, event, stage, dancer):
    sarah = dancer(stage=stage)
    desk.post(EDIT, typed(row_of(stage, is_closed="on"), known=1))
    assert sarah.hear("STAGE_STATE")["state"] == "closed"
    desk.post(EDIT, typed(row_of(stage), known=1))
    assert sarah.hear("STAGE_STATE")["state"] == "waiting"


# --- Draft → published → archived ------------------------------------------------------------------------------
def status_of(event: Event) -> str:
    return Event.objects.get(pk=event.pk).status


def words_after(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def test_a_draft_is_previewed_and_published_and_taken_back(desk, event, stage, client):
    Event.objects.update(status="draft")
    preview = desk.get("/organize/e/wcs-budapest/preview").content.decode()
    assert "Not public yet." in preview
    assert f'href="/s/{stage.code}"' not in preview, "a draft's floors lead nowhere"
    assert Client().get("/e/wcs-budapest").status_code == 404
    assert words_after(desk.post("/organize/e/wcs-budapest/publish", follow=True)) == ["It is public now."]
    assert Client().get("/e/wcs-budapest").status_code == 200
    back = desk.post("/organize/e/wcs-budapest/unpublish", follow=True)
    assert words_after(back) == ["It is a draft again: nobody else sees it."]
    assert (status_of(event), Client().get("/e/wcs-budapest").status_code) == ("draft", 404)


def test_before_approval_there_are_drafts_only_and_the_page_says_so(desk, event, organizer):
    Event.objects.update(status="draft")
    Organizer.objects.update(approved_at=None)
    assert "Your organization is not approved yet." in desk.get("/organize/e/wcs-budapest/preview").content.decode()
    answer = desk.post("/organize/e/wcs-budapest/publish", follow=True)
    assert words_after(answer) == ["Your organization is not approved yet: your event stays a draft until then."]
    assert status_of(event) == "draft"
    assert "not approved yet" in desk.get(NEW).content.decode()


def test_a_suspended_organizer_publishes_nothing_and_its_page_is_gone(desk, event, stage):
    Organizer.objects.update(suspended_at=timezone.now())
    assert Client().get("/e/wcs-budapest").status_code == 404
    Event.objects.update(status="draft")
    answer = desk.post("/organize/e/wcs-budapest/publish", follow=True)
    assert words_after(answer) == [
        "Your organization is suspended: nothing of it can be public now. Please write to us."
    ]


def test_an_event_does_not_disappear_while_somebody_is_live(desk, event, stage, marcus):
    sessions.go_live(marcus, "Marcus", stage)
    answer = desk.post("/organize/e/wcs-budapest/unpublish", follow=True)
    assert words_after(answer) == ["Marcus is live on Main Floor: the event cannot disappear now."]
    assert status_of(event) == "published"


def test_archiving_closes_every_stage_and_ends_who_forgot_to_and_can_be_taken_back(desk, event, stage, marcus):
    session, _ = sessions.go_live(marcus, "Marcus", stage)
    assert words_after(desk.post("/organize/e/wcs-budapest/archive", follow=True)) == [
        "It is over. All its stages are closed."
    ]
    session.refresh_from_db()
    assert (session.is_live, session.ended_why, status_of(event)) == (False, "closed", "archived")
    page = Client().get("/e/wcs-budapest").content.decode()
    assert "This event is over. Thank you for dancing!" in page
    desk.post("/organize/e/wcs-budapest/publish")
    assert (status_of(event), Stage.objects.get().is_closed) == ("published", False)


def test_a_draft_is_not_archived_for_it_would_have_a_public_page(event):
    Event.objects.update(status="draft")
    with pytest.raises(Problem, match="never public"):
        actions.archive_event(Event.objects.get())


def test_twice_published_is_once(desk, event):
    assert [desk.post("/organize/e/wcs-budapest/publish").status_code for _ in range(2)] == [302, 302]


@pytest.mark.parametrize("what", ["publish", "unpublish", "archive"])
def test_looking_changes_nothing(desk, event, what):
    assert desk.get(f"/organize/e/wcs-budapest/{what}").status_code == 405


def test_phones_of_an_event_that_is_taken_back_hear_that_it_is_closed(desk, event, stage, dancer):
    sarah = dancer(stage=stage)
    desk.post("/organize/e/wcs-budapest/unpublish")
    assert sarah.hear("STAGE_STATE")["state"] == "closed"
    assert dancer().follow(stage.code)["code"] == "stage_not_found"


# --- Again --------------------------------------------------------------------------------------------------
def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_last_years_event_again_a_year_later_at_the_same_times_of_day_across_the_change_of_clocks(
    desk, event, stage, ana
):
    """In 2026 the clocks jump within the event, on Sunday 29 March; in 2027 a week before it."""
    Event.objects.update(
        starts_on=date(2026, 3, 27), ends_on=date(2026, 3, 29), description="Three nights.", wifi="Guest"
    )
    friday = Slot.objects.create(stage=stage, starts_at=at("2026-03-27T21:00"), ends_at=at("2026-03-28T01:00"), dj=ana)
    sunday = Slot.objects.create(
        stage=stage, starts_at=at("2026-03-29T20:00"), ends_at=at("2026-03-29T23:00"), title="Last"
    )
    answer = desk.post("/organize/e/wcs-budapest/duplicate", {"name": "WCS Budapest", "starts_on": "2027-04-02"})
    again = Event.objects.exclude(pk=event.pk).get()
    assert answer["Location"] == f"/organize/e/{again.slug}/edit"
    assert (again.status, again.starts_on, again.ends_on) == ("draft", date(2027, 4, 2), date(2027, 4, 4))
    assert (again.description, again.wifi, again.time_zone) == ("Three nights.", "Guest", "Europe/Budapest")
    assert names(again) == ["Main Floor"]
    assert again.stages.get().code != stage.code
    slots = Slot.objects.filter(stage__event=again)
    # 22:00 in Budapest is 21:00 UTC in winter and 20:00 in summer.
    assert [(slot.starts_at, slot.ends_at, slot.dj, slot.title) for slot in slots] == [
        (at("2027-04-02T20:00"), at("2027-04-03T00:00"), ana, ""),
        (at("2027-04-04T20:00"), at("2027-04-04T23:00"), None, "Last"),
    ]
    assert {friday.code, sunday.code} & set(slots.values_list("code", flat=True)) == set()


def test_a_slot_in_the_hour_that_spring_takes_away_keeps_its_length(event, stage):
    """In Budapest 02:00–03:00 does not exist on 28 March 2027; the slot was 02:15–03:00."""
    Event.objects.update(starts_on=date(2027, 3, 20), ends_on=date(2027, 3, 20))
    Slot.objects.create(stage=stage, starts_at=at("2027-03-21T01:15"), ends_at=at("2027-03-21T02:00"), dj_name="Ana")
    again = actions.duplicate_event(Event.objects.get(), "Again", date(2027, 3, 27))
    slot = Slot.objects.get(stage__event=again)
    assert (slot.starts_at, slot.ends_at) == (at("2027-03-28T01:15"), at("2027-03-28T02:00"))


def test_duplicating_twice_at_once_is_one_event(desk, event, stage):
    for _ in range(2):
        desk.post("/organize/e/wcs-budapest/duplicate", {"name": "Again", "starts_on": "2027-04-02"})
    assert (Event.objects.count(), Stage.objects.count()) == (2, 2)


@pytest.mark.parametrize(
    ("starts_on", "words"),
    [
        ("", "On which day does it begin?"),
        ("x", "This is no day. Like 2027-03-26."),
        ("0001-01-01", "Is the year right? 1"),
    ],
)
def test_a_wrong_day_for_doing_it_again_is_said(desk, event, starts_on, words):
    answer = desk.post("/organize/e/wcs-budapest/duplicate", {"name": "Again", "starts_on": starts_on})
    assert answer.context["form"].errors == {"starts_on": [words]}
    assert Event.objects.count() == 1


def test_the_suggestion_is_the_same_weekday_a_year_later(desk, event):
    shown = desk.get("/organize/e/wcs-budapest/duplicate").context["form"]["starts_on"].value()
    assert (shown - event.starts_on, shown.weekday()) == (timedelta(weeks=52), event.starts_on.weekday())


# --- Who may ----------------------------------------------------------------------------------------------------
def test_crew_looks_but_does_not_change(client, event, stage, ana, organizer):
    Membership.objects.create(organizer=organizer, user=ana, role="crew")
    logged_in(client, ana)
    base = "/organize/e/wcs-budapest"
    looks = [f"{base}/", f"{base}/preview", f"{base}/posters", f"{base}/posters/{stage.code}"]
    assert [client.get(path).status_code for path in looks] == [200] * 4
    assert "Settings" not in client.get(f"{base}/").content.decode()
    assert [client.get(path).status_code for path in (NEW, EDIT, f"{base}/duplicate")] == [404] * 3
    assert [client.post(f"{base}/{what}").status_code for what in ("publish", "unpublish", "archive")] == [404] * 3


# --- The public page ---------------------------------------------------------------------------------------------
def test_the_events_qr_leads_to_the_chooser_of_its_floors(client, event, stage, other_stage):
    assert client.get("/e/wcs-budapest/qr.svg")["Content-Type"] == "image/svg+xml"
    page = client.get("/e/wcs-budapest").content.decode()
    assert [f'href="/s/{it.code}"' in page for it in (stage, other_stage)] == [True, True]
    assert 'href="/e/wcs-budapest/timetable"' in page
    assert "Europe/Budapest" in page
    assert client.get("/e/nowhere").status_code == client.get("/e/nowhere/qr.svg").status_code == 404


def test_the_page_says_what_plays_on_each_floor(client, event, stage, other_stage, marcus, dj):
    dj(marcus, stage).play("Shiny Stockings", "Count Basie")
    page = client.get("/e/wcs-budapest").content.decode()
    assert "Shiny Stockings · Count Basie" in page
    assert page.count("Nobody plays right now") == 1


def fill(event: Event, stages: int, slots: int) -> None:
    now = timezone.now()
    its = [Stage.objects.create(event=event, name=f"Stage {n}", position=n, code=new_code()) for n in range(stages)]
    Slot.objects.bulk_create(
        Slot(
            stage=its[n % stages],
            starts_at=now + timedelta(minutes=n),
            ends_at=now + timedelta(minutes=n + 40),
            dj_name="Ana",
        )
        for n in range(slots)
    )


@pytest.mark.parametrize("path", ["/e/{}", "/organize/e/{}/", "/organize/e/{}/edit", "/organize/e/{}/posters"])
def test_a_page_asks_as_much_for_thirty_stages_and_five_hundred_slots_as_for_one(desk, organizer, marcus, path):
    counts = []
    for name, stages, slots in (("Small", 1, 3), ("Large", 30, 500)):
        event = create_event(organizer, name, *[timezone.now().date()] * 2, "Europe/Budapest", publish=True)
        fill(event, stages, slots)
        for stage in list(event.stages.all())[:5]:
            session, _ = sessions.go_live(marcus, "Marcus", stage)
            plays.play(session, Heard(uuid.uuid4(), timezone.now(), {"title": "Dinah"}))
        counts.append(_queries(desk, path.format(event.slug)))
        for session in Session.objects.live():
            sessions.end_session(session)
    assert counts[0] == counts[1], counts


def _queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def test_the_events_page_fits_into_the_first_flight(client, event):
    """14 KB compressed, with thirty floors and a description."""
    fill(event, 30, 60)
    Event.objects.update(description="West Coast Swing in Budapest, three nights. " * 20)
    answer = client.get("/e/wcs-budapest", headers={"Accept-Encoding": "gzip"})
    assert answer["Content-Encoding"] == "gzip"
    assert len(answer.content) <= 14 * 1024


@pytest.mark.parametrize(
    "colour", ["#000000", "#ffffff", "#ffb000", "#777777", "#767676", "#ff0000", "#0000ff", "#00aa55"]
)
def test_what_stands_on_the_events_colour_can_be_read(colour):
    def light(hex_colour: str) -> float:
        parts = [int(hex_colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, bright = sorted([light(colour), light(Event(colour=colour).ink)])
    assert (bright + 0.05) / (dark + 0.05) >= 4.5


def test_stages_can_be_named_like_nothing_we_know(organizer):
    fields = {
        "name": "布达佩斯",
        "starts_on": date(2027, 3, 26),
        "ends_on": date(2027, 3, 28),
        "time_zone": "Asia/Shanghai",
    }
    event = actions.create_weekend(organizer, fields, [StageLine("مسرح")])
    assert (bool(event.slug), names(event)) == (True, ["مسرح"])

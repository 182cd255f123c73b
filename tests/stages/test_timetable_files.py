"""The timetable as a file: CSV in, with line and reason of what is wrong, CSV out, and calendars."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from icalendar import Calendar

from stages.models import Slot, SlotEdit, Star
from tests.stages.test_timetable import desk, spring, times, utc

__all__ = ["desk", "spring"]
pytestmark = pytest.mark.django_db
HEAD = "stage,date,start,end,dj,title,kind\n"


def look(desk, text):
    return desk.post("import_timetable", text=text)


def take(desk, text):
    return desk.post("import_timetable", text=text, step="take")


def test_good_lines_go_into_the_working_copy_after_a_preview(desk, stage, other_stage, marcus):
    text = HEAD + (
        "Main Floor,2027-03-26,22:00,00:00,Ana,,\n"
        "main floor,2027-03-26,00:00,2.30,Marcus <marcus@example.com>,Late Night,social\n"
        f"{other_stage.code},26.03.2027,20:00,21:00,,West Coast Swing 1,Workshop\n"
    )
    preview = look(desk, text)
    assert (preview.context["fresh"], preview.context["sheet"].wrong, SlotEdit.objects.count()) == (3, [], 0)
    assert take(desk, text).status_code == 302
    assert [(edit.stage, edit.dj, edit.dj_name, edit.title, edit.kind) for edit in SlotEdit.objects.all()] == [
        (other_stage, None, "", "West Coast Swing 1", "workshop"),
        (stage, None, "Ana", "", "social"),
        (stage, marcus, "Marcus", "Late Night", "social"),
    ]
    assert times(SlotEdit.objects.last()) == [(utc("2027-03-26T23:00"), utc("2027-03-27T01:30"))]
    assert Slot.objects.count() == 0
    again = look(desk, text)
    assert (again.context["fresh"], again.context["known"]) == (0, 3)
    take(desk, text)
    assert SlotEdit.objects.count() == 3


def test_each_bad_line_is_told_with_its_number_and_reason(desk, stage):
    text = HEAD + (
        "Main Floor,2027-03-26,22:00,00:00,Ana,,\n"
        "Attic,2027-03-26,22:00,00:00,Ana,,\n"
        "\n"
        "Main Floor,tomorrow,22:00,00:00,Ana,,\n"
        "Main Floor,2026-03-26,22:00,00:00,Ana,,\n"
        "Main Floor,2027-03-26,late,00:00,Ana,,\n"
        "Main Floor,2027-03-26,22:00,22:00,Ana,,\n"
        "Main Floor,2027-03-26,22:00,23:00,,,\n"
        "Main Floor,2027-03-26,22:00,23:00,Ana,,party\n"
        "Main Floor,2027-03-26,22:00,23:00,no@example.com,,\n"
        "Main Floor,2027-03-27,02:30,04:00,Ana,,\n"
        "Main Floor,2027-03-26,22:00,00:00,Ana,,\n"
        f"Main Floor,2027-03-26,22:00,23:00,Ana,{'x' * 121},\n"
        "Main Floor,2027-03-26\n"
    )
    preview = look(desk, text)
    assert preview.context["sheet"].wrong == [
        (3, "stage: there is no “Attic”. The stages are: Main Floor"),
        (5, "date: “tomorrow” is no date. Write it like 2027-03-26."),
        (6, "date: 2026-03-26 is not between 2027-03-19 and 2027-04-04"),
        (7, "start: “late” is no time. Type it like 22:00."),
        (8, "end: It ends when it starts. When is it over?"),
        (9, "dj: say who plays, or give a title"),
        (10, "kind: “party” is none of: social, workshop, competition, other"),
        (
            11,
            "dj: Nobody has an account with no@example.com. Type the name instead; an account can be bound later.",
        ),
        (12, "start: 02:30 does not exist on Sunday 28 March: the clocks jump forward that night. 03:30 does."),
        (13, "the same as line 2"),
        (14, "title: longer than 120 characters"),
        (15, "start: “” is no time. Type it like 22:00."),
    ]
    assert (preview.context["fresh"], SlotEdit.objects.count()) == (1, 0)
    take(desk, text)
    assert SlotEdit.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Choose a file, or paste its text."),
        (HEAD, "There is no slot in this file."),
        (
            "floor,day,start,end\nMain,Friday,1,2\n",
            "Line 1: no column “stage, date”. The first line must say: stage,date,start,end,dj,title,kind",
        ),
        (
            "stage,date,start,end,fee\nMain,Friday,1,2,3\n",
            "Line 1: what is “fee”? The columns are: stage,date,start,end,dj,title,kind",
        ),
        (
            "stage,date,start,end,end\nMain,Friday,1,2,3\n",
            "Line 1: “end” is there twice. The columns are: stage,date,start,end,dj,title,kind",
        ),
        (HEAD + "Main Floor,2027-03-26,22:00,23:00,Ana,,\n" * 2001, "More than 2000 lines at once are too many."),
    ],
)
def test_a_file_with_wrong_columns_is_refused_in_words(desk, stage, text, said):
    answer = take(desk, text)
    assert (answer.status_code, answer.context["form"].errors["file"], SlotEdit.objects.count()) == (422, [said], 0)


def test_what_is_no_text_at_all_is_refused(desk, stage):
    for data, said in (
        (b"PK\x03\x04\0\0", "This is no CSV file. In Excel: Save as, CSV UTF-8."),
        (b"x" * 600_000, "This file is larger than 512 KB. A timetable is not."),
    ):
        answer = desk.post("import_timetable", file=SimpleUploadedFile("a.csv", data))
        assert answer.context["form"].errors["file"] == [said]


def test_what_excel_saves_is_read(desk, stage):
    rows = "stage;date;start;end;dj\r\nMain Floor;26/03/2027;22:00;00:00;Zoë\r\n"
    for data in (b"\xef\xbb\xbf" + rows.encode(), rows.encode("cp1252")):
        preview = desk.post("import_timetable", file=SimpleUploadedFile("a.csv", data))
        assert [entry.dj_name for entry in preview.context["sheet"].entries] == ["Zoë"]
        take(desk, preview.context["text"])
    assert [edit.dj_name for edit in SlotEdit.objects.all()] == ["Zoë"]


def test_500_slots_cost_no_statement_each(desk, stage, django_assert_max_num_queries):
    rows = []
    for n in range(500):
        hour, minute = 7 + n % 250 // 60 * 4, n % 60
        span = f"{hour:02}:{minute:02},{(hour + 1) % 24:02}:{minute:02}"
        rows.append(f"Main Floor,2027-03-{26 + n // 250},{span},DJ {n},,\n")
    text = HEAD + "".join(rows)
    with django_assert_max_num_queries(50):
        assert look(desk, text).context["fresh"] == 500
    with django_assert_max_num_queries(50):
        take(desk, text)
    with django_assert_max_num_queries(50):
        desk.publish()
    assert Slot.objects.count() == 500
    with django_assert_max_num_queries(50):
        assert desk.get("edit_timetable").status_code == 200


def test_what_is_exported_is_read_again_and_no_cell_is_a_formula(desk, stage, marcus):
    stage.name = "=Main"
    stage.save()
    desk.add(stage, "22:00", "00:00", dj="@SUM(A1)", title='=HYPERLINK("x")')
    desk.add(stage, "00:00", "02:00", dj="Marcus <marcus@example.com>")
    answer = desk.get("export_timetable")
    text = answer.content.decode("utf-8-sig")
    assert text.splitlines() == [
        "stage,date,start,end,dj,title,kind",
        '\'=Main,2027-03-26,22:00,00:00,\'@SUM(A1),"\'=HYPERLINK(""x"")",social',
        "'=Main,2027-03-26,00:00,02:00,Marcus <marcus@example.com>,,social",
    ]
    assert answer["Content-Disposition"] == 'attachment; filename="wcs-budapest-timetable.csv"'
    again = look(desk, text)
    assert (again.context["known"], again.context["sheet"].wrong) == (2, [])


def test_the_hour_that_comes_twice_goes_out_and_in(desk, stage, spring):
    spring.starts_on, spring.ends_on = "2027-10-29", "2027-10-31"
    spring.save()
    text = HEAD + "Main Floor,2027-10-30,02:30,03:30,Ana,,\nMain Floor,2027-10-30,02:30 +01:00,03:30,Jun,,\n"
    preview = look(desk, text)
    assert preview.context["sheet"].wrong == [
        (
            2,
            "start: 02:30 comes twice on Sunday 31 October: the clocks go back. "
            "Which one, “02:30 +02:00” or “02:30 +01:00”?",
        )
    ]
    take(desk, text)
    assert desk.get("export_timetable").content.decode().splitlines()[1:] == [
        "Main Floor,2027-10-30,02:30 +01:00,03:30,Jun,,social"
    ]


# --- Calendars -------------------------------------------------------------------------------------------
@pytest.fixture
def night(desk, stage):
    desk.add(stage, "22:00", "00:00", "Ana", title="Opening, with; everything")
    desk.add(stage, "00:00", "02:00", "Marcus")
    desk.publish()
    return list(Slot.objects.all())


def entries(answer):
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    calendar = Calendar.from_ical(answer.content)
    return [(str(e["summary"]), e.start, e.end, str(e["location"])) for e in calendar.walk("VEVENT")]


def test_the_published_timetable_is_a_calendar(client, desk, night):
    address = "/e/wcs-budapest/timetable.ics"
    assert entries(client.get(address)) == [
        ("Ana · Opening, with; everything", night[0].starts_at, night[0].ends_at, "Main Floor"),
        ("Marcus", night[1].starts_at, night[1].ends_at, "Main Floor"),
    ]
    first = client.get(address).content
    assert client.get(address).content == first
    assert b"UID:%s@pika" % night[0].code.encode() in first


def test_my_stars_are_a_calendar_that_only_my_key_opens(client, desk, night):
    page = client.get("/e/wcs-budapest/timetable")
    address = page.context["star_calendar"].split("testserver")[1]
    assert entries(client.get(address)) == []
    client.post(f"/api/v1/slots/{night[1].code}/star", content_type="application/json")
    client.cookies.clear()  # a calendar program has no cookies
    assert [summary for summary, *_ in entries(client.get(address))] == ["Marcus"]
    for key in ("", "x", address.split("key=")[1][:-1], Star.objects.get().guest.key):
        assert client.get("/e/wcs-budapest/stars.ics", {"key": key}).status_code == 404


# --- The page of dancers -----------------------------------------------------------------------------------
def test_the_dancers_page_of_a_normal_weekend_fits_into_14_kb(client, desk, stage, other_stage):
    import gzip

    at = utc("2027-03-26T09:00")
    names = ["Ana", "Marcus", "Odette & Theo", "Rosa", "Hal", "Lia", "Bruno", "Sami", "DJ Jun", "Zoë Müller"]
    stages = [stage, other_stage]
    Slot.objects.bulk_create(
        Slot(
            stage=stages[n % 2],
            starts_at=at + timedelta(days=n // 24, hours=n % 24 // 2),
            ends_at=at + timedelta(days=n // 24, hours=n % 24 // 2 + 1),
            dj_name=names[n % 10],
            title="" if n % 3 else f"West Coast Swing {n}",
            kind="social" if n % 3 else "workshop",
        )
        for n in range(72)
    )
    page = client.get("/e/wcs-budapest/timetable")
    size = len(gzip.compress(page.content, 6))
    assert size < 14 * 1024

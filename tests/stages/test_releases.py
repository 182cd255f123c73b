"""Who hears of a changed timetable: those it touches, once, in one message; and what runs late."""

import hashlib
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.access import guest_of
from accounts.claim import claim
from accounts.models import Guest, PushChunk, PushMessage, PushSubscription
from events.models import Event, Mute
from pika.jobs import actions as jobs
from pika.jobs.models import Job
from stages.actions import stars
from stages.models import Follow, Release, Slot, SlotEdit, Stage, Star
from tests.stages.test_timetable import BACKEND, Desk, desk, line_of, move, rows, second, spring, times, utc

__all__ = ["desk", "second", "spring"]
pytestmark = pytest.mark.django_db
JSON = "application/json"
FRIDAY_EVENING = utc("2027-03-26T18:00")  # 19:00 in Budapest


@pytest.fixture
def friday(elena, client, spring):
    """It is Friday evening, and Elena is at her desk."""
    with time_machine.travel(FRIDAY_EVENING, tick=False) as clock:
        client.force_login(elena, backend=BACKEND)
        yield clock


@pytest.fixture
def night(friday, desk, stage, other_stage):
    """Published: Ana and Marcus on the main floor, Jun in the blues room; nobody is told."""
    desk.add(stage, "20:00", "22:00", "Ana")
    desk.add(stage, "22:00", "02:00", "Marcus")
    desk.add(other_stage, "21:00", "23:00", "Jun")
    desk.publish()
    Release.objects.update(notified_at=timezone.now())
    return {slot.dj_name: slot for slot in Slot.objects.all()}


@pytest.fixture
def phone(db):
    """`phone("sarah", follows=stage)`: a device that can be pushed to."""

    def make(name, follows=None, stars=None, user=None):
        key = hashlib.sha256(name.encode()).hexdigest()
        if user:
            claim(user, key)
        guest = guest_of(key)
        if follows:
            Follow.objects.create(guest=guest, stage=follows)
        if stars:
            Star.objects.create(guest=guest, slot=stars)
        PushSubscription.objects.create(guest=guest, endpoint=name, endpoint_hash=key, p256dh="", auth="")
        return guest

    return make


def heard():
    """{endpoint: what was pushed to it}"""
    names = dict(PushSubscription.objects.values_list("pk", "endpoint"))
    found = {}
    for chunk in PushChunk.objects.order_by("pk").select_related("message"):
        for pk in chunk.waiting:
            found.setdefault(names[int(pk)], []).append(chunk.message.body)
    return found


def tell(desk):
    count = desk.get("notify_timetable").context["count"]
    return desk.post("notify_timetable", count=count)


# --- Notify ----------------------------------------------------------------------------------------------
def test_only_followers_and_stars_hear_once_with_old_and_new_time(desk, night, stage, other_stage, phone):
    phone("sarah", follows=stage)
    phone("tom", stars=night["Ana"])
    phone("lia", follows=other_stage)
    phone("bo")
    move(desk, night["Ana"], start="20:30")
    desk.publish()
    preview = desk.get("notify_timetable")
    assert (preview.context["people"], preview.context["phones"]) == (2, 2)
    assert tell(desk).status_code == 302
    told = "Main Floor: Ana, Fri 20:00 → Fri 20:30"
    assert heard() == {"sarah": [told], "tom": [told]}
    message = PushMessage.objects.get()
    assert (message.title, message.url) == ("WCS Budapest: the timetable changed", "/e/wcs-budapest/timetable")
    assert tell(desk).status_code == 409
    assert len(heard()["sarah"]) == 1


def test_several_stages_and_publications_are_one_message_a_person(desk, night, stage, other_stage, phone):
    both = phone("both", follows=stage)
    Follow.objects.create(guest=both, stage=other_stage)
    phone("main", follows=stage)
    move(desk, night["Ana"], start="20:30")
    desk.publish()
    move(desk, night["Ana"], start="20:15")
    move(desk, night["Jun"], end="23:30")
    desk.publish()
    tell(desk)
    main, blues = "Main Floor: Ana, Fri 20:00 → Fri 20:15", "Blues Room: Jun, Fri 21:00–23:00 → –23:30"
    assert heard() == {"main": [main], "both": [f"{main}\n{blues}"]}


def test_what_came_back_to_where_it_was_tells_nobody(desk, night, stage, phone):
    phone("sarah", follows=stage)
    for start in ("20:30", "20:00"):
        move(desk, night["Ana"], start=start)
        desk.publish()
    assert desk.get("notify_timetable").context["people"] == 0
    tell(desk)
    assert (heard(), PushMessage.objects.count()) == ({}, 0)


def test_who_starred_a_cancelled_slot_hears_of_it(desk, night, phone):
    phone("sarah", stars=night["Jun"])
    desk.post("remove_slot", night["Jun"].code, seen=line_of(desk, night["Jun"].code).seen)
    desk.publish()
    tell(desk)
    assert (heard(), Star.objects.count()) == ({"sarah": ["Blues Room: cancelled: Jun, Fri 21:00"]}, 0)
    assert "stars" not in str(desk.get("notify_timetable").content)


def test_the_author_and_who_muted_the_event_hear_nothing_and_a_person_is_one(desk, night, stage, elena, ana, phone):
    phone("elena's", follows=stage, user=elena)
    Mute.objects.create(guest=phone("muted", follows=stage), event=stage.event)
    phone("ana's phone", follows=stage, user=ana)
    phone("ana's laptop", user=ana)
    move(desk, night["Ana"], start="20:30")
    desk.publish()
    preview = desk.get("notify_timetable")
    assert (preview.context["people"], preview.context["phones"]) == (1, 2)
    tell(desk)
    assert sorted(heard()) == ["ana's laptop", "ana's phone"]


def test_people_at_the_event_next_door_hear_nothing(desk, night, stage, stranger, phone):
    theirs = Event.objects.create(
        organizer=stranger.organizers.get(),
        name="Next door",
        slug="next-door",
        starts_on="2027-03-26",
        ends_on="2027-03-28",
        status="published",
    )
    its = Stage.objects.create(event=theirs, name="Main Floor")
    slot = Slot.objects.create(stage=its, starts_at=FRIDAY_EVENING, ends_at=FRIDAY_EVENING + timedelta(hours=1))
    phone("theirs", follows=its, stars=slot)
    phone("ours", follows=stage)
    move(desk, night["Ana"], start="20:30")
    desk.publish()
    tell(desk)
    assert list(heard()) == ["ours"]


def test_nobody_is_told_of_a_draft_or_of_what_is_over(desk, night, stage, phone, friday, client, elena):
    phone("sarah", follows=stage)
    move(desk, night["Ana"], start="20:30")
    desk.publish()
    Event.objects.update(status="draft")
    assert desk.post("notify_timetable", count=1).status_code == 409
    Event.objects.update(status="published")
    friday.shift(timedelta(hours=4))
    assert desk.get("notify_timetable").context["people"] == 0
    tell(desk)
    assert heard() == {}


def test_only_the_last_publication_is_told_and_the_older_one_is_settled(desk, night, stage, phone):
    phone("sarah", follows=stage)
    move(desk, night["Ana"], start="20:30")
    desk.publish()
    move(desk, night["Marcus"], end="03:00")
    desk.publish()
    desk.post("notify_timetable", count=1)
    assert heard() == {"sarah": ["Main Floor: Marcus, Fri 22:00–02:00 → –03:00"]}
    assert desk.get("notify_timetable").context["waiting"] == []


def test_everybody_at_the_event_sees_it_change_and_a_stranger_does_not(
    server, dancer, elena, client, spring, stage, other_stage, stranger
):
    theirs = Event.objects.create(
        organizer=stranger.organizers.get(),
        name="Next door",
        slug="next-door",
        starts_on="2027-03-26",
        ends_on="2027-03-28",
        status="published",
    )
    sarah, lia = dancer(stage), dancer(other_stage)
    tom = dancer(Stage.objects.create(event=theirs, name="Main Floor"))
    client.force_login(elena, backend=BACKEND)
    its = Desk(client, spring)
    its.add(stage, "22:00", "23:00")
    its.publish()
    slot = Slot.objects.get()
    side = {
        "stageId": stage.code,
        "stageName": "Main Floor",
        "startsAt": "2027-03-26T21:00:00.000Z",
        "endsAt": "2027-03-26T22:00:00.000Z",
        "djName": "Ana",
        "title": "",
        "kind": "social",
    }
    told = sarah.hear("SCHEDULE_CHANGED")
    assert (told["eventId"], told["count"], told["changes"]) == (
        spring.slug,
        1,
        [{"slotId": slot.code, "change": "new", "from": None, "to": side}],
    )
    assert sarah.hear("STAGE_STATE")["nextSlot"]["djName"] == "Ana"
    assert [message["type"] for message in lia.all_heard()][-1:] == ["SCHEDULE_CHANGED"]
    assert [m["type"] for m in tom.all_heard() if m["type"] in {"SCHEDULE_CHANGED", "STAGE_STATE"}] == []


test_everybody_at_the_event_sees_it_change_and_a_stranger_does_not = pytest.mark.django_db(transaction=True)(
    test_everybody_at_the_event_sees_it_change_and_a_stranger_does_not
)


# --- Running late ----------------------------------------------------------------------------------------
def late(desk, where, minutes):
    preview = desk.get("shift_stage", where=where, minutes=minutes)
    fields = {"where": where, "minutes": minutes, "from_at": preview.context["from_at"]}
    return preview, lambda: desk.post("shift_stage", **fields, seen=preview.context["plan"].seen)


def test_the_rest_of_the_night_moves_and_what_runs_goes_on(desk, night, stage, other_stage, phone, friday):
    phone("sarah", follows=stage)
    phone("lia", follows=other_stage)
    friday.shift(timedelta(hours=2))  # 21:00: Ana plays
    preview, do = late(desk, f"now-{stage.code}", 20)
    assert (preview.context["plan"].clashes, preview.context["people"]) == ([], {"people": 1, "phones": 1})
    assert do().status_code == 302
    assert times(*Slot.objects.filter(stage=stage)) == [
        (utc("2027-03-26T19:00"), utc("2027-03-26T21:20")),
        (utc("2027-03-26T21:20"), utc("2027-03-27T01:20")),
    ]
    assert heard() == {
        "sarah": ["Main Floor: Ana, Fri 20:00–22:00 → –22:20\nMain Floor: Marcus, Fri 22:00 → Fri 22:20"]
    }
    assert do().status_code == 409  # a second tap
    assert len(heard()["sarah"]) == 1
    assert desk.get("notify_timetable").context["waiting"] == []


def test_the_preview_shows_clashes_with_other_stages_and_the_end_of_the_night(desk, friday, stage, other_stage):
    desk.add(stage, "03:00", "05:50", "Marcus")
    desk.add(other_stage, "00:00", "03:00", "Ana")
    desk.add(stage, "23:00", "00:00", "Ana")
    desk.publish()
    preview, do = late(desk, f"now-{stage.code}", 20)
    assert preview.context["plan"].clashes == [
        "Ana, 23:20–00:20: Ana is also on Blues Room, 00:00–03:00",
        "Marcus, 03:20–06:10 goes beyond the end of the night, 06:00",
    ]
    assert do().status_code == 302


def test_from_a_slot_on_and_earlier(desk, night, stage):
    preview, do = late(desk, night["Marcus"].code, -30)
    assert preview.context["plan"].clashes == ["Marcus, 21:30–01:30: Overlaps with Ana, 20:00–22:00"]
    do()
    assert times(*Slot.objects.filter(stage=stage)) == [
        (utc("2027-03-26T19:00"), utc("2027-03-26T21:00")),
        (utc("2027-03-26T20:30"), utc("2027-03-27T00:30")),
    ]


def test_the_next_night_stays_where_it_is(desk, night, stage):
    desk.add(stage, "20:00", "22:00", "Odette", day="2027-03-27")
    desk.publish()
    late(desk, f"now-{stage.code}", 60)[1]()
    assert times(Slot.objects.get(dj_name="Odette")) == [(utc("2027-03-27T19:00"), utc("2027-03-27T21:00"))]


def test_what_is_pending_moves_along_and_stays_pending(desk, night, stage, other_stage):
    move(desk, night["Ana"], title="Warm up")
    move(desk, night["Jun"], end="23:30")
    desk.add(stage, "02:00", "03:00", "Odette")
    late(desk, f"now-{stage.code}", 20)[1]()
    ana = Slot.objects.get(dj_name="Ana")
    assert (ana.title, iso_times(ana)) == ("", "20:20–22:20")
    marks = {row.entry.who: (row.line.change, row.start, row.end) for row in rows(desk)}
    assert marks == {
        "Ana": ("changed", "20:20", "22:20"),
        "Marcus": ("", "22:20", "02:20"),
        "Odette": ("new", "02:20", "03:20"),
        "Jun": ("moved", "21:00", "23:30"),
    }
    assert SlotEdit.objects.count() == 3


def iso_times(slot):
    zone = slot.stage.event.zone
    return f"{slot.starts_at.astimezone(zone):%H:%M}–{slot.ends_at.astimezone(zone):%H:%M}"


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        ("0", "Zero minutes is on time."),
        ("181", "Ensure this value is less than or equal to 180."),
        ("-61", "Ensure this value is greater than or equal to -60."),
        ("soon", "Enter a whole number."),
    ],
)
def test_a_delay_that_is_none_is_said_by_the_field(desk, night, stage, minutes, said):
    answer = desk.get("shift_stage", where=f"now-{stage.code}", minutes=minutes)
    assert (answer.context["form"].errors["minutes"], "plan" in answer.context) == ([said], False)


def test_a_set_cannot_be_over_before_it_begins(desk, night, stage, friday):
    friday.shift(timedelta(hours=1, minutes=10))  # 20:10, Ana plays since 20:00 for two hours
    slot = night["Ana"]
    Slot.objects.filter(pk=slot.pk).update(ends_at=slot.starts_at + timedelta(minutes=30))
    preview, do = late(desk, f"now-{stage.code}", -45)
    assert preview.context["plan"].clashes[0] == "Ana, 20:00–19:45 would be over before it begins"
    assert do().status_code == 409
    assert times(Slot.objects.get(pk=slot.pk)) == [(slot.starts_at, slot.starts_at + timedelta(minutes=30))]


# --- Reminders -------------------------------------------------------------------------------------------
@pytest.fixture
def starred(night, phone):
    """Sarah starred Ana at 20:00."""
    sarah = phone("sarah")
    stars.star(sarah, night["Ana"], timezone.now())
    return sarah


def test_a_star_is_reminded_ten_minutes_before_once(starred, night, friday):
    friday.shift(timedelta(minutes=49))
    assert (jobs.run_due(), heard()) == (0, {})
    friday.shift(timedelta(minutes=1))
    jobs.run_due()
    assert heard() == {"sarah": ["Main Floor, in 10 min"]}
    message = PushMessage.objects.get()
    assert (message.title, message.tag, message.ttl) == ("Ana at 20:00", f"slot-{night['Ana'].code}", 600)
    stars.remind(night["Ana"].code, timezone.now())
    assert len(heard()["sarah"]) == 1


def test_a_reminder_moves_with_its_slot_and_is_gone_with_it(starred, desk, night, friday, stage):
    late(desk, f"now-{stage.code}", 30)[1]()
    PushMessage.objects.all().delete()
    friday.shift(timedelta(minutes=51))
    jobs.run_due()
    assert heard() == {}
    friday.shift(timedelta(minutes=30))
    jobs.run_due()
    assert heard() == {"sarah": ["Main Floor, in 9 min"]}


def test_a_slot_that_moves_earlier_is_reminded_earlier(starred, desk, night, friday):
    move(desk, night["Ana"], start="19:30")
    desk.publish()
    friday.shift(timedelta(minutes=20))
    jobs.run_due()
    assert heard() == {"sarah": ["Main Floor, in 10 min"]}


def test_nobody_is_reminded_of_a_cancelled_slot_or_one_that_began(starred, desk, night, friday):
    friday.shift(timedelta(hours=1, minutes=1))
    jobs.run_due()
    assert heard() == {}
    assert Job.objects.get(kind="remind_slot").state == "done"
    desk.post("remove_slot", night["Ana"].code, seen=line_of(desk, night["Ana"].code).seen)
    desk.publish()
    assert stars.remind(night["Ana"].code, timezone.now()) is None


def test_a_star_in_the_last_ten_minutes_and_a_muted_event_are_not_reminded(starred, night, phone, friday):
    Mute.objects.create(guest=starred, event=night["Ana"].stage.event)
    friday.shift(timedelta(minutes=55))
    stars.star(phone("tom"), night["Ana"], timezone.now())
    jobs.run_due()
    assert heard() == {}


# --- Stars over HTTP -------------------------------------------------------------------------------------
def test_a_star_is_the_devices_and_twice_is_once(client, night, friday):
    path = f"/api/v1/slots/{night['Ana'].code}/star"
    assert client.post(path, content_type=JSON).status_code == 401
    client.get("/e/wcs-budapest/timetable")
    for _ in range(2):
        answer = client.post(path, content_type=JSON)
        assert (answer.status_code, answer.json()) == (200, {"slotId": night["Ana"].code, "isStarred": True})
    assert Star.objects.count() == 1
    assert client.get("/e/wcs-budapest/timetable").context["stars"] == {night["Ana"].code}
    for _ in range(2):
        assert client.delete(path).json() == {"slotId": night["Ana"].code, "isStarred": False}
    assert Star.objects.count() == 0
    assert client.post("/api/v1/slots/NOSUCHSLOT/star", content_type=JSON).status_code == 404


def test_a_slot_of_a_draft_has_no_star_and_no_timetable(client, night, friday):
    client.get("/e/wcs-budapest/timetable")
    Event.objects.update(status="draft")
    assert client.post(f"/api/v1/slots/{night['Ana'].code}/star", content_type=JSON).status_code == 404
    assert client.get("/e/wcs-budapest/timetable").status_code == 404
    assert client.get("/e/wcs-budapest/timetable.ics").status_code == 404


def test_a_users_devices_share_their_stars(client, night, friday, ana):
    client.get("/e/wcs-budapest/timetable")
    client.post(f"/api/v1/slots/{night['Ana'].code}/star", content_type=JSON)
    claim(ana, Guest.objects.get().key)
    claim(ana, "f" * 64)
    stars.unstar("f" * 64, night["Ana"])
    assert Star.objects.count() == 0

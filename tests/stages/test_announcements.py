"""What organizers and DJs tell their people: everybody who should hears it, once; nobody else does."""

import asyncio
import re
import urllib.request
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from accounts.access import guest_key, guest_of
from accounts.actions import new_guest_secret
from accounts.models import Guest, Membership, PushMessage, PushSubscription
from events.models import Event, Mute
from pika.errors import Problem
from pika.live.broker import broker
from pika.live.messages import iso
from stages.actions import announcements
from stages.actions.announcements import Draft, announce, audience_of, cancel
from stages.actions.floor import follow_all
from stages.consumers.announcements import seen, write_seen
from stages.models import Announcement, Seen, Stage
from tests.cast import Dancer, Dj
from tests.processes import web_process

pytestmark = pytest.mark.django_db(transaction=True)


def told(socket):
    """What it heard of announcements until now, without the place on the topic."""
    heard = [message for message in socket.all_heard() if message["type"].startswith("ANNOUNCEMENT_")]
    return [{name: value for name, value in m.items() if name not in {"topic", "epoch", "seq"}} for m in heard]


def words(socket):
    return [message.get("message", "cancelled") for message in told(socket)]


@pytest.fixture
def next_door(stranger):
    """The stranger's event in the same building, its stage."""
    other = stranger.organizers.get()
    today = timezone.now().date()
    event = Event.objects.create(
        organizer=other, name="Zouk Night", slug="zouk", starts_on=today, ends_on=today, status="published"
    )
    return Stage.objects.create(event=event, name="Next Door")


@pytest.fixture
def crowd(stage):
    """`crowd(3, stage)`: devices that follow the stage, tonight or `ago`; their keys."""

    def come(number, *stages, ago=timedelta()):
        keys = [guest_key(new_guest_secret()) for _ in range(number)]
        follow_all({(key, its.code): timezone.now() - ago for key in keys for its in stages or [stage]})
        return keys

    return come


def give_phones(keys, number=1):
    """Each of these devices has push subscriptions."""
    for key in keys:
        for n in range(number):
            PushSubscription.objects.create(
                guest=guest_of(key), endpoint=f"https://push.example/{key}/{n}", endpoint_hash=f"{key[:60]}{n}"
            )


# --- Organizers: who hears it -----------------------------------------------------------------------------
def test_everybody_at_the_event_hears_it_and_nobody_next_door(dancer, elena, event, stage, other_stage, next_door):
    here, there, outside = dancer(stage), dancer(other_stage), dancer(next_door)
    announcement, is_new = announce(event, elena, Draft("Soup is ready 🍲\nשלום"))
    assert is_new
    expected = {
        "type": "ANNOUNCEMENT_RECEIVED",
        "announcementId": announcement.code,
        "message": "Soup is ready 🍲\nשלום",
        "priority": "info",
        "timestamp": iso(announcement.created_at),
        "endsAt": iso(announcement.created_at + timedelta(hours=1)),
        "event": {"eventId": "wcs-budapest", "name": "WCS Budapest"},
    }
    assert [told(here), told(there), told(outside)] == [[expected], [expected], []]
    late = dancer(stage)
    assert late.hear("SNAPSHOT")["announcements"] == [{k: v for k, v in expected.items() if k != "type"}]
    assert dancer(next_door).hear("SNAPSHOT")["announcements"] == []
    cancel(announcement)
    gone = [{"type": "ANNOUNCEMENT_CANCELLED", "announcementId": announcement.code}]
    heard = [told(here), told(there), told(outside), told(late)]
    assert [[{k: m[k] for k in ("type", "announcementId")} for m in its] for its in heard] == [gone, gone, [], gone]
    assert dancer(stage).hear("SNAPSHOT")["announcements"] == []


def test_chosen_stages_alone_hear_it(dancer, elena, event, stage, other_stage):
    here, there = dancer(stage), dancer(other_stage)
    announce(event, elena, Draft("This floor is slippery", stages=[stage]))
    assert [words(here), words(there)] == [["This floor is slippery"], []]
    assert [dancer(its).hear("SNAPSHOT")["announcements"] != [] for its in (stage, other_stage)] == [True, False]


def test_a_phone_that_follows_two_stages_hears_one_announcement_by_its_id(dancer, elena, event, stage, other_stage):
    both = dancer(stage)
    both.follow(other_stage.code)
    both.all_heard()
    announcement, _ = announce(event, elena, Draft("Soup"))
    assert {message["announcementId"] for message in told(both)} == {announcement.code}


def test_who_listens_to_a_session_hears_what_its_stage_hears(dj, dancer, marcus, ana, elena, event, stage, other_stage):
    his, hers = dj(marcus, stage), dj(ana, other_stage)
    at_his, at_hers = dancer(session=his.session_id), dancer(session=hers.session_id)
    announce(event, elena, Draft("Soup", stages=[stage]))
    assert [words(at_his), words(at_hers)] == [["Soup"], []]
    late = dancer(session=his.session_id)
    assert late.hear("ANNOUNCEMENT_RECEIVED")["message"] == "Soup"
    assert [shown["message"] for shown in late.hear("SNAPSHOT")["announcements"]] == ["Soup"]


def test_a_phone_that_was_away_for_a_moment_hears_what_it_missed(dancer, elena, event, stage):
    sarah = dancer(stage)
    announce(event, elena, Draft("First"))
    heard = sarah.hear("ANNOUNCEMENT_RECEIVED")
    sarah.close()
    announce(event, elena, Draft("Second"))
    broker().settle()  # else it may hear it twice under one seq: once from the history, once live
    again = dancer(stage, since=f"{heard['epoch']}:{heard['seq']}")
    assert words(again) == ["Second"]


def test_each_priority_lasts_as_long_as_it_should_and_newcomers_see_the_urgent_first(dancer, elena, event, stage):
    for priority in ("info", "important", "urgent"):
        announce(event, elena, Draft(priority, priority))
    lasts = {a.priority: (a.ends_at - a.created_at).total_seconds() for a in Announcement.objects.all()}
    assert lasts == {"info": 3600, "important": 1800, "urgent": 900}
    shown = [it["priority"] for it in dancer(stage).hear("SNAPSHOT")["announcements"]]
    assert shown == ["urgent", "important", "info"]
    with time_machine.travel(timezone.now() + timedelta(minutes=20)):
        assert [a.priority for a in Announcement.objects.on_stage(stage).showing(timezone.now())] == [
            "important",
            "info",
        ]


def test_the_same_code_again_is_the_same_announcement_and_for_other_words_a_problem(dancer, elena, event, stage):
    sarah = dancer(stage)
    first = announce(event, elena, Draft("Soup"), "ABCDEFGHJK")
    second = announce(event, elena, Draft("Soup"), "ABCDEFGHJK")
    assert (first[0], first[1], second[0], second[1]) == (first[0], True, first[0], False)
    assert words(sarah) == ["Soup"]
    with pytest.raises(Problem) as refused:
        announce(event, elena, Draft("Cake"), "ABCDEFGHJK")
    assert (refused.value.code, refused.value.status) == ("announcement_id_taken", 409)


def test_cancelled_twice_is_once_and_what_is_over_stays_over(dancer, elena, event, stage):
    sarah = dancer(stage)
    announcement, _ = announce(event, elena, Draft("Soup"))
    assert [cancel(announcement), cancel(announcement)] == [True, False]
    assert words(sarah) == ["Soup", "cancelled"]
    old, _ = announce(event, elena, Draft("Old"))
    Announcement.objects.filter(pk=old.pk).update(ends_at=timezone.now())
    assert cancel(old) is False
    assert Announcement.objects.get(pk=old.pk).state == "over"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"status": "draft"}, "event_not_public"),
        ({"status": "archived"}, "event_over"),
        ({"starts_on": "2020-01-01", "ends_on": "2020-01-03"}, "event_over"),
    ],
)
def test_nobody_is_told_before_or_after_the_event(elena, event, stage, changes, code):
    Event.objects.filter(pk=event.pk).update(**changes)
    with pytest.raises(Problem) as refused:
        announce(Event.objects.get(pk=event.pk), elena, Draft("Soup"))
    assert refused.value.code == code
    assert Announcement.objects.count() == 0


def test_an_organizer_that_is_suspended_tells_nobody(elena, event, organizer, stage):
    organizer.suspended_at = timezone.now()
    organizer.save()
    with pytest.raises(Problem) as refused:
        announce(event, elena, Draft("Soup"))
    assert (refused.value.code, str(refused.value)) == (
        "suspended",
        "“WCS Budapest” is suspended: nobody can hear this until that is over.",
    )
    assert Announcement.objects.count() == 0


def test_the_events_page_says_it_where_a_push_to_everybody_leads(client, elena, event, stage, other_stage):
    announce(event, elena, Draft("Soup"))
    announce(event, elena, Draft("Slippery", stages=[stage]))
    cancel(announce(event, elena, Draft("Nonsense"))[0])
    page = client.get("/e/wcs-budapest").content.decode()
    notes = [re.sub(r"<[^>]+>", "", note) for note in re.findall(r'<p class="note"[^>]*>(.*?)</p>', page, re.DOTALL)]
    assert notes == ["Main Floor: Slippery", "Soup"]


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (-0.01, "This time has passed. Choose a later one, or none: then the priority decides."),
        (24.1, "An announcement is shown for 24 hours at most. Choose an earlier time."),
    ],
)
def test_shown_until_is_in_the_future_and_at_most_a_day_away(elena, event, stage, hours, words):
    with pytest.raises(Problem) as refused:
        announce(event, elena, Draft("Soup", ends_at=timezone.now() + timedelta(hours=hours)))
    assert (refused.value.message, refused.value.field) == (words, "endsAt")


def test_crew_tells_important_things_and_urgent_ones_are_for_managers(make_user, event, stage):
    crew = make_user("crew")
    Membership.objects.create(organizer=event.organizer, user=crew, role="crew")
    assert announce(event, crew, Draft("Soup", "important"))[1]
    with pytest.raises(Problem) as refused:
        announce(event, crew, Draft("Fire", "urgent"))
    assert (refused.value.code, refused.value.status, refused.value.field) == ("managers_only", 403, "priority")


# --- Whom it reaches ------------------------------------------------------------------------------------------
def test_the_preview_counts_who_follows_and_whose_phones_may_ring_and_the_sending_reaches_the_same(
    elena, event, stage, other_stage, next_door, crowd
):
    both, muted = crowd(3, stage, other_stage), crowd(2, stage)
    quiet, outside = crowd(1, other_stage), crowd(4, next_door)
    crowd(5, stage, ago=timedelta(days=30))  # of last year's party
    give_phones([*both, *muted, *quiet, *outside])
    for mute in muted:
        Mute.objects.create(guest=guest_of(mute), event=event)
    Guest.objects.filter(key__in=quiet).update(quiet_starts_at="00:00", quiet_ends_at="23:59:59", quiet_zone="UTC")
    now = timezone.now().replace(hour=12)
    drafts = {
        "all": Draft("Soup", is_push=True),
        "urgent": Draft("Fire", "urgent", is_push=True),
        "one stage": Draft("Slippery", stages=[stage], is_push=True),
        "screens": Draft("Soup"),
    }
    looked = {name: audience_of(event, draft, now) for name, draft in drafts.items()}
    assert {name: (its.people, its.phones) for name, its in looked.items()} == {
        "all": (6, 3),
        "urgent": (6, 4),
        "one stage": (5, 3),
        "screens": (6, 0),
    }
    with time_machine.travel(now):
        sent = {name: announce(event, elena, draft)[0] for name, draft in drafts.items()}
    assert {name: (a.people, a.phones) for name, a in sent.items()} == {
        name: (its.people, its.phones) for name, its in looked.items()
    }
    assert {name: a.push and a.push.phones for name, a in sent.items()} == {
        "all": 3,
        "urgent": 4,
        "one stage": 3,
        "screens": None,
    }


def test_a_push_says_what_the_screen_says_and_is_worth_nothing_afterwards(elena, event, stage, crowd):
    give_phones(crowd(1))
    announcement, _ = announce(event, elena, Draft("Fire", "urgent", [stage], is_push=True))
    push = PushMessage.objects.get()
    assert announcement.push == push
    said = (push.title, push.body, push.url, push.tag, push.ttl, push.urgency)
    assert said == ("WCS Budapest", "Fire", f"/s/{stage.code}", announcement.code, 900, "high")


def test_a_push_that_fails_keeps_the_announcement_on_the_screens(dancer, elena, event, stage, crowd, monkeypatch):
    def broken(*args, **options):
        PushMessage.objects.create(tag="x", title="x", body="x", url="/", ttl=1)
        raise OSError("no keys")

    monkeypatch.setattr(announcements, "push", broken)
    sarah = dancer(stage)
    announcement, _ = announce(event, elena, Draft("Soup", is_push=True))
    assert words(sarah) == ["Soup"]
    assert (announcement.push, PushMessage.objects.count()) == (None, 0)


# --- Seen -------------------------------------------------------------------------------------------------------
def flush():
    """What the chore of the server does each second."""
    batch = dict(sorted(seen.items()))
    seen.clear()
    announcements.see_all(batch)


def test_a_device_is_counted_once_however_often_and_wherever_it_says_so(dancer, elena, event, stage):
    announcement, _ = announce(event, elena, Draft("Soup"))
    sarah, tom = dancer(), dancer(stage)
    token = sarah.follow(stage.code)["guestToken"]
    second = dancer(stage, guestToken=token)
    for socket in (sarah, sarah, second, tom):
        assert socket.ask("SEEN_ANNOUNCEMENT", announcementId=announcement.code)["type"] == "ACK"
    flush()
    assert second.ask("SEEN_ANNOUNCEMENT", announcementId=announcement.code)["type"] == "ACK"
    assert second.ask("SEEN_ANNOUNCEMENT", announcementId="NOSUCHONE2")["type"] == "ACK"
    flush()
    assert Announcement.objects.counted().get().seen == Seen.objects.count() == 2


def test_three_hundred_phones_that_see_it_in_the_same_second_are_a_few_queries(
    elena, event, stage, django_assert_max_num_queries
):
    announcement, _ = announce(event, elena, Draft("Soup"))
    batch = {(guest_key(new_guest_secret()), announcement.code): timezone.now() for _ in range(300)}
    with django_assert_max_num_queries(12):
        announcements.see_all(batch)
    announcements.see_all(batch)
    assert Announcement.objects.counted().get().seen == 300


def test_what_was_seen_while_the_database_was_away_is_written_later(elena, event, stage, monkeypatch):
    announcement, _ = announce(event, elena, Draft("Soup"))

    def broken(batch):
        raise OSError("away")

    sight = (guest_key(new_guest_secret()), announcement.code)
    seen[sight] = timezone.now()
    monkeypatch.setattr(announcements, "see_all", broken)
    with pytest.raises(OSError):
        asyncio.run(write_seen())
    monkeypatch.undo()
    assert list(seen) == [sight]
    flush()
    assert Seen.objects.count() == 1


# --- DJs --------------------------------------------------------------------------------------------------------
def tell(dj, message="Last song!", **more):
    return dj.ask("SEND_ANNOUNCEMENT", sessionId=dj.session_id, message=message, **more)


def test_a_dj_tells_the_own_listeners_and_nobody_else(dj, dancer, marcus, ana, stage, other_stage, next_door):
    his, hers = dj(marcus, stage), dj(ana, other_stage)
    sarah, by_session = dancer(stage), dancer(session=his.session_id)
    others = [dancer(other_stage), dancer(session=hers.session_id), dancer(next_door)]
    code = tell(his)["announcementId"]
    announcement = Announcement.objects.get()
    expected = {
        "type": "ANNOUNCEMENT_RECEIVED",
        "announcementId": code,
        "message": "Last song!",
        "priority": "info",
        "timestamp": iso(announcement.created_at),
        "endsAt": iso(announcement.created_at + timedelta(seconds=300)),
        "djName": "Marcus",
        "sessionId": his.session_id,
    }
    assert [told(sarah), told(by_session)] == [[expected], [expected]]
    assert [told(other) for other in others] == [[], [], []]
    assert [len(dancer(its).hear("SNAPSHOT")["announcements"]) for its in (stage, other_stage)] == [1, 0]
    assert his.ask("CANCEL_ANNOUNCEMENT", sessionId=his.session_id, announcementId=code)["type"] == "ACK"
    assert his.ask("CANCEL_ANNOUNCEMENT", sessionId=his.session_id, announcementId=code)["type"] == "ACK"
    assert [words(sarah), words(by_session)] == [["cancelled"], ["cancelled"]]


def test_a_dj_whom_the_stage_does_not_hear_reaches_the_session_alone(dj, dancer, marcus, ana, stage):
    hers, his = dj(ana, stage), dj(marcus, stage)
    hers.play("Hers")
    sarah, by_session = dancer(stage), dancer(session=his.session_id)
    tell(his)
    assert [words(sarah), words(by_session)] == [[], ["Last song!"]]
    assert dancer(stage).hear("SNAPSHOT")["announcements"] == []


def test_the_next_one_takes_the_place_of_the_one_before_and_the_end_takes_it_away(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    tell(his, "One")
    tell(his, "Two")
    his.end()
    assert words(sarah) == ["One", "cancelled", "Two", "cancelled"]
    refused = tell(his, "Three")
    assert (refused["code"], refused["error"]) == ("session_over", "This session is over")


def test_a_dj_can_touch_neither_anothers_nor_the_organizers(dj, marcus, ana, elena, event, stage, other_stage):
    his, hers = dj(marcus, stage), dj(ana, other_stage)
    code = tell(his)["announcementId"]
    organizers, _ = announce(event, elena, Draft("Soup"))
    for foreign in (code, organizers.code):
        refused = hers.ask("CANCEL_ANNOUNCEMENT", sessionId=hers.session_id, announcementId=foreign)
        assert (refused["code"], refused["error"]) == ("announcement_not_found", "Announcement not found")
    assert Announcement.objects.filter(cancelled_at=None).count() == 2


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"message": " \n "}, "message"),
        ({"message": "x" * 201}, "message"),
        ({"durationSeconds": 14}, "durationSeconds"),
        ({"durationSeconds": 3601}, "durationSeconds"),
        ({"push": "perhaps"}, "push"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_field(dj, marcus, wrong, field):
    his = dj(marcus)
    refused = his.ask("SEND_ANNOUNCEMENT", sessionId=his.session_id, **{"message": "Hello", **wrong})
    assert (refused["code"], refused["field"]) == ("invalid", field)
    assert Announcement.objects.count() == 0


def test_a_dj_who_tells_too_much_has_to_wait(dj, marcus):
    his = dj(marcus)
    answers = [tell(his, f"No. {n}") for n in range(settings.DJ_ANNOUNCEMENTS_PER_MINUTE + 1)]
    # A minute may begin in between.
    assert [answer["type"] for answer in answers][:6] == ["ACK"] * 6
    if answers[-1]["type"] == "NACK":
        assert answers[-1]["code"] == "too_often"
        assert answers[-1]["retryAfter"] > 0


def test_a_dj_wakes_the_phones_that_came_during_the_session(dj, marcus, stage, crowd):
    give_phones(crowd(2, ago=timedelta(hours=3)))
    his = dj(marcus, stage)
    give_phones(crowd(3))
    tell(his, push=True)
    announcement = Announcement.objects.get()
    assert (announcement.people, announcement.phones, announcement.push.phones) == (3, 3, 3)
    assert (announcement.push.title, announcement.push.url) == ("Marcus", f"/s/{stage.code}")


# --- Several processes ------------------------------------------------------------------------------------------
@pytest.mark.skipif(not settings.REDIS_URL, reason="embedded: one process, no Redis")
def test_phones_and_newcomers_of_another_process_hear_it_and_its_end(
    transactional_db, tmp_path, marcus, elena, event, stage, token_of
):
    process = web_process(tmp_path / "web.log")
    try:
        sarah, his = Dancer(process.ws), Dj(process.ws)
        sarah.follow(stage.code)
        sarah.all_heard()  # its snapshot is kept ready there
        announcement, _ = announce(event, elena, Draft("Soup"))
        assert sarah.hear("ANNOUNCEMENT_RECEIVED")["announcementId"] == announcement.code
        late = Dancer(process.ws)
        late.follow(stage.code)
        assert [it["message"] for it in late.hear("SNAPSHOT")["announcements"]] == ["Soup"]
        cancel(announcement)
        assert late.hear("ANNOUNCEMENT_CANCELLED")["announcementId"] == announcement.code
        later = Dancer(process.ws)
        later.follow(stage.code)
        assert later.hear("SNAPSHOT")["announcements"] == []
        for socket in (sarah, his, late, later):
            socket.close()
    finally:
        process.kill()


def test_the_page_with_a_full_night_and_three_announcements_still_fits_into_the_first_round_trip(
    server, dj, marcus, elena, event, stage
):
    his = dj(marcus, stage)
    for number in range(21):
        his.play(f"A Song With a Title of Ordinary Length, No. {number}", f"Orchestra {number}")
    for number in range(3):
        announce(event, elena, Draft(f"The shuttle no. {number} leaves from the back entrance at {number}:30. " * 3))
    request = urllib.request.Request(f"{server.url}/s/{stage.code}", headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request) as answer:
        body = answer.read()
    print("bytes", len(body))
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(body) <= 14 * 1024, len(body)

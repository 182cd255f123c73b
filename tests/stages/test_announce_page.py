"""Elena announces: she writes, sees who hears it, sends, watches the numbers, cancels; and the same over the API."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.access import guest_key
from accounts.actions import new_guest_secret
from accounts.models import Membership
from stages.actions.announcements import Draft, announce, cancel, see_all
from stages.actions.floor import follow_all
from stages.models import Announcement

pytestmark = pytest.mark.django_db
PAGE = "/organize/e/wcs-budapest/announce"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def hers(client, elena, event, stage, other_stage):
    """`hers(message="Soup", step="look")`: Elena's page after pressing that button."""
    client.force_login(elena, backend=BACKEND)

    def post(**fields):
        return client.post(PAGE, {"priority": "info", "to": "event", "step": "send", "message": "Soup", **fields})

    return post


def text(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def code_of(response):
    return re.search(r'name="code" value="(\w+)"', response.content.decode())[1]


def test_she_looks_who_hears_it_before_she_sends_it_and_the_numbers_are_the_same(hers, stage, client):
    follow_all({(guest_key(new_guest_secret()), stage.code): timezone.now() for _ in range(3)})
    looked = hers(step="look", message="Soup 🍲\r\nשלום", code=code_of(client.get(PAGE)))
    assert "<h1" in looked.content.decode() and "3 people" in text(looked)
    assert Announcement.objects.count() == 0
    sent = hers(message="Soup 🍲\r\nשלום", code=code_of(looked))
    assert (sent.status_code, sent.url) == (302, PAGE)
    assert "Sent to 3 people, 0 phones." in text(client.get(PAGE))
    announcement = Announcement.objects.get()
    assert (announcement.message, announcement.people, announcement.author.name) == ("Soup 🍲\nשלום", 3, "Elena")


def test_a_double_click_sends_once_and_other_words_from_the_same_form_are_looked_at_again(hers, client):
    code = code_of(client.get(PAGE))
    assert [hers(code=code).status_code for _ in range(2)] == [302, 302]
    assert Announcement.objects.count() == 1
    again = hers(code=code, message="Cake")
    assert "Something else was sent from this form already." in text(again)
    assert code_of(again) != code
    hers(code=code_of(again), message="Cake")
    assert sorted(Announcement.objects.values_list("message", flat=True)) == ["Cake", "Soup"]


def test_an_urgent_one_is_sent_only_when_she_is_sure(hers):
    asked = hers(priority="urgent")
    assert "Tick this first" in text(asked)
    assert Announcement.objects.count() == 0
    assert hers(priority="urgent", is_sure="on").status_code == 302
    assert Announcement.objects.get().priority == "urgent"


def local(event, **ago):
    return (timezone.now() + timedelta(**ago)).astimezone(ZoneInfo(event.time_zone)).strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"message": " \n "}, "Type what they should know."),
        ({"message": "a" * 10_000}, "That is 10,000 characters, and 500 fit."),
        ({"to": "stages"}, "Tick the stages that should hear it, or choose everybody."),
        ({"to": "stages", "stages": ["NOSUCH"]}, "There is no such stage at this event."),
        ({"ends_at": "tomorrow"}, "This is no date and time."),
        ({"ends_at": {"hours": -1}}, "This time has passed."),
        ({"ends_at": {"hours": 25}}, "24 hours at most. Choose an earlier time."),
        ({"message": "a\x00b"}, "Null characters are not allowed."),
    ],
)
@pytest.mark.parametrize("step", ["look", "send"])
def test_what_makes_no_sense_is_said_by_its_field_and_the_words_are_kept(hers, event, fields, words, step):
    if isinstance(fields.get("ends_at"), dict):
        fields = fields | {"ends_at": local(event, **fields["ends_at"])}
    page = hers(step=step, **fields)
    assert words in text(page)
    kept = fields.get("message", "Soup").strip()
    assert kept.replace("\x00", "") in page.content.decode().replace("\x00", "")
    assert Announcement.objects.count() == 0


def test_a_strangers_stage_is_no_stage_of_hers(hers, stranger, client):
    from events.models import Event
    from stages.models import Stage

    today = timezone.now().date()
    event = Event.objects.create(
        organizer=stranger.organizers.get(), name="Zouk", slug="zouk", starts_on=today, ends_on=today
    )
    foreign = Stage.objects.create(event=event, name="Next Door")
    assert "There is no such stage at this event." in text(hers(to="stages", stages=[foreign.code]))


def test_shown_until_is_the_events_own_clock(hers, event):
    event.time_zone = "Pacific/Auckland"
    event.save()
    hers(ends_at=local(event, hours=2))
    lasts = Announcement.objects.get().ends_at - timezone.now()
    assert timedelta(hours=1, minutes=58) < lasts < timedelta(hours=2)


def test_an_event_that_is_over_or_a_draft_says_so(hers, event):
    for status, words in (("archived", "This event is over"), ("draft", "publish the event first")):
        event.status = status
        event.save()
        assert words in text(hers())
    assert Announcement.objects.count() == 0


def test_crew_sees_the_page_without_urgent_and_is_refused_when_trying(client, make_user, event, stage):
    crew = make_user("crew")
    Membership.objects.create(organizer=event.organizer, user=crew, role="crew")
    client.force_login(crew, backend=BACKEND)
    assert "only owners and managers send these" in text(client.get(PAGE))
    fields = {"to": "event", "step": "send", "message": "Fire", "is_sure": "on"}
    refused = client.post(PAGE, fields | {"priority": "urgent"})
    assert "Only an owner or a manager may send something urgent." in text(refused)
    assert client.post(PAGE, fields | {"priority": "important"}).status_code == 302


def test_change_it_brings_back_the_words_without_complaint(hers):
    back = hers(step="write", message="a" * 600)
    assert "a" * 600 in back.content.decode()
    assert 'class="error"' not in back.content.decode()


def test_the_numbers_rise_and_cancelling_asks_once(hers, client, elena, event, stage):
    announcement, _ = announce(event, elena, Draft("Soup"))
    see_all({(guest_key(new_guest_secret()), announcement.code): timezone.now() for _ in range(2)})
    numbers = client.get("/organize/e/wcs-budapest/announcements", headers={"HX-Request": "true"})
    assert "Sent 0 Seen 2" in text(numbers)
    assert f'id="counts-{announcement.code}" hx-swap-oob="true"' in numbers.content.decode()
    address = f"/organize/e/wcs-budapest/announcements/{announcement.code}/cancel"
    said = [text(client.post(address, follow=True)) for _ in range(2)]
    assert "Cancelled: it is gone from every screen." in said[0]
    assert "It was over or cancelled already: nobody sees it any more." in said[1]


def test_a_page_of_many_costs_as_many_queries_as_a_page_of_one(hers, client, elena, event, stage, other_stage):
    def cost(address):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        return len(queries)

    def costs():
        return [cost(PAGE), cost("/organize/e/wcs-budapest/announcements")]

    announce(event, elena, Draft("One", stages=[stage], is_push=True))
    few = costs()
    for number in range(30):
        announce(event, elena, Draft(f"No. {number}", stages=[stage, other_stage], is_push=True))
    assert costs() == few
    assert "Older" in text(client.get(PAGE))
    assert "Newer" in text(client.get(f"{PAGE}?page=2"))


# --- The API ------------------------------------------------------------------------------------------------------
API = "/api/v1/events/wcs-budapest/announcements"


@pytest.fixture
def program(client, elena, event, stage, token_of):
    """`program("POST", API, {...})` with Elena's token: (status, answer)."""

    def ask(method, address, body=None):
        options = {"data": body, "content_type": "application/json"} if body is not None else {}
        headers = {"Authorization": f"Bearer {token_of(elena)}"}
        answer = getattr(client, method.lower())(address, headers=headers, **options)
        return answer.status_code, answer.json()

    return ask


def test_a_program_announces_once_lists_and_cancels(program, stage):
    body = {"announcementId": "ABCDEFGHJK", "message": "Soup", "priority": "warning", "stageIds": [stage.code]}
    status, made = program("POST", API, body)
    assert (status, made["priority"], made["stageIds"], made["seen"]) == (201, "important", [stage.code], 0)
    assert program("POST", API, body) == (200, made)
    assert program("POST", API, body | {"message": "Cake"})[0] == 409
    assert program("GET", API) == (200, [made])
    status, cancelled = program("POST", f"{API}/ABCDEFGHJK/cancel", {})
    assert status == 200 and cancelled["cancelledAt"] is not None
    assert program("POST", f"{API}/ABCDEFGHJK/cancel", {}) == (200, cancelled)
    assert program("POST", f"{API}/NOSUCHONE2/cancel", {})[0] == 404


@pytest.mark.parametrize(
    ("wrong", "status", "field"),
    [
        ({"message": ""}, 400, "message"),
        ({"message": "x" * 501}, 400, "message"),
        ({"priority": "loud"}, 400, "priority"),
        ({"stageIds": ["NOSUCH"]}, 404, "stageIds"),
        ({"announcementId": "short"}, 400, "announcementId"),
        ({"endsAt": "2020-01-01T00:00:00Z"}, 400, "endsAt"),
        ({"endsAt": "2090-01-01T00:00:00Z"}, 400, "endsAt"),
    ],
)
def test_a_program_that_makes_no_sense_hears_which_field(program, wrong, status, field):
    answered, answer = program("POST", API, {"message": "Soup", **wrong})
    assert (answered, list(answer["error"]["fields"])) == (status, [field])
    assert Announcement.objects.count() == 0


def test_the_list_of_many_costs_as_many_queries_as_of_one(program, elena, event, stage, django_assert_num_queries):
    cancel(announce(event, elena, Draft("Soup", stages=[stage]))[0])
    program("GET", API)  # the token's first use is written down
    with CaptureQueriesContext(connection) as few:
        program("GET", API)
    for number in range(60):
        announce(event, elena, Draft(f"No. {number}", stages=[stage]))
    with django_assert_num_queries(len(few)):
        assert len(program("GET", API)[1]) == 50
    assert len(program("GET", f"{API}?offset=50")[1]) == 11

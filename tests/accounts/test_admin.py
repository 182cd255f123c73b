"""What Kryspin does in the admin: decide on applications, suspend and lift, look after people."""

import threading

import pytest
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import actions
from accounts.models import Membership, Organizer, OrganizerApplication, User
from events.models import Event
from pika.jobs import actions as jobs

pytestmark = pytest.mark.django_db
APPLICATIONS = "/admin/accounts/organizerapplication/"
ORGANIZERS = "/admin/accounts/organizer/"


@pytest.fixture
def kryspin_here(client, kryspin):
    client.force_login(kryspin)
    return client


@pytest.fixture
def applications(elena, ana):
    return [
        actions.apply_organizer(elena, "WCS Budapest", "300 dancers"),
        actions.apply_organizer(ana, "Blues Nights", "A cellar", "https://blues.example"),
    ]


def act(client, where, action, rows, **more):
    body = {"action": action, "_selected_action": [row.pk for row in rows], **more}
    return client.post(where, body, headers={"host": "pika.test"})


def text_of(response):
    return " ".join(response.content.decode().split())


def statuses():
    return list(OrganizerApplication.objects.order_by("pk").values_list("status", flat=True))


def history(row):
    return [it.get_change_message() for it in LogEntry.objects.filter(object_id=str(row.pk)).order_by("pk")]


def test_approving_in_bulk_lets_them_publish_and_tells_them(kryspin_here, kryspin, applications):
    page = act(kryspin_here, APPLICATIONS, "approve", applications)
    assert page.status_code == 302
    assert "2 approved; each applicant gets an e-mail." in text_of(kryspin_here.get(APPLICATIONS))
    assert statuses() == ["approved", "approved"]
    assert Organizer.objects.approved().count() == 2
    assert {(it.decided_by, it.decided_at is not None) for it in OrganizerApplication.objects.all()} == {
        (kryspin, True)
    }
    assert [history(row) for row in applications] == [["Approved."], ["Approved."]]
    assert "Approved." in text_of(kryspin_here.get(f"{APPLICATIONS}{applications[0].pk}/history/"))
    jobs.run_due()
    assert sorted(it.to[0] for it in mail.outbox) == ["ana@example.com", "elena@example.com"]
    assert "http://pika.test/organize/" in mail.outbox[0].body


def test_rejecting_needs_a_reason_and_asks_for_it_on_a_page(kryspin_here, applications):
    asked = act(kryspin_here, APPLICATIONS, "reject", applications)
    assert (asked.status_code, "WCS Budapest (pending)" in text_of(asked)) == (200, True)
    empty = act(kryspin_here, APPLICATIONS, "reject", applications, reason="  ")
    assert (empty.status_code, "Say why: it is what they are told." in text_of(empty)) == (200, True)
    assert (statuses(), LogEntry.objects.count()) == (["pending", "pending"], 0)
    assert act(kryspin_here, APPLICATIONS, "reject", applications, reason="Who are you?").status_code == 302
    assert statuses() == ["rejected", "rejected"]
    assert set(OrganizerApplication.objects.values_list("reason", flat=True)) == {"Who are you?"}
    assert history(applications[0]) == ["Rejected: Who are you?"]
    assert not Organizer.objects.approved().exists()
    jobs.run_due()
    assert ["Who are you?" in it.body for it in mail.outbox] == [True, True]


def test_what_was_decided_is_not_decided_again_by_accident(kryspin_here, applications):
    act(kryspin_here, APPLICATIONS, "reject", applications[:1], reason="No")
    act(kryspin_here, APPLICATIONS, "approve", applications)
    page = text_of(kryspin_here.get(APPLICATIONS))
    assert "1 approved;" in page and "1 left as they were: they had been decided before." in page
    assert statuses() == ["rejected", "approved"]
    assert history(applications[0]) == ["Rejected: No"]


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_at_once_one_decides(applications, kryspin):
    application, start, said = applications[0], threading.Barrier(2), []

    def decide(how):
        start.wait()
        said.append(how())
        connection.close()

    ways = [
        lambda: actions.approve(application, kryspin, ""),
        lambda: actions.reject(application, kryspin, "", "No"),
    ]
    threads = [threading.Thread(target=decide, args=[way]) for way in ways]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    application.refresh_from_db()
    assert sorted(said) == [False, True]
    assert application.organizer.is_approved == (application.status == "approved")
    assert jobs.run_due() == 1
    assert len(mail.outbox) == 1


def test_one_application_is_decided_from_its_own_page_too(kryspin_here, applications):
    page = text_of(kryspin_here.get(f"{APPLICATIONS}{applications[1].pk}/change/"))
    assert "A cellar" in page and 'href="https://blues.example"' in page and 'value="approve"' in page
    act(kryspin_here, APPLICATIONS, "approve", applications[1:])
    assert 'value="approve"' not in text_of(kryspin_here.get(f"{APPLICATIONS}{applications[1].pk}/change/"))


def test_the_list_shows_what_waits_first_and_can_be_filtered_and_searched(kryspin_here, kryspin, applications, marcus):
    actions.approve(applications[0], kryspin, "")
    third = actions.apply_organizer(marcus, "Zouk Terrace", "Summer")

    def listed(query=""):
        return [it.organizer.name for it in kryspin_here.get(f"{APPLICATIONS}{query}").context["cl"].result_list]

    assert listed() == ["Blues Nights", "Zouk Terrace", "WCS Budapest"]
    assert listed("?status__exact=approved") == ["WCS Budapest"]
    assert listed("?q=marcus@") == [third.organizer.name]
    assert listed("?q=cellar") == ["Blues Nights"]


def test_a_suspension_has_a_reason_a_history_and_an_end(kryspin_here, organizer, event):
    asked = act(kryspin_here, ORGANIZERS, "suspend", [organizer])
    assert "Suspend these organizers" in text_of(asked)
    act(kryspin_here, ORGANIZERS, "suspend", [organizer], reason="Three complaints")
    organizer.refresh_from_db()
    assert (organizer.standing, organizer.suspended_why) == ("suspended", "Three complaints")
    assert Event.objects.public().count() == 0
    act(kryspin_here, ORGANIZERS, "suspend", [organizer], reason="Again")
    assert "1 left as they were: they were suspended already." in text_of(kryspin_here.get(ORGANIZERS))
    before = organizer.approved_at
    act(kryspin_here, ORGANIZERS, "lift", [organizer])
    organizer.refresh_from_db()
    assert (organizer.standing, organizer.suspended_why, organizer.approved_at) == ("approved", "", before)
    assert list(Event.objects.public()) == [event]
    assert history(organizer) == ["Suspended: Three complaints", "Suspension lifted."]


def test_a_suspended_owner_sees_why(client, organizer, event, elena, crew):
    actions.suspend(organizer, "Three complaints")
    for user in (elena, crew):
        client.force_login(user)
        for path in ("/organize/", "/organize/wcs-budapest/"):
            page = text_of(client.get(path))
            assert "Suspended" in page and "Three complaints" in page


def test_whom_kryspin_makes_is_approved(kryspin_here, elena):
    form = {"name": "WCS Wien", "slug": "wcs-wien", "memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "0"}
    form |= {"memberships-0-user": elena.pk, "memberships-0-role": "owner"}
    assert kryspin_here.post(f"{ORGANIZERS}add/", form).status_code == 302
    organizer = Organizer.objects.get()
    assert (organizer.standing, organizer.memberships.get().user) == ("approved", elena)


def test_organizers_show_their_standing_events_and_members(kryspin_here, organizer, event, crew, elena):
    Event.objects.create(organizer=organizer, name="Old", slug="old", starts_on=event.starts_on, ends_on=event.ends_on)
    new = actions.apply_organizer(elena, "Zouk", "Summer").organizer
    rows = kryspin_here.get(ORGANIZERS).context["cl"].result_list
    told = {row.name: (row.standing, row.events_count, row.members_count) for row in rows}
    assert told == {"WCS Budapest": ("approved", 2, 2), "Zouk": ("pending", 0, 1)}
    shown = kryspin_here.get(f"{ORGANIZERS}?standing=new").context["cl"].result_list
    assert [row.pk for row in shown] == [new.pk]
    assert "jonas@example.com" in text_of(kryspin_here.get(f"{ORGANIZERS}{organizer.pk}/change/"))


def test_people_are_found_by_name_organizer_and_role(kryspin_here, elena, crew, ana):
    def listed(query):
        return [it.name for it in kryspin_here.get(f"/admin/accounts/user/{query}").context["cl"].result_list]

    assert listed("?q=jonas") == ["Jonas"]
    assert listed("?q=Budapest") == ["Elena", "Jonas"]
    assert listed("?memberships__role__exact=crew") == ["Jonas"]
    assert "WCS Budapest (crew)" in text_of(kryspin_here.get("/admin/accounts/user/?q=jonas"))


@pytest.mark.parametrize("path", [APPLICATIONS, ORGANIZERS, "/admin/accounts/user/"])
def test_long_lists_cost_no_more_than_short_ones(kryspin_here, make_user, path):
    def make(n):
        user = make_user(f"no{n}")
        organizer = actions.apply_organizer(user, f"No {n}", "x").organizer
        Membership.objects.create(organizer=organizer, user=User.objects.order_by("pk").first(), role="crew")

    def count():
        with CaptureQueriesContext(connection) as queries:
            kryspin_here.get(path)
        return len(queries)

    make(0)
    before = count()
    for n in range(1, 8):
        make(n)
    assert count() == before


def test_nobody_else_gets_in(client, elena, applications):
    client.force_login(elena)
    for path in (APPLICATIONS, ORGANIZERS):
        assert client.get(path).status_code == 302
    act(client, APPLICATIONS, "approve", applications)
    assert statuses() == ["pending", "pending"]

"""Becoming an organizer: apply, wait, be rejected, apply again; drafts only until then."""

import re
import threading

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import actions
from accounts.models import Membership, Organizer, OrganizerApplication
from events.models import Event
from pika.jobs import actions as jobs
from pika.jobs.models import Job

pytestmark = pytest.mark.django_db
SAID = {"name": "WCS Budapest", "about": "300 dancers, four floors, every March.", "link": "wcs.example/2027"}


@pytest.fixture
def elena_here(client, elena):
    client.force_login(elena)
    return client


def text_of(response):
    return " ".join(response.content.decode().split())


def test_applying_makes_an_organizer_its_owner_and_a_pending_application(elena_here, elena):
    answer = elena_here.post("/organize/apply", SAID)
    assert (answer.status_code, answer["Location"]) == (302, "/organize/wcs-budapest/")
    organizer = Organizer.objects.get()
    assert (organizer.name, organizer.approved_at, organizer.standing) == ("WCS Budapest", None, "pending")
    assert list(organizer.memberships.values_list("user", "role")) == [(elena.pk, "owner")]
    application = organizer.applications.get()
    said = (application.applicant, application.about, application.link, application.status)
    assert said == (elena, SAID["about"], "https://wcs.example/2027", "pending")
    assert "Waiting for approval" in text_of(elena_here.get("/organize/"))
    assert "Waiting for approval" in text_of(elena_here.get("/organize/wcs-budapest/"))


def test_a_double_click_applies_once(elena_here):
    answers = [elena_here.post("/organize/apply", SAID)["Location"] for _ in range(2)]
    assert answers == ["/organize/wcs-budapest/"] * 2
    assert (Organizer.objects.count(), OrganizerApplication.objects.count(), Membership.objects.count()) == (1, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_moment_apply_once(elena):
    start = threading.Barrier(2)
    made = []

    def click():
        start.wait()
        made.append(actions.apply_organizer(elena, "WCS Budapest", "Dancing").pk)
        connection.close()

    threads = [threading.Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (Organizer.objects.count(), made) == (1, [OrganizerApplication.objects.get().pk] * 2)


def test_while_one_application_is_read_there_is_no_other(elena_here):
    elena_here.post("/organize/apply", SAID)
    answer = elena_here.post("/organize/apply", SAID | {"name": "Lindy Loft"}, follow=True)
    assert answer.redirect_chain == [("/organize/wcs-budapest/", 302)]
    assert "One at a time" in text_of(answer)
    assert list(Organizer.objects.values_list("name", flat=True)) == ["WCS Budapest"]
    assert "/organize/apply" not in elena_here.get("/organize/").content.decode()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "What is your organization called?"),
        ("name", "x" * 121, "Ensure this value has at most 120 characters (it has 121)."),
        ("about", "  ", "Tell us a little: we decide by it."),
        ("about", "x" * 2001, "Ensure this value has at most 2000 characters (it has 2001)."),
        ("link", "javascript:alert(1)", "This is no web address. Like https://wcs.example"),
        ("link", "ftp://wcs.example", "This is no web address. Like https://wcs.example"),
    ],
)
def test_what_is_wrong_is_said_by_the_field_and_what_was_typed_is_kept(elena_here, field, value, words):
    answer = elena_here.post("/organize/apply", SAID | {field: value})
    assert answer.status_code == 400
    assert dict(answer.context["form"].errors.items()) == {field: [words]}
    assert f'id="id_{field}_said">{words}' in text_of(answer)
    assert "every March." in text_of(answer) or field == "about"
    assert not Organizer.objects.exists()


def test_a_name_is_one_line_however_it_was_pasted(elena_here):
    elena_here.post("/organize/apply", SAID | {"name": "  WCS\r\nBudapest  "})
    assert Organizer.objects.get().name == "WCS Budapest"


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Żółć & Söhne", r"zoc-sohne"), ("東京", r"[a-z0-9]{6}"), ("Apply", r"apply-[a-z0-9]{5}"), ("E", r"e-.{5}")],
)
def test_every_name_gets_an_address_of_its_own(elena, name, slug):
    assert re.fullmatch(slug, actions.apply_organizer(elena, name, "Dancing").organizer.slug)


def test_the_same_name_twice_gets_two_addresses(elena, ana):
    first, second = (actions.apply_organizer(user, "WCS Budapest", "Dancing").organizer.slug for user in (elena, ana))
    assert first == "wcs-budapest"
    assert second.startswith("wcs-budapest-") and len(second) == len("wcs-budapest-") + 5


def test_who_was_rejected_sees_why_and_applies_again_with_the_same_organizer(elena_here, elena, kryspin):
    application = actions.apply_organizer(elena, "WCS Budapest", "Dancing")
    assert actions.reject(application, kryspin, "http://pika.test", "Which hotel is it?")
    page = text_of(elena_here.get("/organize/"))
    assert "Not approved" in page and "Which hotel is it?" in page and "/organize/wcs-budapest/apply" in page
    form = elena_here.get("/organize/wcs-budapest/apply").context["form"]
    assert form.initial == {"name": "WCS Budapest", "about": "Dancing", "link": ""}
    for _ in range(2):
        elena_here.post("/organize/wcs-budapest/apply", SAID | {"about": "Dancing at Hotel Gellért"})
    assert Organizer.objects.get().standing == "pending"
    assert list(OrganizerApplication.objects.values_list("status", "about")) == [
        ("pending", "Dancing at Hotel Gellért"),
        ("rejected", "Dancing"),
    ]


def test_who_is_approved_already_cannot_apply_again(elena_here, organizer):
    assert elena_here.get("/organize/wcs-budapest/apply").status_code == 302
    answer = elena_here.post("/organize/wcs-budapest/apply", SAID)
    assert (answer.status_code, answer.context["form"].non_field_errors()) == (400, ["You may run events already."])
    assert not OrganizerApplication.objects.exists()


def test_many_applications_a_day_are_enough(elena, kryspin):
    first = actions.apply_organizer(elena, "WCS Budapest", "Dancing")
    actions.reject(first, kryspin, "", "No")
    for _ in range(9):
        actions.reject(actions.apply_organizer(elena, "WCS", "Dancing", "", first.organizer), kryspin, "", "No")
    with pytest.raises(actions.Problem, match="Try again tomorrow"):
        actions.apply_organizer(elena, "WCS", "Dancing", "", first.organizer)


def test_before_approval_there_are_drafts_only(client, elena, token_of, kryspin):
    application = actions.apply_organizer(elena, "WCS Budapest", "Dancing")
    event = {
        "organizerId": "wcs-budapest",
        "name": "Spring",
        "timeZone": "Europe/Budapest",
        "startsOn": "2027-03-26",
        "endsOn": "2027-03-28",
    }

    def make(publish):
        headers = {"Authorization": f"Bearer {token_of(elena)}"}
        body = event | {"publish": publish}
        return client.post("/api/v1/events", body, content_type="application/json", headers=headers)

    refused = make(publish=True)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_approved")
    assert make(publish=False).status_code == 201
    assert (Event.objects.get().status, Event.objects.public().count()) == ("draft", 0)
    actions.approve(application, kryspin, "")
    assert make(publish=True).status_code == 201
    assert Event.objects.public().count() == 1


def test_the_applicant_is_told_by_mail_also_when_the_mail_server_was_away(elena, kryspin, settings, monkeypatch):
    application = actions.apply_organizer(elena, "WCS <Budapest>", "Dancing")
    settings.EMAIL_BACKEND = "no.such.Backend"
    assert actions.approve(application, kryspin, "http://pika.test")
    assert jobs.run_due() == 1
    assert Organizer.objects.get().is_approved, "a mail that fails breaks nothing"
    job = Job.objects.get(kind="mail_decision")
    assert (job.state, job.attempts, len(mail.outbox)) == ("queued", 1, 0)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    jobs.hasten("mail_decision", job.key)
    assert jobs.run_due() == 1
    told = mail.outbox[0]
    assert (told.to, told.subject) == (["elena@example.com"], "WCS <Budapest> is approved on Pika!")
    assert "http://pika.test/organize/wcs-budapest/" in told.body


def test_the_reason_is_in_the_mail_as_it_was_written(elena, kryspin):
    application = actions.apply_organizer(elena, "WCS Budapest", "Dancing")
    actions.reject(application, kryspin, "http://pika.test", "Who's running it?\nNo link & no hotel.")
    jobs.run_due()
    assert mail.outbox[0].subject == "WCS Budapest was not approved on Pika!"
    assert "Who's running it?\nNo link & no hotel." in mail.outbox[0].body


def test_a_list_of_many_organizers_costs_no_more_than_one(elena_here, elena, django_assert_num_queries):
    def make(n):
        organizer = Organizer.objects.create(name=f"No {n}", slug=f"no-{n}")
        Membership.objects.create(organizer=organizer, user=elena, role="owner")
        OrganizerApplication.objects.create(organizer=organizer, applicant=elena, about="x", status="rejected")

    make(0)
    with django_assert_num_queries(4):  # login twice, memberships, applications
        elena_here.get("/organize/")
    for n in range(1, 20):
        make(n)
    with django_assert_num_queries(4):
        assert len(elena_here.get("/organize/").context["memberships"]) == 20


def test_the_home_of_an_organizer_costs_the_same_with_one_and_with_many_events(
    elena_here, event, django_assert_num_queries
):
    def count():
        with CaptureQueriesContext(connection) as queries:
            elena_here.get("/organize/wcs-budapest/")
        return len(queries)

    before = count()
    for n in range(40):
        Event.objects.create(
            organizer=event.organizer, name=f"{n}", slug=f"no-{n}", starts_on=event.starts_on, ends_on=event.ends_on
        )
    assert count() == before


def test_a_strangers_organizer_does_not_exist(client, organizer, stranger):
    client.force_login(stranger)
    answers = {client.get(f"/organize/{slug}/").status_code for slug in ("wcs-budapest", "no-such")}
    assert answers == {404}

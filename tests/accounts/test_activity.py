"""Who did what, on what, when: written with every deed, never changed, and never in the way of one."""

import logging
from datetime import date, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import actions, activity, profile
from accounts.models import Activity, Membership
from stages.actions import events, sessions
from stages.actions.announcements import Draft, announce, cancel
from stages.actions.events import StageLine
from stages.models import Session

pytestmark = pytest.mark.django_db


@pytest.fixture
def deeds(django_capture_on_commit_callbacks):
    """`deeds(act)`: what was written of it, as people read it."""

    def of(act):
        before = list(Activity.objects.values_list("pk", flat=True))
        with django_capture_on_commit_callbacks(execute=True):
            act()
        rows = Activity.objects.exclude(pk__in=before).order_by("pk").select_related("actor")
        return [line.words for line in activity.lines(rows)]

    return of


# --- Written with every deed ------------------------------------------------------------------------------------------
def test_a_set_is_noted_from_its_beginning_to_its_end(marcus, stage, deeds):
    started = deeds(lambda: sessions.go_live(marcus, "Marcus", stage))
    assert started == ["Marcus went live on Main Floor · WCS Budapest"]
    assert deeds(lambda: sessions.go_live(marcus, code=Session.objects.get().code)) == [], "coming back is none"
    assert deeds(lambda: sessions.end_session(Session.objects.get())) == [
        "Marcus ended the set on Main Floor · WCS Budapest"
    ]
    assert deeds(lambda: sessions.end_session(Session.objects.get())) == []
    assert set(Activity.objects.values_list("organizer__slug", "event_slug")) == {("wcs-budapest", "wcs-budapest")}


def test_a_set_that_nobody_ended_is_not_somebodys_deed(marcus, stage, deeds):
    sessions.go_live(marcus, "Marcus", stage)
    assert deeds(lambda: sessions.end_session(Session.objects.get(), Session.Ended.STALE)) == []


def test_an_event_is_noted_from_draft_to_archive(elena, organizer, deeds):
    fields = {"name": "Spring", "starts_on": date(2027, 3, 26), "ends_on": date(2027, 3, 28), "time_zone": "UTC"}

    def twice(act):
        return deeds(lambda: [act(), act()])

    assert twice(lambda: events.create_weekend(organizer, fields, [StageLine("Main")], elena)) == [
        "Elena created the event Spring"
    ]
    event = organizer.events.get()
    line = StageLine("Main", event.stages.get().code)
    assert deeds(lambda: events.change_weekend(event, fields, [line], elena)) == ["Elena changed the event Spring"]
    assert twice(lambda: events.publish_event(event, elena)) == ["Elena published the event Spring"]
    assert twice(lambda: events.unpublish_event(event, elena)) == ["Elena made the event Spring a draft again"]
    events.publish_event(event, elena)
    assert twice(lambda: events.archive_event(event, elena)) == ["Elena archived the event Spring"]


def test_announcements_are_noted_by_their_words(elena, event, deeds):
    assert deeds(lambda: announce(event, elena, Draft("Soup is ready"))) == ["Elena announced: Soup is ready"]
    told = event.announcements.get()
    assert deeds(lambda: [cancel(told, elena), cancel(told, elena)]) == [
        "Elena cancelled the announcement: Soup is ready"
    ]


def test_an_organizers_way_is_noted(elena, kryspin, deeds):
    assert deeds(lambda: actions.apply_organizer(elena, "Zouk", "Summer")) == ["Elena applied to run events as Zouk"]
    asked = elena.applications.get()
    assert deeds(lambda: actions.approve(asked, kryspin, "")) == ["Kryspin approved Zouk"]
    its = asked.organizer
    assert deeds(lambda: [actions.suspend(its, "x", kryspin), actions.suspend(its, "x", kryspin)]) == [
        "Kryspin suspended Zouk"
    ]
    assert deeds(lambda: actions.lift(its, kryspin)) == ["Kryspin lifted the suspension of Zouk"]
    again = actions.apply_organizer(elena, "Blues", "Winter")
    assert deeds(lambda: actions.reject(again, kryspin, "", "No")) == ["Kryspin did not approve Blues"]


def test_members_come_and_go_and_their_names_are_those_of_today(elena, organizer, ana, deeds):
    invitation = actions.invite(organizer, elena, Membership.Role.CREW, "For Ana")[0]
    assert deeds(lambda: actions.join(ana, invitation)) == ["Ana joined as Crew"]
    member = ana.memberships.get()
    assert deeds(lambda: actions.change_role(member, Membership.Role.MANAGER, elena)) == [
        "Elena changed the role of Ana"
    ]
    profile.rename(ana, "DJ Ana")
    rows = Activity.objects.filter(verb="change_role").select_related("actor")
    assert [line.words for line in activity.lines(rows)] == ["Elena changed the role of DJ Ana"]
    assert deeds(lambda: actions.remove_member(member, elena)) == ["Elena removed DJ Ana"]


def test_programs_and_the_profile_are_noted(elena, deeds):
    token = actions.make_token(elena, "laptop")[0]
    assert deeds(lambda: [actions.revoke_token(token), actions.revoke_token(token)]) == [
        "Elena logged out the program laptop"
    ]
    assert deeds(lambda: [profile.become_dj(elena), profile.become_dj(elena)]) == ["Elena became a DJ"]
    assert deeds(lambda: profile.stop_being_dj(elena)) == ["Elena stopped being a DJ"]
    assert deeds(lambda: profile.save_settings(elena, theme="dark")) == ["Elena changed the settings"]


def test_a_deed_that_was_taken_back_is_not_noted(elena, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True), pytest.raises(RuntimeError), transaction.atomic():
        profile.become_dj(elena)
        raise RuntimeError
    assert not Activity.objects.exists()


def test_every_verb_has_words_with_who(elena):
    for verb, words in activity.VERBS.items():
        said = str(words).format(who="Elena", what="this")
        assert said.startswith("Elena "), verb
        assert len(verb) <= 40


# --- Never changed ----------------------------------------------------------------------------------------------------
def test_the_log_is_append_only(elena):
    row = Activity.objects.create(actor=elena, verb="rename", target="x")
    row.target = "y"
    for change in (
        row.save,
        row.delete,
        lambda: Activity.objects.update(target="y"),
        lambda: Activity.objects.update(actor=elena),
        lambda: Activity.objects.bulk_update([row], ["target"]),
        lambda: Activity.objects.filter(pk=row.pk).delete(),
        lambda: elena.activities.all().delete(),
    ):
        with pytest.raises(TypeError, match="append-only"), transaction.atomic():
            change()
    assert list(Activity.objects.values_list("verb", "target")) == [("rename", "x")]


def test_the_admin_only_reads_it(client, kryspin, elena):
    client.force_login(kryspin)
    row = Activity.objects.create(actor=elena, verb="announce", target="Soup")
    assert "Soup" in client.get("/admin/accounts/activity/").content.decode()
    page = client.get(f"/admin/accounts/activity/{row.pk}/change/")
    assert (page.status_code, 'name="_save"' in page.content.decode()) == (200, False)
    ways = (f"{row.pk}/change/", f"{row.pk}/delete/", "add/")
    assert [client.post(f"/admin/accounts/activity/{way}", {"post": "yes"}).status_code for way in ways] == [403] * 3
    assert client.get("/admin/accounts/loginevent/").status_code == 200
    assert client.post("/admin/accounts/loginevent/add/").status_code == 403


# --- Never in the way -------------------------------------------------------------------------------------------------
@pytest.fixture
def without_log(transactional_db):
    """The table is somewhere else."""
    rename = "ALTER TABLE {} RENAME TO {}"
    with connection.cursor() as cursor:
        cursor.execute(rename.format("accounts_activity", "pulled_plug"))
    yield
    with connection.cursor() as cursor:
        cursor.execute(rename.format("pulled_plug", "accounts_activity"))


def test_deeds_are_done_when_the_log_is_broken(without_log, marcus, stage, elena, caplog):
    with caplog.at_level(logging.ERROR):
        session, is_new = sessions.go_live(marcus, "Marcus", stage)
        sessions.end_session(session)
        profile.become_dj(elena)
        announce(stage.event, elena, Draft("Soup"))
    session.refresh_from_db()
    elena.refresh_from_db()
    assert (is_new, session.is_live, elena.is_dj, stage.event.announcements.count()) == (True, False, True, 1)
    assert caplog.text.count("could not note") == 4


def test_an_unknown_verb_is_logged_and_breaks_nothing(elena, deeds, caplog):
    assert deeds(lambda: activity.note(elena, "juggle", "x" * 500)) == ["Elena: juggle"]
    assert "unknown verb juggle" in caplog.text
    assert len(Activity.objects.get().target) == 200


# --- The pages --------------------------------------------------------------------------------------------------------
@pytest.fixture
def rows(elena, organizer, event, marcus):
    now = timezone.now()

    def row(actor, verb, target, days, **more):
        return Activity.objects.create(
            actor=actor, verb=verb, target=target, done_at=now - timedelta(days=days), **more
        )

    ours = {"organizer": organizer, "event_slug": event.slug}
    return [
        row(elena, "rename", "", 0),
        row(elena, "announce", "Soup", 1, **ours),
        row(elena, "announce", "Cake", 5, organizer=organizer, event_slug="another"),
        row(marcus, "go_live", "Main Floor", 2, **ours),
    ]


def test_mine_are_mine_and_can_be_filtered(client, elena, rows):
    client.force_login(elena)

    def shown(query=""):
        answer = client.get(f"/me/activity{query}")
        return answer.status_code, [line.words for line in answer.context["lines"]]

    soup, cake, name = "Elena announced: Soup", "Elena announced: Cake", "Elena chose another name"
    assert shown() == (200, [name, soup, cake])
    assert shown("?verb=announce") == (200, [soup, cake])
    since = (timezone.now() - timedelta(days=3)).date()
    assert shown(f"?since={since}&verb=announce") == (200, [soup])
    assert shown(f"?until={since}") == (200, [cake])
    assert shown("?since=yesterday")[0] == 422
    assert shown("?verb=nonsense")[0] == 422
    assert "This is no day. Like 2026-11-21" in client.get("/me/activity?since=yesterday").content.decode()


def test_an_organizers_is_for_owners_and_managers(client, elena, crew, stranger, rows, organizer):
    address = f"/organize/{organizer.slug}/activity"
    client.force_login(elena)
    answer = client.get(address)
    assert [line.words for line in answer.context["lines"]] == [
        "Elena announced: Soup",
        "Marcus went live on Main Floor",
        "Elena announced: Cake",
    ]
    assert [line.words for line in client.get(f"{address}?event=wcs-budapest").context["lines"]] == [
        "Elena announced: Soup",
        "Marcus went live on Main Floor",
    ]
    for user in (crew, stranger):
        client.force_login(user)
        assert client.get(address).status_code == 404
    Membership.objects.filter(user=crew).update(role="manager")
    client.force_login(crew)
    assert client.get(address).status_code == 200


def test_ten_thousand_deeds_cost_as_many_queries_as_three(client, elena, rows):
    client.force_login(elena)

    def queries(query=""):
        with CaptureQueriesContext(connection) as asked:
            answer = client.get(f"/me/activity{query}")
        assert len(answer.context["lines"]) <= 50
        return len(asked)

    Activity.objects.create(actor=elena, verb="change_role", target=f"@{elena.pk}")
    few = queries()
    Activity.objects.bulk_create(
        Activity(actor=elena, verb="change_role", target=f"@{elena.pk}") for _ in range(10_000)
    )
    assert (queries(), queries("?page=200"), queries("?page=nonsense")) == (few, few, few)


def test_pages_keep_their_filter(client, elena, rows):
    client.force_login(elena)
    Activity.objects.bulk_create(Activity(actor=elena, verb="rename") for _ in range(60))
    assert "?verb=rename&amp;page=2" in client.get("/me/activity?verb=rename").content.decode()


def test_words_of_others_are_shown_as_words(client, elena):
    client.force_login(elena)
    Activity.objects.create(actor=elena, verb="announce", target="<script>{who} {0} %s</script>")
    assert "&lt;script&gt;{who} {0} %s&lt;/script&gt;" in client.get("/me/activity").content.decode()

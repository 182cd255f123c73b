"""An account goes: nothing is left that names its person, and what others count on is still there."""

from datetime import date, timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.sessions.models import Session as BrowserSession
from django.db import connection
from django.utils import timezone

from accounts import actions, personal, profile
from accounts.access import guest_key, guest_of
from accounts.actions import make_token, new_guest_secret
from accounts.activity import note
from accounts.claim import claim
from accounts.deletion import delete_account, why_not
from accounts.models import (
    Activity,
    ApiToken,
    Guest,
    Invitation,
    Letter,
    LoginEvent,
    Membership,
    Organizer,
    PushMessage,
    PushSubscription,
    User,
    UserSettings,
)
from events.models import Mute
from pika.errors import Problem
from stages.actions.sessions import go_live
from stages.models import Announcement, Follow, Play, Poll, PollVote, Release, Session, Slot, SlotEdit, Star, Visit
from tests.conftest import PASSWORD, Browser
from tracks.models import Like

pytestmark = pytest.mark.django_db
EMAIL, NAME, NOTE = "sarah.blum@example.com", "Sarah Blüm", "with Tom, in the blue dress"


@pytest.fixture
def sarah(make_user):
    user = make_user("sarah")
    user.email, user.name, user.is_dj = EMAIL, NAME, True
    user.save()
    user.emailaddress_set.update(email=EMAIL)
    return user


@pytest.fixture
def admin_here(kryspin):
    """Kryspin in the admin, in a browser of his own."""
    browser = Browser()
    browser.force_login(kryspin)
    return browser


@pytest.fixture
def phone(sarah):
    """Sarah's phone: its key."""
    key = guest_key(new_guest_secret())
    claim(sarah, key)
    return key


@pytest.fixture
def song(marcus, stage):
    now = timezone.now()
    session = Session.objects.create(code="HIS", dj=marcus, dj_name="DJ Marcus", stage=stage, ended_at=now)
    return Play.objects.create(session=session, title="Song", played_at=now, published_at=now)


@pytest.fixture
def everywhere(sarah, phone, song, stage, elena, organizer, kryspin, client):
    """She danced, played, helped and applied: there is hardly a table without her."""
    now, home = timezone.now(), guest_of(phone)
    soon = {"starts_at": now, "ends_at": now + timedelta(hours=1)}
    set_ = Session.objects.create(code="HERS", dj=sarah, dj_name=f"DJ {NAME}", stage=stage, ended_at=now, note=NOTE)
    Play.objects.create(session=set_, title="Hers", played_at=now, published_at=now)
    poll = Poll.objects.create(session=set_, question=f"More {NAME}?", options=[NAME, "No"], ends_at=now, ended_at=now)
    Announcement.objects.create(session=set_, author=sarah, message=f"{NAME} says hello", ends_at=now)
    Announcement.objects.create(event=stage.event, author=sarah, message=f"Write to {EMAIL}", ends_at=now)
    slot = Slot.objects.create(stage=stage, dj=sarah, dj_name=f"DJ {NAME}", title=f"Blues by {NAME}", **soon)
    SlotEdit.objects.create(event=stage.event, slot=slot, stage=stage, dj=sarah, dj_name=NAME, edited_by=sarah, **soon)
    told = {"slotId": slot.code, "change": "new", "from": None, "to": {"djName": f"DJ {NAME}", "title": ""}}
    Release.objects.create(event=stage.event, changes=[told], published_by=sarah)
    PushMessage.objects.create(tag="x", title=f"DJ {NAME} at 22:00", body=f"new: {NAME}", url="/", ttl=60)
    Like.objects.create(guest=home, play=song, note=NOTE)
    PollVote.objects.create(guest=home, poll=poll, option=0)
    Star.objects.create(guest=home, slot=slot)
    Follow.objects.create(guest=home, stage=stage)
    Visit.objects.create(guest=home, stage=stage, night_on=date(2026, 11, 21), first_at=now, last_at=now)
    Mute.objects.create(guest=home, event=stage.event)
    device = Guest.objects.get(key=phone)
    PushSubscription.objects.create(guest=home, device=device, endpoint="https://p.example/x", endpoint_hash="x")
    EmailAddress.objects.create(user=sarah, email="blum@elsewhere.example")
    Authenticator.objects.create(user=sarah, type="totp", data={"secret": "x", "name": NAME})
    Letter.objects.create(user=sarah, to=EMAIL, subject="Hello", text=NAME)
    Letter.objects.create(to=EMAIL, subject="You have an account", text="Hello")  # somebody signed up with her address
    profile.save_settings(sarah, language="de")
    client.force_login(sarah)
    LoginEvent.objects.create(user=sarah, device=NAME, guest=device, session_key=client.session.session_key)
    make_token(sarah, f"{NAME}'s laptop")
    member = Membership.objects.create(organizer=organizer, user=sarah, role="manager")
    actions.invite(organizer, sarah, Membership.Role.CREW)
    key = actions.invite(organizer, elena, Membership.Role.CREW, f"For {NAME}")[0]
    Invitation.objects.filter(pk=key.pk).update(used_by=sarah, used_at=now)
    applied = actions.apply_organizer(sarah, "Her own", f"I am {NAME}", "https://blum.example")
    Activity.objects.create(actor=sarah, verb="make_token", target=f"{NAME}'s laptop")
    Activity.objects.create(actor=sarah, verb="announce", target=f"Write to {EMAIL}", organizer=organizer)
    Activity.objects.create(actor=elena, verb="change_role", target=f"@{sarah.pk}", organizer=organizer)
    LogEntry.objects.log_actions(kryspin.pk, [sarah], CHANGE, change_message=[{"changed": {"fields": ["Name"]}}])
    LogEntry.objects.log_actions(kryspin.pk, [applied], CHANGE, change_message=[{"added": {"object": str(member)}}])
    return sarah


def places_with(words):
    """`table.column` of every table there is, of Django and of others, that holds one of the words."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            for column in connection.introspection.get_table_description(cursor, table):
                name = f'"{table}"."{column.name}"'
                for word in words:
                    cursor.execute(
                        f'SELECT COUNT(*) FROM "{table}" WHERE LOWER(CAST({name} AS TEXT)) LIKE %s', [f"%{word}%"]
                    )
                    found += [f"{table}.{column.name}"] if cursor.fetchone()[0] else []
    return sorted(set(found))


WORDS = [EMAIL, "blum@", "sarah blüm", "sarah bl_u00fcm", "blue dress", "blum.example"]


def test_nothing_is_left_that_names_her(everywhere):
    assert len(places_with(WORDS)) > 20, "she was hardly anywhere: this would prove nothing"
    delete_account(everywhere)
    assert places_with(WORDS) == []


def test_what_others_count_on_stays_and_names_nobody(everywhere, song, organizer, stage):
    delete_account(everywhere)
    assert list(song.likes.values_list("note", "guest__user")) == [("", None)]
    assert list(Session.objects.order_by("pk").values_list("dj_name", flat=True)) == ["DJ Marcus", "DJ"]
    assert list(Poll.objects.values_list("question", "options")) == [("More DJ?", ["DJ", "No"])]
    assert [poll.tally() for poll in Poll.objects.all()] == [[1, 0]]
    assert Play.objects.count() == 2
    assert list(Slot.objects.values_list("dj", "dj_name", "title")) == [(None, "DJ", "Blues by DJ")]
    assert [release.changes[0]["to"]["djName"] for release in Release.objects.all()] == ["DJ"]
    deeds = Activity.objects.filter(organizer=organizer).order_by("pk").values_list("actor__name", "verb", "target")
    assert list(deeds) == [(None, "announce", "Write to …"), ("Elena", "change_role", f"@{everywhere.pk}")]
    assert not Organizer.objects.filter(name="Her own").exists()
    assert list(organizer.memberships.values_list("user__name", flat=True)) == ["Elena"]
    assert not Invitation.objects.open().filter(created_by=everywhere).exists()


def test_the_account_is_a_tombstone_that_nobody_can_open(everywhere, client, phone):
    delete_account(everywhere)
    stone = User.objects.get(pk=everywhere.pk)
    assert (stone.name, stone.is_active, stone.is_dj, stone.has_usable_password()) == ("", False, False, False)
    assert stone.deleted_at
    assert stone.email.endswith("@deleted.invalid")
    assert str(stone) == "somebody who left"
    theirs = (ApiToken, LoginEvent, UserSettings, Letter, Authenticator, Membership)
    assert [model.objects.filter(user=stone).count() for model in theirs] == [0] * len(theirs)
    assert client.get("/me/profile").status_code == 302
    assert BrowserSession.objects.count() == 0
    assert guest_of(phone).user is None
    assert not guest_of(phone).likes.exists()


def test_she_can_register_again_with_the_same_address(everywhere):
    delete_account(everywhere)
    again = User.objects.create_user(EMAIL, PASSWORD, is_confirmed=True)
    assert (again.pk != everywhere.pk, EmailAddress.objects.get(email=EMAIL).user_id) == (True, again.pk)


def test_twice_is_once_and_of_a_failure_nothing_is_done(everywhere, monkeypatch):
    def fails(user):
        raise RuntimeError("pulled plug")

    monkeypatch.setattr(personal, "erasers", [*personal.erasers, fails])
    before = places_with(WORDS)
    with pytest.raises(RuntimeError):
        delete_account(everywhere)
    assert places_with(WORDS) == before
    monkeypatch.undo()
    delete_account(everywhere)
    email = User.objects.get(pk=everywhere.pk).email
    delete_account(everywhere)
    assert User.objects.get(pk=everywhere.pk).email == email


# --- What stands against it -------------------------------------------------------------------------------------
def test_not_while_live(sarah, stage):
    live = Session.objects.create(code="HERS", dj=sarah, dj_name="DJ Sarah", stage=stage)
    with pytest.raises(Problem, match="End your set first") as refused:
        delete_account(sarah)
    assert (refused.value.status, User.objects.get(pk=sarah.pk).email) == (409, EMAIL)
    live.ended_at = timezone.now()
    live.save()
    assert why_not(sarah) == []


def test_nobody_goes_live_on_what_was_known_of_the_account_before_it_went(sarah, stage):
    before = User.objects.get(pk=sarah.pk)
    delete_account(sarah)
    with pytest.raises(Problem, match="Please log in"):
        go_live(before, stage=stage)
    assert not Session.objects.filter(dj=sarah).exists()


def test_not_as_the_last_owner_of_what_others_need(elena, organizer, crew, make_user):
    assert "WCS Budapest" in why_not(elena)[0]
    Membership.objects.filter(user=crew).delete()
    assert why_not(elena) == []
    Membership.objects.create(organizer=organizer, user=make_user("jun"), role="owner")
    Membership.objects.create(organizer=organizer, user=crew, role="crew")
    assert why_not(elena) == []


def test_not_as_the_last_owner_of_an_event(elena, event):
    assert "last owner of “WCS Budapest”" in why_not(elena)[0]


def test_not_as_the_last_admin(kryspin, make_user):
    assert "last one who looks after this platform" in why_not(kryspin)[0]
    other = make_user("ivy")
    other.is_superuser = other.is_staff = True
    other.save()
    assert why_not(kryspin) == []


# --- The page ---------------------------------------------------------------------------------------------------
@pytest.fixture
def here(client, sarah):
    client.post("/accounts/login/", {"login": EMAIL, "password": PASSWORD})
    return client


def test_the_page_says_what_goes_and_what_stays_and_does_it(here, sarah):
    page = here.get("/me/delete").content.decode()
    assert ("What goes" in page, "What stays, without you" in page) == (True, True)
    answer = here.post("/me/delete", follow=True)
    assert "Your account is deleted" in answer.content.decode()
    assert User.objects.get(pk=sarah.pk).deleted_at
    assert here.get("/me/profile").status_code == 302


def test_who_logged_in_long_ago_is_asked_for_the_password_once(client, sarah):
    client.force_login(sarah)
    answer = client.post("/me/delete")
    assert answer.url.startswith("/accounts/reauthenticate/")
    assert User.objects.get(pk=sarah.pk).deleted_at is None
    client.post(answer.url, {"password": "a wrong password"})
    assert User.objects.get(pk=sarah.pk).deleted_at is None
    client.post(answer.url, {"password": PASSWORD})
    assert User.objects.get(pk=sarah.pk).deleted_at


def test_the_page_says_what_stands_against_it(here, sarah):
    Session.objects.create(code="HERS", dj=sarah, dj_name="DJ Sarah")
    page = here.get("/me/delete").content.decode()
    assert ("End your set first" in page, "Delete my account" in page) == (True, False)
    assert here.post("/me/delete").status_code == 409
    assert User.objects.get(pk=sarah.pk).email == EMAIL


# --- The platform's owner does the same -------------------------------------------------------------------------
def test_the_admin_deletes_by_the_same_action(everywhere, admin_here, song):
    answer = admin_here.post(f"/admin/accounts/user/{everywhere.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 302
    assert User.objects.get(pk=everywhere.pk).deleted_at
    assert (Session.objects.count(), song.likes.count(), places_with(WORDS)) == (2, 1, [])


def test_the_admin_deletes_several_and_is_told_what_stands_against_it(sarah, marcus, admin_here):
    chosen = {"action": "delete_selected", "_selected_action": [sarah.pk, marcus.pk]}
    Session.objects.create(code="HIS", dj=marcus, dj_name="DJ Marcus")
    page = admin_here.post("/admin/accounts/user/", chosen).content.decode()
    assert "End your set first" in page
    admin_here.post("/admin/accounts/user/", chosen | {"post": "yes"})
    assert not User.objects.filter(deleted_at__isnull=False).exists()
    Session.objects.update(ended_at=timezone.now())
    admin_here.post("/admin/accounts/user/", chosen | {"post": "yes"})
    assert User.objects.filter(deleted_at__isnull=False).count() == 2


def test_a_short_name_is_in_too_many_words_to_be_looked_for(make_user, stage):
    al = make_user("al")
    announced = Announcement.objects.create(event=stage.event, author=al, message="Al dente", ends_at=timezone.now())
    delete_account(al)
    announced.refresh_from_db()
    assert announced.message == "Al dente"


def test_a_name_within_another_word_stays(make_user, stage):
    ann = make_user("ann")
    told = Announcement.objects.create(
        event=stage.event, author=ann, message="Ann: Annika plays", ends_at=timezone.now()
    )
    delete_account(ann)
    told.refresh_from_db()
    assert told.message == "DJ: Annika plays"


def test_what_is_noted_of_nobody_is_not_written(sarah, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        note(None, "rename")
    assert not Activity.objects.exists()

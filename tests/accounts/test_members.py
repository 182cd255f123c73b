"""Who works for an organizer: invitations by link, roles, leaving; and never without an owner."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import actions
from accounts.access import digest, manages, role_of
from accounts.models import Invitation, Membership
from pika.errors import Problem
from tests.cast import code_for

pytestmark = pytest.mark.django_db
MEMBERS = "/organize/wcs-budapest/members"


@pytest.fixture
def elena_here(client, elena, organizer):
    client.force_login(elena)
    return client


@pytest.fixture
def link(organizer, elena):
    """`link("manager")`: (the invitation, its path)."""

    def make(role="manager"):
        invitation, secret = actions.invite(organizer, elena, role)
        return invitation, f"/organize/join/{secret}"

    return make


def text_of(response):
    return " ".join(response.content.decode().split())


def roles(organizer):
    return dict(organizer.memberships.values_list("user__name", "role"))


def test_an_owner_makes_a_link_that_is_shown_once(elena_here, organizer, ana):
    page = elena_here.post(MEMBERS, {"role": "manager", "note": "Ana"})
    address = page.context["link"]
    assert page.status_code == 200 and address in text_of(page)
    secret = address.rpartition("/")[2]
    invitation = Invitation.objects.get()
    assert (invitation.key, invitation.role, invitation.note) == (digest(secret), "manager", "Ana")
    again = text_of(elena_here.get(MEMBERS))
    assert secret not in again and "Ana" in again
    elena_here.force_login(ana)
    asked = elena_here.get(f"/organize/join/{secret}")
    assert "Elena invites you. You would be: <strong>Manager</strong>." in text_of(asked)
    assert roles(organizer) == {"Elena": "owner"}, "looking is not joining"
    assert elena_here.post(f"/organize/join/{secret}")["Location"] == "/organize/wcs-budapest/"
    assert roles(organizer) == {"Elena": "owner", "Ana": "manager"}


def test_whoever_has_no_account_signs_up_and_comes_back(client, link, organizer):
    _, path = link("crew")
    page = client.get(path).content.decode()
    assert f"/accounts/signup/?next={path}" in page and f"/accounts/login/?next={path}" in page
    assert client.post(path)["Location"] == f"/accounts/login/?next={path}"
    new = {"email": "tom@example.com", "password1": "four words are easy", "next": path}
    client.post("/accounts/signup/", new)
    confirmed = client.post("/accounts/confirm-email/", {"code": code_for("tom@example.com")})
    assert confirmed["Location"] == path
    client.post(path)
    assert dict(organizer.memberships.values_list("user__email", "role"))["tom@example.com"] == "crew"


def test_an_invitation_is_for_one_person(client, link, organizer, ana, marcus):
    _, path = link()
    for user in (ana, ana, marcus):
        client.force_login(user)
        client.post(path)
    assert roles(organizer) == {"Elena": "owner", "Ana": "manager"}
    page = text_of(client.get(path))
    assert "This invitation was used already." in page and "Join" not in page
    client.force_login(ana)
    assert "You are in" in text_of(client.get(path))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_use_a_link_at_once_one_joins_and_the_other_is_told(link, organizer, ana, marcus):
    invitation, _ = link()
    start, said = threading.Barrier(2), []

    def use(user):
        start.wait()
        try:
            actions.join(user, Invitation.objects.get(pk=invitation.pk))
            said.append("in")
        except Problem as problem:
            said.append(problem.code)
        connection.close()

    threads = [threading.Thread(target=use, args=[user]) for user in (ana, marcus)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["in", "invitation_over"]
    assert sorted(roles(organizer).values()) == ["manager", "owner"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"expires_at": timezone.now() - timedelta(minutes=1)}, "This invitation is too old."),
        ({"revoked_at": timezone.now()}, "This invitation was taken back."),
    ],
)
def test_a_link_that_is_over_says_why(client, link, organizer, ana, change, words):
    _, path = link()
    Invitation.objects.update(**change)
    client.force_login(ana)
    answer = client.post(path, follow=True)
    assert answer.redirect_chain == [(path, 302)] and words in text_of(answer)
    assert roles(organizer) == {"Elena": "owner"}


def test_a_link_that_nobody_made_does_not_exist(client, db):
    assert client.get("/organize/join/nothing").status_code == 404


def test_joining_lifts_crew_and_never_lowers_anybody(client, link, organizer, crew, elena):
    higher, path = link("manager")
    client.force_login(elena)
    client.post(path)
    higher.refresh_from_db()
    assert higher.used_at is None, "an owner who tries the link does not use it up"
    client.force_login(crew)
    client.post(path)
    assert roles(organizer) == {"Elena": "owner", "Jonas": "manager"}
    _, lower = link("crew")
    client.post(lower)
    assert roles(organizer) == {"Elena": "owner", "Jonas": "manager"}


def test_an_old_link_brings_back_nobody_and_no_role(client, link, organizer, ana):
    _, path = link("manager")
    client.force_login(ana)
    client.post(path)
    ana.memberships.update(role="crew")
    client.post(path)
    assert roles(organizer) == {"Elena": "owner", "Ana": "crew"}
    ana.memberships.all().delete()
    client.post(path)
    assert roles(organizer) == {"Elena": "owner"}


def test_taking_back_an_invitation_ends_its_link(elena_here, link, ana):
    invitation, path = link()
    assert "Take back" in text_of(elena_here.get(MEMBERS))
    for _ in range(2):
        assert elena_here.post(f"{MEMBERS}/revoke", {"invitation": invitation.pk}).status_code == 302
    elena_here.force_login(ana)
    assert "taken back" in text_of(elena_here.get(path))


def test_another_organizers_invitation_and_member_do_not_exist(elena_here, stranger, organizer):
    other = stranger.memberships.get()
    theirs, _ = actions.invite(other.organizer, stranger, "crew")
    assert elena_here.post(f"{MEMBERS}/revoke", {"invitation": theirs.pk}).status_code == 404
    assert elena_here.post(f"{MEMBERS}/remove", {"member": other.pk}).status_code == 404
    assert elena_here.post(f"{MEMBERS}/change", {"member": other.pk, "role": "crew"}).status_code == 404
    for rubbish in ("", "abc", "²", "9" * 40):
        assert elena_here.post(f"{MEMBERS}/remove", {"member": rubbish}).status_code == 404
    theirs.refresh_from_db()
    assert (theirs.revoked_at, other.organizer.memberships.get()) == (None, other)


def test_an_owner_changes_and_removes(elena_here, organizer, crew):
    member = crew.memberships.get()
    page = elena_here.post(f"{MEMBERS}/change", {"member": member.pk, "role": "manager"}, follow=True)
    assert "Saved: Jonas." in text_of(page)
    assert manages(crew, organizer.pk)
    page = elena_here.post(f"{MEMBERS}/change", {"member": member.pk, "role": "king"}, follow=True)
    assert "Choose owner, manager or crew." in text_of(page)
    elena_here.post(f"{MEMBERS}/remove", {"member": member.pk})
    assert (roles(organizer), role_of(crew, organizer.pk)) == ({"Elena": "owner"}, None)


def test_the_last_owner_stays_one(elena_here, organizer, elena, crew):
    me = elena.memberships.get()
    for path, more in ((f"{MEMBERS}/change", {"role": "manager"}), (f"{MEMBERS}/remove", {})):
        page = text_of(elena_here.post(path, {"member": me.pk, **more}, follow=True))
        assert "last owner: make somebody else an owner first" in page
    assert roles(organizer) == {"Elena": "owner", "Jonas": "crew"}
    crew.memberships.update(role="owner")
    answer = elena_here.post(f"{MEMBERS}/remove", {"member": me.pk}, follow=True)
    assert answer.redirect_chain == [("/organize/", 302)]
    assert roles(organizer) == {"Jonas": "owner"}


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_leave_at_once_do_not_both_leave(organizer, elena, ana):
    Membership.objects.create(organizer=organizer, user=ana, role="owner")
    start, said = threading.Barrier(2), []

    def leave(member):
        start.wait()
        try:
            actions.remove_member(member)
            said.append("left")
        except Problem as problem:
            said.append(problem.code)
        connection.close()

    threads = [threading.Thread(target=leave, args=[member]) for member in organizer.memberships.all()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sorted(said), list(roles(organizer).values())) == (["last_owner", "left"], ["owner"])


def test_who_is_no_owner_any_more_leaves_no_open_links(organizer, elena, ana):
    Membership.objects.create(organizer=organizer, user=ana, role="owner")
    actions.invite(organizer, ana, "owner")
    hers, _ = actions.invite(organizer, elena, "crew")
    actions.change_role(ana.memberships.get(), Membership.Role.CREW)
    assert list(organizer.invitations.open()) == [hers]


@pytest.mark.parametrize("role", ["manager", "crew"])
def test_managers_and_crew_see_the_members_and_may_only_leave(client, organizer, crew, role):
    crew.memberships.update(role=role)
    elenas = organizer.memberships.get(role="owner")
    client.force_login(crew)
    page = client.get(MEMBERS)
    assert "Elena" in text_of(page)
    assert (page.context["is_owner"], "elena@example.com" in text_of(page)) == (False, False)
    assert client.post(MEMBERS, {"role": "owner"}).status_code == 404
    assert client.post(f"{MEMBERS}/change", {"member": elenas.pk, "role": "crew"}).status_code == 404
    assert client.post(f"{MEMBERS}/remove", {"member": elenas.pk}).status_code == 404
    assert client.post(f"{MEMBERS}/revoke", {"invitation": 1}).status_code == 404
    assert (roles(organizer), Invitation.objects.count()) == ({"Elena": "owner", "Jonas": role}, 0)
    client.post(f"{MEMBERS}/remove", {"member": crew.memberships.get().pk})
    assert roles(organizer) == {"Elena": "owner"}


def test_a_hundred_open_invitations_are_enough(elena_here, organizer, elena):
    for _ in range(actions.MOST_INVITATIONS):
        actions.invite(organizer, elena, "crew")
    answer = elena_here.post(MEMBERS, {"role": "crew", "note": "one more"})
    assert (answer.status_code, answer.context["link"]) == (400, "")
    assert "Take some back first" in text_of(answer)


def test_the_page_of_many_members_costs_no_more_than_that_of_one(elena_here, organizer, elena, make_user):
    def count():
        with CaptureQueriesContext(connection) as queries:
            elena_here.get(MEMBERS)
        return len(queries)

    actions.invite(organizer, elena, "crew")
    before = count()
    for n in range(12):
        Membership.objects.create(organizer=organizer, user=make_user(f"no{n}"), role="crew")
        actions.invite(organizer, elena, "crew")
    assert count() == before

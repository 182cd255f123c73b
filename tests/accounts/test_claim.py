"""What a device collected becomes its user's: whatever it is, in any order, once."""

import itertools
from datetime import timedelta

import pytest
from django.apps import apps
from django.utils import timezone

from accounts.access import guest_key, guest_of
from accounts.actions import new_guest_secret
from accounts.claim import belongings, claim, gather, let_go
from accounts.models import Guest, PushSubscription
from pika.errors import Problem
from stages.actions.floor import follow_all
from stages.models import Follow, Play, Session
from tracks.actions.likes import like
from tracks.models import Like

pytestmark = pytest.mark.django_db


@pytest.fixture
def sarah(make_user):
    return make_user("sarah")


@pytest.fixture
def songs(marcus, stage):
    session = Session.objects.create(code="SET", dj=marcus, dj_name="DJ Marcus", stage=stage)
    now = timezone.now()
    return [Play.objects.create(session=session, title=f"Song {n}", played_at=now, published_at=now) for n in range(7)]


def device():
    return guest_key(new_guest_secret())


def test_everything_that_hangs_on_a_guest_is_moved():
    """A table that is added later and belongs to a guest moves, too, or is named here with a reason."""
    hanging = {
        m._meta.label for m in apps.get_models() if any(f.related_model is Guest for f in m._meta.concrete_fields)
    }
    stay = {"accounts.Guest", "accounts.LoginEvent"}  # the guest itself; from which device somebody logged in
    assert {model._meta.label for model in belongings().values()} == hanging - stay


@pytest.mark.parametrize("order", itertools.permutations(range(3)))
def test_three_devices_in_any_order_and_twice_give_the_same(sarah, songs, order):
    liked = [songs[:5], songs[5:], songs[3:6]]
    devices = [device() for _ in liked]
    for key, theirs in zip(devices, liked, strict=True):
        for song in theirs:
            like(guest_of(key), song)
    claimed = [claim(sarah, devices[n]) for n in (*order, *order)]
    assert sorted(Like.objects.values_list("guest__user", "play__title")) == [(sarah.pk, f"Song {n}") for n in range(7)]
    assert sum(it.moved["likes"] for it in claimed) == 7
    assert sum(it.known["likes"] for it in claimed) == 3


def test_what_was_on_its_way_to_the_device_is_hers_though_she_signs_out(sarah, songs):
    phone = device()
    claim(sarah, phone)
    Like.objects.create(guest=Guest.objects.get(key=phone), play=songs[0])  # asked for before the claim, came after it
    let_go(phone)
    assert [its.guest.user for its in Like.objects.all()] == [sarah]


def test_what_a_claimed_device_does_later_is_its_users_until_it_is_let_go(sarah, songs):
    phone, tablet = device(), device()
    claim(sarah, phone)
    claim(sarah, tablet)
    assert (like(guest_of(phone), songs[0]), like(guest_of(tablet), songs[0])) == (True, False)
    let_go(phone)
    assert guest_of(phone).user is None
    assert like(guest_of(phone), songs[0]) is True


def test_a_device_of_somebody_else_is_refused_and_nothing_changes(sarah, marcus, songs):
    phone = device()
    like(guest_of(phone), songs[0])
    claim(marcus, phone)
    with pytest.raises(Problem) as refused:
        claim(sarah, phone)
    assert (refused.value.code, refused.value.status) == ("guest_of_another", 409)
    assert list(Like.objects.values_list("guest__user", flat=True)) == [marcus.pk]


def test_the_better_of_two_is_kept(sarah, songs):
    phone, tablet = device(), device()
    early = timezone.now() - timedelta(hours=1)
    Like.objects.create(guest=guest_of(phone), play=songs[0], note="with Tom")
    Like.objects.create(guest=guest_of(tablet), play=songs[0], liked_at=early, note="slow one")
    claim(sarah, phone)
    claim(sarah, tablet)
    assert list(Like.objects.values_list("liked_at", "note")) == [(early, "with Tom\nslow one")]


def test_two_devices_of_one_person_follow_as_one(sarah, stage):
    phone, tablet, now = device(), device(), timezone.now()
    claim(sarah, phone)
    follow_all({(phone, stage.code): now})
    follow_all({(tablet, stage.code): now - timedelta(hours=2)})
    claim(sarah, tablet)
    follow_all({(phone, stage.code): now, (tablet, stage.code): now + timedelta(hours=1)})
    spans = [(now - timedelta(hours=2), now + timedelta(hours=1))]
    assert list(Follow.objects.values_list("first_at", "last_at")) == spans


def test_what_came_to_the_device_while_it_was_claimed_is_gathered(sarah, songs):
    phone = device()
    before = guest_of(phone)
    claim(sarah, phone)
    like(before, songs[0])  # by a thread that had asked who it is a moment earlier
    gather(before.pk)
    assert list(Like.objects.values_list("guest__user", flat=True)) == [sarah.pk]


def test_signing_out_takes_the_devices_notifications_along(sarah):
    phone, tablet = device(), device()
    for name, key in (("a", phone), ("b", tablet)):
        claim(sarah, key)
        PushSubscription.objects.create(
            guest=guest_of(key), device=Guest.objects.get(key=key), endpoint=name, endpoint_hash=name
        )
    let_go(phone)
    assert list(PushSubscription.objects.values_list("endpoint", "guest__user")) == [("b", sarah.pk)]

"""Where a device can be reached, and whom a message would reach right now."""

from datetime import UTC, datetime, time

import pytest

from accounts.models import Guest, PushSubscription
from accounts.push import phones, push, remove_subscription, save_subscription, set_quiet_hours
from pika.errors import Problem
from pika.gateways import webpush
from tests.push.conftest import row_of

pytestmark = pytest.mark.django_db


def save(guest, phone, **more):
    its = {"endpoint": phone.endpoint, "p256dh": phone.p256dh, "auth": phone.auth, "vapid_key": webpush.server_key()}
    return save_subscription(guest, **(its | more))


def test_the_same_again_is_a_sign_of_life(guest, service):
    phone = service.phone()
    first, second = save(guest, phone), save(guest, phone)
    assert (first.pk, first.created_at) == (second.pk, second.created_at)
    assert second.renewed_at > first.renewed_at
    assert PushSubscription.objects.count() == 1


def test_a_subscription_moves_to_the_device_that_shows_it(guest, service):
    other = Guest.objects.create(key="b" * 64)
    phone = service.phone()
    save(guest, phone)
    save(other, phone)
    assert [row.guest_id for row in PushSubscription.objects.all()] == [other.pk]


def test_a_device_has_ten_at_most_and_the_one_silent_longest_goes(guest, service):
    made = [service.phone() for _ in range(10)]
    for phone in [*made, made[0], service.phone()]:
        save(guest, phone)
    assert PushSubscription.objects.count() == 10
    assert (row_of(made[0]) is not None, row_of(made[1])) == (True, None)


def test_another_key_and_bad_addresses_are_refused_and_nothing_is_saved(guest, service):
    phone = service.phone()
    for more, field, code in [
        ({"vapid_key": "B" * 87}, "vapidKey", "old_key"),
        ({"endpoint": "http://fcm.googleapis.com/x"}, "endpoint", "invalid"),
        ({"endpoint": "https://10.0.0.1/x"}, "endpoint", "invalid"),
        ({"p256dh": "x"}, "p256dh", "invalid"),
        ({"auth": "x"}, "auth", "invalid"),
    ]:
        with pytest.raises(Problem) as refused:
            save(guest, phone, **more)
        assert (refused.value.field, refused.value.code) == (field, code)
    assert PushSubscription.objects.count() == 0


def test_where_push_is_off_it_says_so(guest, service, settings):
    phone, settings.VAPID_SUB = service.phone(), ""
    with pytest.raises(Problem) as refused:
        save(guest, phone, vapid_key="")
    assert (refused.value.code, refused.value.status) == ("push_off", 503)


def test_unsubscribing_is_for_one_s_own_and_twice_is_once(guest, service):
    phone, other = service.phone(), Guest.objects.create(key="b" * 64)
    save(guest, phone)
    remove_subscription(other, phone.endpoint)
    assert row_of(phone) is not None
    remove_subscription(guest, phone.endpoint)
    remove_subscription(guest, phone.endpoint)
    assert row_of(phone) is None


# --- Quiet hours ------------------------------------------------------------------------------------------------------
def at(hour, minute=0, second=0, month=11):
    return datetime(2026, month, 21, hour, minute, second, 400, tzinfo=UTC)


def reached(when, is_urgent=False):
    return phones(Guest.objects.all(), is_urgent, when).count()


@pytest.mark.parametrize(
    ("starts", "ends", "zone", "when", "expected"),
    [
        (time(23), time(8), "Europe/Budapest", at(21, 59, 59), 1),  # 22:59:59 there
        (time(23), time(8), "Europe/Budapest", at(22), 0),
        (time(23), time(8), "Europe/Budapest", at(2), 0),
        (time(23), time(8), "Europe/Budapest", at(6, 59, 59), 0),
        (time(23), time(8), "Europe/Budapest", at(7), 1),
        (time(23), time(8), "Europe/Budapest", at(6, 30, month=7), 1),  # summer: 08:30 there
        (time(13), time(15), "Asia/Kolkata", at(7, 29), 1),
        (time(13), time(15), "Asia/Kolkata", at(7, 30), 0),
        (time(13), time(15), "Asia/Kolkata", at(9, 30), 1),
        (time(9), time(10), "", at(9, 30), 0),
        (None, None, "", at(9, 30), 1),
        (time(9), None, "UTC", at(9, 30), 1),
        (time(9), time(9), "UTC", at(9), 1),  # no time at all is no quiet
    ],
)
def test_quiet_hours_are_by_the_clock_where_one_is(guest, service, starts, ends, zone, when, expected):
    save(guest, service.phone())
    save(Guest.objects.create(key="b" * 64), service.phone())
    Guest.objects.filter(pk=guest.pk).update(quiet_starts_at=starts, quiet_ends_at=ends, quiet_zone=zone)
    assert reached(when) == 1 + expected
    assert reached(when, is_urgent=True) == 2


def test_only_the_asked_are_counted_and_each_phone_once(guest, service):
    other = Guest.objects.create(key="b" * 64)
    save(guest, service.phone())
    save(guest, service.phone())
    save(other, service.phone())
    mine = Guest.objects.filter(push_subscriptions__isnull=False, key=guest.key)  # twice in its own join
    assert phones(mine, False, at(12)).count() == 2
    assert phones(Guest.objects.none(), True, at(12)).count() == 0


def test_what_is_counted_is_what_is_sent(guest, service, work):
    asleep, awake = service.phone(), service.phone()
    save(guest, asleep)
    save(Guest.objects.create(key="b" * 64), awake)
    set_quiet_hours(guest, time(0), time(23, 59, 59), "UTC")
    its = {"title": "T", "body": "B", "url": "/", "ttl": 60}
    preview = phones(Guest.objects.all(), False, datetime.now(UTC)).count()
    message = push(Guest.objects.all(), tag="a", **its)
    work()
    assert (preview, message.phones, len(asleep.got), len(awake.got)) == (1, 1, 0, 1)
    push(Guest.objects.all(), tag="b", is_urgent=True, **its)
    work()
    assert (len(asleep.got), len(awake.got)) == (1, 2)


def test_the_number_of_questions_does_not_grow_with_the_guests(service, django_assert_num_queries):
    for number in range(60):
        guest = Guest.objects.create(key=f"{number:064}")
        save(guest, service.phone())
        set_quiet_hours(guest, time(1), time(2), ("Europe/Budapest", "Europe/Berlin")[number % 2])
    with django_assert_num_queries(2):
        assert reached(at(0, 30)) == 0

"""A message reaches every living phone once, whatever the push services say and whoever is killed."""

from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from accounts import delivery
from accounts import push as actions
from accounts.models import Guest, PushChunk, PushMessage, PushSubscription
from accounts.push import push
from pika.gateways import webpush
from pika.jobs.models import Job
from tests.push.conftest import row_of

pytestmark = pytest.mark.django_db


def announce(**more):
    its = {"title": "WCS Budapest", "body": "The buffet is open", "url": "/e/wcs-budapest", "tag": "a1", "ttl": 1800}
    return push(Guest.objects.all(), **(its | more))


def counts(message):
    message.refresh_from_db()
    return message.phones, message.served, message.gone, message.failed


def after(seconds):
    return time_machine.travel(timezone.now() + timedelta(seconds=seconds))


def test_everybody_gets_it_once_sealed_with_the_page_it_opens(subscribe, services, work):
    phones = [subscribe(at=services[n % 2]) for n in range(20)]
    message = announce(is_urgent=True)
    assert counts(message) == (20, 0, 0, 0)
    work()
    assert counts(message) == (20, 20, 0, 0)
    assert [len(phone.got) for phone in phones] == [1] * 20
    got = phones[0].got[0]
    assert got.message == {
        "title": "WCS Budapest",
        "body": "The buffet is open",
        "url": "/e/wcs-budapest",
        "tag": "a1",
        "at": int(message.created_at.timestamp() * 1000),
    }
    assert (got.urgency, 1700 < got.ttl <= 1800, got.topic) == ("high", True, message.topic)
    assert [phone.refused for phone in phones] == [[]] * 20


def test_how_it_was_sent_is_forgotten_after_a_week_and_what_it_said_after_a_year(subscribe, work):
    subscribe()
    old, older, new = (announce() for _ in range(3))
    work()
    for message, days in ((old, 8), (older, 366)):
        PushMessage.objects.filter(pk=message.pk).update(created_at=timezone.now() - timedelta(days=days))
    actions.forget_sent()
    assert set(PushMessage.objects.all()) == {old, new}
    assert [chunk.message for chunk in PushChunk.objects.all()] == [new]
    assert counts(old) == (1, 1, 0, 0)


def test_what_is_rolled_back_is_not_sent(subscribe, work):
    phone = subscribe()
    with pytest.raises(OSError), transaction.atomic():
        announce()
        raise OSError
    work()
    assert (phone.asked, PushMessage.objects.count(), PushChunk.objects.count()) == (0, 0, 0)


def test_who_subscribes_later_was_not_meant(subscribe, work):
    announce()
    late = subscribe()
    work()
    assert late.asked == 0


def test_the_same_tag_has_the_same_topic_so_that_a_phone_that_was_away_shows_one(subscribe, work):
    phone = subscribe()
    announce(body="20:00", tag="schedule")
    announce(body="20:20", tag="schedule")
    announce(body="Buffet", tag="a1")
    work()
    assert len(phone.got) == 3
    assert sorted(shown["body"] for shown in phone.shown) == ["20:20", "Buffet"]


# --- What push services answer --------------------------------------------------------------------------------
@pytest.mark.parametrize("status", [200, 201, 202])
def test_accepted_is_served(subscribe, work, status):
    subscribe(status)
    message = announce()
    work()
    assert counts(message) == (1, 1, 0, 0)


@pytest.mark.parametrize("status", [404, 410])
def test_a_dead_subscription_goes(subscribe, work, status):
    dead, living = subscribe(always=status), subscribe()
    message = announce()
    work()
    assert counts(message) == (2, 1, 1, 0)
    assert (row_of(dead), row_of(living) is not None) == (None, True)


def test_a_subscription_that_was_renewed_while_it_was_sent_stays_and_is_tried_again(subscribe, work):
    phone = subscribe(410)
    PushSubscription.objects.update(renewed_at=timezone.now() + timedelta(seconds=2))
    message = announce()
    work()
    assert counts(message) == (1, 0, 0, 0)
    with after(10):
        work()
    assert (counts(message), len(phone.got)) == ((1, 1, 0, 0), 1)


@pytest.mark.parametrize("status", [400, 401, 403, 413, 307, 418])
def test_what_is_our_fault_is_logged_and_the_subscription_kept(subscribe, work, status, caplog):
    phone = subscribe(always=status)
    message = announce()
    with caplog.at_level("INFO"):
        work()
    with after(600):
        work()
    assert counts(message) == (1, 0, 0, 1)
    assert (phone.asked, row_of(phone) is not None) == (1, True)
    levels = {record.levelname for record in caplog.records if f"answered {status}" in record.getMessage()}
    assert levels == {"ERROR" if status in {401, 403} else "INFO"}


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_passes_is_tried_again(subscribe, work, status):
    busy, other = subscribe(status, status), subscribe()
    message = announce()
    work()
    assert counts(message) == (2, 1, 0, 0)
    for seconds in (30, 60):
        with after(seconds):
            work()
    assert (counts(message), busy.asked, other.asked) == ((2, 2, 0, 0), 3, 1)


def test_retry_after_is_kept_to_the_second(subscribe, work):
    phone = subscribe((429, {"Retry-After": "120"}))
    message = announce()
    work()
    with after(118):
        work()
        assert (phone.asked, counts(message)) == (1, (1, 0, 0, 0))
    with after(121):
        work()
    assert (phone.asked, counts(message)) == (2, (1, 1, 0, 0))
    assert phone.got[0].ttl <= 1800 - 120


def test_after_its_time_nobody_is_told_any_more(subscribe, work):
    late, never = subscribe((503, {"Retry-After": "100"}), 503), subscribe((429, {"Retry-After": "2000"}))
    message = announce()
    work()
    assert counts(message) == (2, 0, 0, 1)  # who may be asked again only after its time is given up at once
    with after(1801):
        work()
    assert (counts(message), late.asked, never.asked) == ((2, 0, 0, 2), 1, 1)
    assert PushSubscription.objects.count() == 2


def test_silence_is_tried_again_and_a_double_is_one_on_the_phone(subscribe, work, settings):
    settings.PUSH_TIMEOUT = 1.0
    phone = subscribe("silence")
    message = announce()
    work()
    assert counts(message) == (1, 0, 0, 0)
    with after(30):
        work()
    assert (counts(message), len(phone.shown)) == ((1, 1, 0, 0), 1)


def test_a_subscription_for_another_key_is_not_tried_and_not_deleted(subscribe, work, caplog):
    phone, other = subscribe(), subscribe()
    PushSubscription.objects.filter(endpoint=phone.endpoint).update(vapid_key="B" * 87)
    message = announce()
    work()
    assert (counts(message), phone.asked, other.asked) == ((2, 1, 0, 1), 0, 1)
    assert row_of(phone) is not None
    assert "another PIKA_VAPID_KEY" in caplog.text


def test_who_unsubscribed_meanwhile_gets_nothing(subscribe, work):
    phone = subscribe()
    message = announce()
    PushSubscription.objects.all().delete()
    work()
    assert (counts(message), phone.asked) == ((1, 0, 1, 0), 0)


# --- Who else works on it -----------------------------------------------------------------------------------------
def test_a_turn_that_was_overtaken_writes_nothing(subscribe):
    subscribe()
    announce()
    chunk = PushChunk.objects.select_related("message").get()
    turn = delivery._Turn(chunk)
    turn.begin()
    delivery.send_chunk(chunk.pk)
    with pytest.raises(delivery.Overtaken):
        turn.settle([webpush.Answer(int(next(iter(chunk.waiting))), 503)])
    assert PushChunk.objects.get().waiting == {}


def test_a_chunk_stops_in_time_and_goes_on_in_the_next_turn(subscribe, monkeypatch, work):
    phones = [subscribe() for _ in range(70)]
    message = announce()
    monkeypatch.setattr(delivery, "STOP_AFTER", -1.0)
    chunk = PushChunk.objects.get()
    again_at = delivery.send_chunk(chunk.pk)
    assert again_at is not None and again_at <= timezone.now()
    monkeypatch.setattr(delivery, "STOP_AFTER", 30.0)
    work()
    assert (counts(message), [len(phone.got) for phone in phones]) == ((70, 70, 0, 0), [1] * 70)


def test_a_large_crowd_is_sent_in_chunks_with_one_job_to_start_them(subscribe, monkeypatch, work):
    phones = [subscribe() for _ in range(25)]
    monkeypatch.setattr(actions, "CHUNK", 10)
    message = announce()
    assert list(Job.objects.values_list("kind", flat=True)) == ["push"]
    work()
    assert sorted(Job.objects.values_list("kind", flat=True)) == ["push", *["push_chunk"] * 3]
    assert (counts(message), [len(phone.got) for phone in phones]) == ((25, 25, 0, 0), [1] * 25)


def test_while_push_is_off_the_message_waits(subscribe, settings, work):
    phone = subscribe()
    message = announce()
    sub, settings.VAPID_SUB = settings.VAPID_SUB, ""
    work()
    assert Job.objects.get(kind="push_chunk").state == "queued"
    settings.VAPID_SUB = sub
    with after(60):
        work()
    assert (counts(message), len(phone.got)) == ((1, 1, 0, 0), 1)


# --- The text --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("text", ["x" * 1000, "🕺" * 1000, '"' * 1000, "\\n\u2028" * 500, "ő" * 999])
def test_a_long_text_is_cut_where_push_services_end(subscribe, work, text):
    phone = subscribe()
    announce(title="T" * 200, body=text, url="/" + "u" * 299)
    work()
    assert (len(phone.got), phone.refused) == (1, [])
    body = phone.got[0].message["body"]
    assert body == text[:1000] or (body.endswith("…") and text.startswith(body[:-1]) and len(body) > 400)


@pytest.mark.parametrize("more", [{"url": "https://evil.example/"}, {"url": "//evil.example"}, {"url": ""}, {"ttl": 0}])
def test_a_push_opens_a_page_of_ours_and_lives_a_while(more):
    with pytest.raises(ValueError):
        announce(**more)
    assert PushMessage.objects.count() == 0

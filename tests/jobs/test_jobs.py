"""Work that is asked for is done: once, later, again, and after a crash."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from pika.jobs import actions as jobs
from pika.jobs.models import Job


@pytest.fixture
def done(monkeypatch):
    """What the test's kind of job did; `done.then` is what it returns or raises."""

    class Done(list):
        then = None

    it = Done()

    def work(key, payload):
        it.append((key, payload))
        if isinstance(it.then, Exception):
            raise it.then
        return it.then() if callable(it.then) else it.then

    monkeypatch.setitem(jobs.kinds, "test", jobs.Kind(work, timedelta(minutes=2)))
    return it


@pytest.mark.django_db
def test_asking_twice_is_doing_once(done):
    for _ in range(2):
        jobs.enqueue("test", "a", {"n": 1})
    assert (jobs.run_due(), jobs.run_due(), done) == (1, 0, [("a", {"n": 1})])
    assert Job.objects.get().state == "done"


@pytest.mark.django_db
def test_nothing_runs_before_its_time(done):
    jobs.enqueue("test", "a", due_at=timezone.now() + timedelta(minutes=5))
    assert jobs.run_due() == 0
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        assert jobs.run_due() == 1


@pytest.mark.django_db
def test_work_that_wants_to_run_again_does(done):
    again_at = timezone.now() + timedelta(minutes=1)
    done.then = again_at
    jobs.enqueue("test", "a")
    jobs.run_due()
    assert (Job.objects.get().state, Job.objects.get().due_at) == ("queued", again_at)


@pytest.mark.django_db
def test_a_failure_is_retried_later_and_remembered(done):
    done.then = OSError("the network is down")
    jobs.enqueue("test", "a")
    jobs.run_due()
    job = Job.objects.get()
    assert (job.state, job.attempts, job.last_error) == ("queued", 1, "OSError: the network is down")
    assert job.due_at > timezone.now()
    done.then = None
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        jobs.run_due()
    assert (Job.objects.get().state, Job.objects.get().last_error) == ("done", "")


@pytest.mark.django_db
def test_what_fails_for_ever_stops(done):
    done.then = ValueError("wrong")
    jobs.enqueue("test", "a")
    Job.objects.update(attempts=jobs.MOST_ATTEMPTS - 1)
    jobs.run_due()
    assert Job.objects.get().state == "failed"


@pytest.mark.django_db
def test_a_worker_that_died_is_replaced_when_its_lease_is_over(done):
    jobs.enqueue("test", "a")
    Job.objects.update(state="running", lease_until=timezone.now() + timedelta(minutes=2), attempts=1)
    assert jobs.run_due() == 0
    with time_machine.travel(timezone.now() + timedelta(minutes=3)):
        assert jobs.run_due() == 1


@pytest.mark.django_db
def test_what_kills_its_worker_each_time_is_given_up(done):
    jobs.enqueue("test", "a")
    for _ in range(jobs.MOST_ATTEMPTS):  # claimed, and never heard of again
        Job.objects.update(
            state="running", lease_until=timezone.now() - timedelta(seconds=1), attempts=F("attempts") + 1
        )
    jobs.run_due()
    job = Job.objects.get()
    assert (job.state, job.last_error, done) == ("failed", "RuntimeError: never finished", [])


@pytest.mark.django_db
def test_what_was_done_long_ago_is_forgotten_and_nothing_else(done):
    for key in ("old", "new", "waiting"):
        jobs.enqueue("test", key, due_at=timezone.now() - timedelta(days=40))
    for job in Job.objects.exclude(key="waiting"):
        jobs.run(job.pk)
    Job.objects.filter(key="old").update(finished_at=timezone.now() - timedelta(days=31))
    assert jobs.forget_done() == 1
    assert sorted(Job.objects.values_list("key", flat=True)) == ["new", "waiting"]


@pytest.mark.django_db
def test_a_wish_during_the_run_is_not_lost(done):
    def meanwhile():
        jobs.hasten("test", "a")

    done.then = meanwhile
    jobs.enqueue("test", "a")
    jobs.run_due()
    assert Job.objects.get().state == "queued"
    done.then = None
    jobs.run_due()
    assert (Job.objects.get().state, len(done)) == ("done", 2)


@pytest.mark.django_db
def test_hastening_a_job_that_is_done_runs_it_again(done):
    jobs.enqueue("test", "a")
    jobs.run_due()
    jobs.hasten("test", "a")
    jobs.run_due()
    assert len(done) == 2


@pytest.mark.django_db
def test_what_is_rolled_back_was_never_asked_for(done):
    with pytest.raises(OSError), transaction.atomic():
        jobs.enqueue("test", "a")
        raise OSError
    assert (jobs.run_due(), Job.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_a_broken_doorbell_harms_nobody(done, monkeypatch, django_capture_on_commit_callbacks):
    from pika.jobs import tasks

    def broken(*args, **kwargs):
        raise OSError("no broker")

    monkeypatch.setattr(tasks.ring, "apply_async", broken)
    with django_capture_on_commit_callbacks(execute=True):
        jobs.enqueue("test", "a")
    assert jobs.ring_due() == 1
    assert jobs.run_due() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_claim_it_once(done):
    jobs.enqueue("test", "a")
    job = Job.objects.get()
    start = threading.Barrier(4)
    claimed = []

    def worker():
        start.wait()
        try:
            claimed.append(jobs.run(job.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sorted(claimed), len(done)) == ([False, False, False, True], 1)

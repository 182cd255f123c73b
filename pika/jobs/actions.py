"""Ask for work, claim it, do it, finish or put it off."""

import logging
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import Case, CharField, DateTimeField, F, PositiveSmallIntegerField, Value, When
from django.db.models.functions import Least
from django.utils import timezone

from pika.jobs.models import Job

log = logging.getLogger(__name__)

Work = Callable[[str, dict[str, Any]], datetime | None]
MOST_ATTEMPTS = 20
KEEP_DONE = timedelta(days=30)


@dataclass(frozen=True)
class Kind:
    work: Work
    lease: timedelta


kinds: dict[str, Kind] = {}


def kind(name: str, lease: timedelta = timedelta(minutes=2)) -> Callable[[Work], Work]:
    """Register `work(key, payload)` for jobs of this kind.

    It is idempotent, returns None when finished or the time it wants to run again, raises to be
    retried with back-off, and is done within `lease` (else another worker takes it for dead).
    """

    def register(work: Work) -> Work:
        kinds[name] = Kind(work, lease)
        return work

    return register


def enqueue(kind_name: str, key: str, payload: dict[str, Any] | None = None, due_at: datetime | None = None) -> None:
    """Have it done once, at `due_at` or now. A second call for the same (kind, key) changes nothing."""
    due_at = due_at or timezone.now()
    job = Job(kind=kind_name, key=key, payload=payload or {}, due_at=due_at)
    Job.objects.bulk_create([job], ignore_conflicts=True)
    if due_at <= timezone.now():
        _ring_after_commit(Job.objects.values_list("pk", flat=True).get(kind=kind_name, key=key), due_at)


def hasten(kind_name: str, key: str, due_at: datetime | None = None) -> None:
    """Have an existing job run at `due_at` (now) at the latest, even if it is running or done."""
    due_at = due_at or timezone.now()
    at = Value(due_at, output_field=DateTimeField())
    jobs = Job.objects.filter(kind=kind_name, key=key)
    # One write that always writes: whoever runs it right now meets it, before or after, and sees the wish.
    jobs.update(
        due_at=Case(
            When(state="queued", then=Least(F("due_at"), at, output_field=DateTimeField())),
            default=at,
            output_field=DateTimeField(),
        ),
        attempts=Case(
            When(state__in=["done", "failed"], then=Value(0)),
            default=F("attempts"),
            output_field=PositiveSmallIntegerField(),
        ),
        state=Case(
            When(state__in=["done", "failed"], then=Value("queued")), default=F("state"), output_field=CharField()
        ),
        wish=F("wish") + 1,
    )
    for pk in jobs.values_list("pk", flat=True):
        _ring_after_commit(pk, due_at)


def _ring_after_commit(pk: int, due_at: datetime) -> None:
    from pika.jobs.tasks import ring

    if due_at <= timezone.now() + timedelta(seconds=1):  # later ones are the sweeper's
        transaction.on_commit(lambda: _bell.submit(_ring, ring, pk), robust=True)


# Ringing is a talk with the broker, and nobody who asked for work should wait for it.
_bell = ThreadPoolExecutor(max_workers=1, thread_name_prefix="doorbell")


def _ring(ring: Any, pk: int) -> None:
    """Ring the bell; a broken bell is no harm, the sweeper comes by every few seconds."""
    try:
        ring.apply_async((pk,), retry=False, expires=30)
    except Exception as error:
        log.warning("the doorbell is broken: %s", error)


def ring_due() -> int:
    """Ring for everything due and not leased; the number rung."""
    from pika.jobs.tasks import ring

    due = [job.pk for job in _due().order_by("due_at")[:500]]
    for pk in due:
        _ring(ring, pk)
    return len(due)


def _due() -> models.QuerySet[Job]:
    now = timezone.now()
    return Job.objects.filter(
        models.Q(state="queued", due_at__lte=now) | models.Q(state="running", lease_until__lt=now)
    )


def run(pk: int) -> bool:
    """Claim one job and do it. False if it was not due or somebody else has it."""
    job = Job.objects.filter(pk=pk).first()
    if job is None or job.kind not in kinds:
        return False
    its, now = kinds[job.kind], timezone.now()
    is_claimed = (
        _due()
        .filter(pk=pk, lease_until=job.lease_until)
        .update(state="running", lease_until=now + its.lease, attempts=F("attempts") + 1)
    )
    if not is_claimed:
        return False
    job.refresh_from_db()
    if job.attempts > MOST_ATTEMPTS:  # no error was ever reported: it takes its worker down each time
        _put_off(job, RuntimeError("never finished"))
        return False
    try:
        again_at = its.work(job.key, job.payload)
    except Exception as error:
        log.exception("job %s:%s failed", job.kind, job.key)
        _put_off(job, error)
    else:
        _finish(job, again_at)
    return True


def run_due() -> int:
    """Do everything that is due, here and now; the number done. For commands and tests."""
    return sum(run(job.pk) for job in _due().order_by("due_at"))


def _finish(job: Job, again_at: datetime | None) -> None:
    after = {"lease_until": None, "attempts": 0, "last_error": "", "finished_at": timezone.now()}
    mine = Job.objects.filter(pk=job.pk, lease_until=job.lease_until)
    if again_at is None:
        is_finished = mine.filter(wish=job.wish).update(state="done", **after)
    else:
        is_finished = mine.filter(wish=job.wish).update(state="queued", due_at=again_at, **after)
    if not is_finished:  # somebody wished for it again while it ran: its due_at stands
        earliest = {"due_at": Least(F("due_at"), Value(again_at), output_field=DateTimeField())} if again_at else {}
        mine.update(state="queued", **after, **earliest)
        again_at = Job.objects.values_list("due_at", flat=True).get(pk=job.pk)
    if again_at is not None:
        _ring_after_commit(job.pk, again_at)


def forget_done() -> int:
    """Delete what was done so long ago that nobody will ask for it again; the number deleted."""
    before = timezone.now() - KEEP_DONE
    old = Job.objects.filter(state="done", due_at__lt=before, finished_at__lt=before).order_by("due_at")
    gone = 0
    while slice_ := list(old.values_list("pk", flat=True)[:1000]):
        gone += Job.objects.filter(pk__in=slice_, state="done").delete()[0]
    return gone


def _put_off(job: Job, error: Exception) -> None:
    wait = min(3600.0, 2.0**job.attempts) * random.uniform(0.5, 1.5)
    is_over = job.attempts >= MOST_ATTEMPTS
    Job.objects.filter(pk=job.pk, lease_until=job.lease_until).update(
        state="failed" if is_over else "queued",
        due_at=timezone.now() + timedelta(seconds=wait),
        lease_until=None,
        last_error=f"{type(error).__name__}: {error}"[:2000],
    )

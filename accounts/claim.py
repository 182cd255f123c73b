"""What a device collected becomes its user's: moved, without duplicates, counted."""

import logging
import secrets
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext

from accounts.access import check_held, digest, guest_key
from accounts.actions import new_guest_secret
from accounts.activity import note
from accounts.models import Guest, PushSubscription, User
from pika.errors import Problem
from pika.jobs import actions as jobs

log = logging.getLogger(__name__)
AGAIN_AFTER = timedelta(seconds=60)


@dataclass(frozen=True)
class Claimed:
    """How many of each kind (`likes`, `stars`, `follows` ...) moved to the user, and how many were there already."""

    moved: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)


def home_of(user: User) -> Guest:
    """The guest that owns what `user`'s devices collect; made at the first question."""
    return Guest.objects.get_or_create(user=user, defaults={"key": digest(secrets.token_urlsafe(32))})[0]


@transaction.atomic
def claim(user: User, key: str) -> Claimed:
    """The device with this (verified) key is `user`'s from now on, and so is what it collected. Twice is once.

    Problem (409), and nothing is changed: the device is somebody else's.
    """
    home = home_of(user)
    device = Guest.objects.get_or_create(key=key)[0]
    # In one order: two tabs that claim at once come one after the other, and whoever adds something waits, too.
    locked = {
        guest.pk: guest
        for guest in Guest.objects.select_for_update().filter(pk__in=[home.pk, device.pk]).order_by("pk")
    }
    home, device = locked[home.pk], locked[device.pk]
    check_held(device)
    if device.user_id or device.home_id not in (None, home.pk):
        raise _of_another()
    claimed = _gather(device, home)
    if device.quiet_starts_at and not home.quiet_starts_at:
        for name in ("quiet_starts_at", "quiet_ends_at", "quiet_zone"):
            setattr(home, name, getattr(device, name))
        home.save()
    if device.home_id is None and claimed.moved.total():
        note(user, "claim_device", f"♥ {claimed.moved['likes']}")
    device.home = home
    device.save(update_fields=["home"])
    # Whoever had asked for the device a moment before we locked it writes to the device a moment after.
    jobs.enqueue("gather_guest", str(device.pk), due_at=timezone.now() + AGAIN_AFTER)
    jobs.hasten("gather_guest", str(device.pk), due_at=timezone.now() + AGAIN_AFTER)
    return claimed


def check_unclaimed(key: str) -> None:
    """Problem (409): the device is somebody's, whoever that is."""
    if Guest.objects.filter(key=key, home__isnull=False).exists():
        raise _of_another()


def _of_another() -> Problem:
    words = gettext("What this device collected belongs to another account. Log in to that one to see it.")
    return Problem(words, "guest_of_another", 409)


@transaction.atomic
def gather(device_id: int) -> None:
    """Move what a claimed device got after its claim. Nothing to do if it was let go since."""
    device = Guest.objects.select_for_update().select_related("home").filter(pk=device_id, home__isnull=False)
    for its in device:
        assert its.home
        _gather(its, its.home)


@transaction.atomic
def let_go(key: str) -> None:
    """The device is nobody's any more, and starts with nothing: it signed out, or was signed out. Twice is once."""
    for device in Guest.objects.select_for_update().filter(key=key, home__isnull=False):
        if device.home:
            _gather(device, device.home)  # what came since the claim: nobody asks for it later
        PushSubscription.objects.filter(device=device).delete()
        device.home = None
        device.save(update_fields=["home"])


def retire(key: str) -> None:
    """This browser has another secret from now on: a tab that shows the old one still is told so, before it collects
    what nobody would ever find. Never raises."""
    try:
        with transaction.atomic():
            Guest.objects.filter(key=key, home=None, user=None).update(revoked_at=timezone.now())
    except Exception:  # whatever it is: they are out
        log.exception("could not retire a device's secret")


# --- The device's secret ---------------------------------------------------------------------------------
@transaction.atomic
def rotate(key: str) -> str:
    """The device's new secret: with it everything is as it was, and the old one opens nothing from this moment on.

    Problem (401): the secret was changed or given up before.
    """
    device = _held(key)
    secret = new_guest_secret()
    device.key = guest_key(secret)
    device.save(update_fields=["key"])
    Guest.objects.create(key=key, revoked_at=timezone.now())  # so that nobody begins anew with it unawares
    return secret


@transaction.atomic
def revoke(key: str) -> None:
    """The secret opens nothing any more. What a claimed device collected is its user's; of any other it is deleted:
    nobody could see it or take it back again.

    Problem (401): the secret was changed or given up before.
    """
    device = _held(key)
    if device.home:
        _gather(device, device.home)  # what came since the claim
    PushSubscription.objects.filter(device=device).delete()
    for model in belongings().values():
        model._base_manager.filter(guest=device).delete()
    device.home, device.revoked_at, device.quiet_starts_at, device.quiet_ends_at = None, timezone.now(), None, None
    device.save()


def _held(key: str) -> Guest:
    """The locked row of the device with this (verified) key; one that never did anything gets it now."""
    Guest.objects.get_or_create(key=key)
    device = Guest.objects.select_for_update().filter(key=key).first()
    if device is None:  # it was changed by somebody else's hand a moment ago
        device = Guest.objects.get(key=key)
    check_held(device)
    return device


# --- Everything that hangs on a guest ----------------------------------------------------------------------
def belongings() -> dict[str, Any]:
    """The tables whose rows belong to a guest, of all apps, by their name there: those that would go with it."""
    ours = (it for it in Guest._meta.related_objects if it.field.name == "guest" and it.on_delete is models.CASCADE)
    return {str(it.get_accessor_name()): it.related_model for it in ours}


def _gather(device: Guest, home: Guest) -> Claimed:
    claimed = Claimed()
    PushSubscription.objects.filter(guest=device, device=None).update(device=device)
    for name, model in belongings().items():
        claimed.known[name] += _drop_twins(model, device, home)
        claimed.moved[name] += model._base_manager.filter(guest=device).update(guest=home)
    return claimed


def _drop_twins(model: Any, device: Guest, home: Guest) -> int:
    """Delete what the user has already; how many. A model with `absorb(twin)` keeps the better of both."""
    sets = (it.fields for it in model._meta.constraints if isinstance(it, models.UniqueConstraint))
    rest = next((tuple(name for name in names if name != "guest") for names in sets if "guest" in names), ())
    if not rest:
        return 0
    same = {name: OuterRef(name) for name in rest}
    theirs, mine = model._base_manager.filter(guest=home), model._base_manager.filter(guest=device)
    twins = mine.filter(Exists(theirs.filter(**same)))
    if hasattr(model, "absorb"):
        columns = [model._meta.get_field(name).attname for name in rest]
        _absorb(twins, theirs.filter(Exists(mine.filter(**same))), columns)
    return int(twins.delete()[1].get(model._meta.label, 0))


def _absorb(twins: Any, kept: Any, columns: list[str]) -> None:
    by_rest = {tuple(getattr(row, name) for name in columns): row for row in kept}
    better = [row for twin in twins if (row := by_rest[tuple(getattr(twin, name) for name in columns)]).absorb(twin)]
    if better:
        changeable = [field.name for field in better[0]._meta.concrete_fields if not field.primary_key]
        type(better[0])._base_manager.bulk_update(better, changeable, batch_size=200)

"""Elena's weekend: who, where and which sets. Made once, as often as asked."""

import json
import os
import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Membership, Organizer, User
from events.models import Event
from pika.jobs import actions as jobs
from pika_dj.sources.virtualdj import read_history
from pika_dj.tracks import HeardTrack
from stages.models import Stage

SLUG = "wcs-budapest-demo"
SETS = Path(__file__).parent / "sets"
HOUSE = "pika.invalid"  # a domain that can never be anybody's


@dataclass(frozen=True)
class Floor:
    name: str
    djs: tuple[str, ...]


FLOORS = (
    Floor("Main Floor", ("marcus", "ana", "jun")),
    Floor("Blues Room", ("odette", "theo")),
    Floor("Lindy Loft", ("rosa", "hal")),
    Floor("Zouk Terrace", ("lia", "bruno", "sami")),
)


def email(name: str) -> str:
    return f"{name}@{HOUSE}"


@cache
def set_of(dj: str) -> tuple[HeardTrack, ...]:
    """The tracks of one of the demo's DJs, from a file as VirtualDJ writes it."""
    return tuple(read_history(next(SETS.glob(f"*-{dj}.m3u"))))


def make_weekend() -> None:
    """Everything the demo needs, without touching what is there; the robots start with the next tick."""
    password = _password()
    with transaction.atomic():
        for dj in (name for floor in FLOORS for name in floor.djs):
            _user(dj, password, is_dj=True)
        organizer, _ = Organizer.objects.get_or_create(
            slug=SLUG, defaults={"name": "WCS Budapest", "approved_at": timezone.now()}
        )
        # Rights only for people made here: an account that was there before may be anybody's.
        if elena := _user("elena", password):
            Membership.objects.create(organizer=organizer, user=elena, role=Membership.Role.OWNER)
        if kryspin := _user("kryspin", password):
            User.objects.filter(pk=kryspin.pk).update(is_staff=True, is_superuser=True)
        event = _event(organizer)
        for position, floor in enumerate(FLOORS):
            stage, _ = Stage.objects.get_or_create(event=event, name=floor.name, defaults={"position": position})
            jobs.enqueue("demo_robot", stage.code)
            jobs.hasten("demo_robot", stage.code)


def _event(organizer: Organizer) -> Event:
    today = timezone.localdate()
    return Event.objects.update_or_create(
        slug=SLUG,
        defaults={"starts_on": today, "ends_on": today + timedelta(days=2), "status": Event.Status.PUBLISHED},
        create_defaults={
            "organizer": organizer,
            "name": "WCS Budapest",
            "time_zone": "Europe/Budapest",
            "starts_on": today,
            "ends_on": today + timedelta(days=2),
            "status": Event.Status.PUBLISHED,
            "description": "Four floors, two nights, ten DJs who never get tired.",
        },
    )[0]


def _user(name: str, password: str, is_dj: bool = False) -> User | None:
    """The new user; None if there is one of that address."""
    if User.objects.filter(email=email(name)).exists():
        return None
    return User.objects.create_user(email(name), password, is_confirmed=True, name=name.capitalize(), is_dj=is_dj)


def _password() -> str:
    """One password for the demo's people, made once: `up --host 0.0.0.0` must not open a known door."""
    path = settings.DATA_DIR / "demo.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            json.dump({"password": f"demo-{secrets.token_hex(5)}"}, file)
    return str(json.loads(path.read_text())["password"])


def describe() -> str:
    """The demo's people and their password, for the terminal; empty without a demo."""
    if not Event.objects.filter(slug=SLUG).exists():
        return ""
    roles = {"marcus": "DJ, Main Floor", "ana": "DJ, Main Floor", "elena": "organizer", "kryspin": "platform owner"}
    lines = [f"{email(name):<24} {role}" for name, role in roles.items()]
    return "\n".join([*lines, f"password for all of them: {_password()}"])

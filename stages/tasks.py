"""Durable work of the live floor."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from pika.jobs.actions import kind
from stages.actions import plays, polls, sessions, stars, telling


@kind("watch_session")
def watch_session(code: str, payload: dict[str, Any]) -> datetime | None:
    return sessions.watch(code, timezone.now())


@kind("tell_play")
def tell_play(uuid: str, payload: dict[str, Any]) -> None:
    plays.tell_delayed(uuid)


@kind("end_poll")
def end_poll(code: str, payload: dict[str, Any]) -> None:
    polls.end_in_time(code)


@kind("tell_floors")
def tell_floors(slug: str, payload: dict[str, Any]) -> None:
    telling.tell_floors(slug)


@kind("remind_slot")
def remind_slot(code: str, payload: dict[str, Any]) -> datetime | None:
    return stars.remind(code, timezone.now())

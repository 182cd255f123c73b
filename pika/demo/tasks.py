"""The robots' clock."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from pika.demo import robot
from pika.jobs.actions import kind


@kind("demo_robot")
def demo_robot(code: str, payload: dict[str, Any]) -> datetime | None:
    return robot.turn(code, timezone.now())

"""Durable work: exports, and forgetting backups."""

from datetime import datetime, timedelta
from typing import Any

from celery import shared_task
from django.db import close_old_connections

from pika.jobs.actions import kind
from playlists import exporting


@kind("spotify_export", lease=timedelta(minutes=10))
def export(code: str, payload: dict[str, Any]) -> datetime | None:
    return exporting.go_on(code)


@shared_task(ignore_result=True)
def forget() -> None:
    """A clock: see pika/celery.py."""
    close_old_connections()
    try:
        exporting.forget_backups()
    finally:
        close_old_connections()

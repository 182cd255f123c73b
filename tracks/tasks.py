"""Durable work of the repository: link plays anew, count a voice anew."""

from datetime import timedelta
from typing import Any

from pika.jobs.actions import kind
from tracks.actions import linking, repair


@kind("link_identity", lease=timedelta(minutes=10))
def link_identity(identity_id: str, payload: dict[str, Any]) -> None:
    linking.link_identity(int(identity_id))


@kind("link_track", lease=timedelta(minutes=10))
def link_track(track_id: str, payload: dict[str, Any]) -> None:
    linking.link_track(int(track_id))


@kind("recount_voice", lease=timedelta(minutes=10))
def recount_voice(user_id: str, payload: dict[str, Any]) -> None:
    repair.recount_voice(int(user_id))

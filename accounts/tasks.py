"""Durable work for people and their devices: mail, push messages."""

from datetime import datetime, timedelta
from typing import Any

from accounts import delivery
from accounts import push as actions
from accounts.actions import mail_decision
from pika.jobs.actions import kind


@kind("push")
def fan_out(message_id: str, payload: dict[str, Any]) -> None:
    actions.fan_out(int(message_id))


@kind("push_chunk", lease=timedelta(seconds=60))
def send_chunk(chunk_id: str, payload: dict[str, Any]) -> datetime | None:
    return delivery.send_chunk(int(chunk_id))


@kind("mail_decision")
def tell_applicant(application_id: str, payload: dict[str, Any]) -> None:
    mail_decision(int(application_id), payload.get("base", ""))

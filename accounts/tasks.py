"""Durable work for people and their devices: mail, push messages."""

from datetime import datetime, timedelta
from typing import Any

from celery import shared_task
from django.db import close_old_connections

from accounts import delivery, letters
from accounts import push as actions
from accounts.actions import mail_decision
from accounts.claim import gather
from accounts.leaving import end_unknown_sessions, forget_logins
from accounts.models import User
from accounts.registration import forget_codes, forget_unconfirmed
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


@kind("gather_guest")
def gather_guest(device_id: str, payload: dict[str, Any]) -> None:
    gather(int(device_id))


@kind("end_sessions")
def end_sessions(key: str, payload: dict[str, Any]) -> None:
    for user in User.objects.filter(pk=payload.get("user", 0)):
        end_unknown_sessions(user, payload.get("but", ""))


@shared_task(ignore_result=True)
def forget() -> None:
    """A clock: see pika/celery.py."""
    close_old_connections()
    try:
        forget_logins()
        forget_codes()
        forget_unconfirmed()
        actions.forget_sent()
    finally:
        close_old_connections()


@kind("letter")
def send_letter(letter_id: str, payload: dict[str, Any]) -> datetime | None:
    return letters.send(int(letter_id))

"""E-mail: written down first, sent by a job; a mail server that is away breaks no page."""

import logging
from datetime import datetime, timedelta

from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from accounts.models import Letter, User
from pika.jobs import actions as jobs

log = logging.getLogger(__name__)

KEPT_FOR = timedelta(days=1)  # a code or a link in a letter is worth nothing by then
AGAIN_AFTER_MOST = timedelta(minutes=30)


def post(to: str, subject: str, text: str, user: User | None = None) -> None:
    """Have it sent soon. Never raises: what could not even be written down is logged, nothing more."""
    try:
        with transaction.atomic():
            letter = Letter.objects.create(user=user, to=to, subject=subject[:200], text=text)
            jobs.enqueue("letter", str(letter.pk))
    except Exception:  # whatever it is: the page that wanted to tell somebody goes on
        log.exception("could not post a letter")


def send(letter_id: int) -> datetime | None:
    """Send it, and it is gone; when to try again if the mail server did not take it. Given up after a day."""
    letter = Letter.objects.filter(pk=letter_id).first()
    if letter is None:
        return None
    age = timezone.now() - letter.created_at
    try:
        send_mail(letter.subject, letter.text, None, [letter.to])
    except Exception as error:  # whatever a mail server, or the way to it, comes up with
        if age < KEPT_FOR:
            log.warning("the mail server did not take a letter: %s", error)
            return timezone.now() + min(AGAIN_AFTER_MOST, max(timedelta(seconds=5), age / 2))
        log.error("a letter was given up after a day: %s", error)
    letter.delete()
    return None

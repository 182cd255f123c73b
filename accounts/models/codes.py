"""Codes that were mailed to find out whether an address is somebody's own."""

from django.db import models
from django.utils import timezone

from accounts.models.people import User


class EmailCodeQuerySet(models.QuerySet["EmailCode"]):
    def open(self) -> "EmailCodeQuerySet":
        """Those that may still be typed in."""
        return self.filter(expires_at__gt=timezone.now(), tries__lt=EmailCode.MOST_TRIES)


class EmailCode(models.Model):
    """A code on its way through the mail, for a program: whoever types it in has the mailbox. Here is only its HMAC.

    The password comes with it when it is typed in: whatever was chosen before is nobody's word.
    """

    MOST_TRIES = 5

    user = models.ForeignKey(User, models.CASCADE, related_name="email_codes")
    key = models.CharField(max_length=64, editable=False)
    tries = models.PositiveSmallIntegerField(default=0, help_text="How often something else was typed.")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    objects = EmailCodeQuerySet.as_manager()

    def __str__(self) -> str:
        return f"code for {self.user}"

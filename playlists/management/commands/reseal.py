"""`manage.py reseal`: encrypt what lies encrypted under the newest of FIELD_KEYS, so that the old ones can go."""

from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import Model, QuerySet

from pika.crypto import CannotOpen, is_sealed, reseal
from playlists.models import SpotifyLink


class Command(BaseCommand):
    help = "Encrypt Spotify tokens and secrets of second factors under the newest of PIKA_FIELD_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        links, lost = _each(SpotifyLink.objects.all(), _link)
        factors, locked_out = _each(Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN), _factor)
        self.stdout.write(f"{links} Spotify accounts and {factors} second factors are under the newest key.")
        if lost or locked_out:
            raise CommandError(
                f"None of the keys opens {lost} accounts, whose people will be asked to link again, and {locked_out} "
                "second factors: delete those in the admin, or their people cannot log in."
            )


def _each(rows: QuerySet[Any], change: Callable[[Any], None]) -> tuple[int, int]:
    """How many are under the newest key now, and how many open with none."""
    done = lost = 0
    for pk in rows.values_list("pk", flat=True):
        with transaction.atomic():
            row: Model = rows.select_for_update().get(pk=pk)
            try:
                change(row)
            except CannotOpen:
                lost += 1
            else:
                row.save()
                done += 1
    return done, lost


def _link(link: SpotifyLink) -> None:
    link.access_token, link.refresh_token = reseal(link.access_token), reseal(link.refresh_token)


def _factor(factor: Authenticator) -> None:
    for name in ("secret", "seed"):
        if is_sealed(text := factor.data.get(name, "")):
            factor.data[name] = reseal(text)

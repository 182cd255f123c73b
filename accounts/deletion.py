"""An account goes: what names its person is erased, what others count on stays and names nobody."""

import secrets

from django.db import transaction
from django.utils import timezone

from accounts import personal
from accounts.activity import note
from accounts.models import User
from pika.errors import Problem


def why_not(user: User) -> list[str]:
    """What stands against it right now, each with what to do."""
    with transaction.atomic():
        return [words for ask in personal.hindrances if (words := ask(user))]


@transaction.atomic
def delete_account(user: User) -> None:
    """`user` is nobody from now on. All of it or nothing; twice is once. Problem (409): see `why_not`."""
    person = User.objects.select_for_update().get(pk=user.pk)
    if person.deleted_at:
        return
    if reasons := why_not(person):
        raise Problem(" ".join(reasons), "account_needed", 409)
    for erase in personal.erasers:
        erase(person)
    person.email = f"deleted-{secrets.token_hex(16)}@deleted.invalid"
    person.name, person.deleted_at, person.last_login = "", timezone.now(), None
    person.is_active = person.is_staff = person.is_superuser = person.is_dj = False
    person.set_unusable_password()
    person.save()
    note(None, "delete_account")

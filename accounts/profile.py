"""What people change about themselves: their name, whether they are a DJ, how they like it."""

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from accounts.activity import note
from accounts.models import ApiToken, User, UserSettings
from pika.errors import Problem


def rename(user: User, name: str) -> None:
    """What others see from now on; sets that were played keep the name they were announced with."""
    if name != user.name:
        user.name = name
        user.save(update_fields=["name"])
        note(user, "rename")


def become_dj(user: User) -> None:
    """Opens the booth and tokens for programs. Twice is once."""
    if User.objects.filter(pk=user.pk, is_dj=False).update(is_dj=True):
        note(user, "become_dj")


def stop_being_dj(user: User) -> None:
    """The programs that could go live are logged out; what was played stays. Problem (409): while live."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if user.sessions.filter(ended_at=None).exists():
            raise Problem(gettext("You are live right now. End your set first."), "still_live", 409)
        if User.objects.filter(pk=user.pk, is_dj=True).update(is_dj=False):
            live = [token.pk for token in user.api_tokens.valid() if ApiToken.Scope.LIVE in token.scopes]
            ApiToken.objects.filter(pk__in=live).update(revoked_at=timezone.now())
            note(user, "stop_being_dj")


def settings_of(user: User) -> UserSettings:
    """As saved, else the defaults."""
    return UserSettings.objects.filter(user=user).first() or UserSettings(user=user)


def save_settings(user: User, **fields: Any) -> UserSettings:
    """Change these; the others stay."""
    saved, _ = UserSettings.objects.update_or_create(user=user, defaults=fields)
    note(user, "change_settings")
    return saved

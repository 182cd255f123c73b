"""Exports and journals, fetched and authorised in one step."""

from django.utils.translation import gettext

from accounts.models import User
from pika.errors import Problem
from playlists.models import Export


def export_for(user: User, code: str) -> Export:
    """The export, if it is `user`'s; Problem (404) otherwise."""
    if (found := Export.objects.filter(owner=user, code=code).first()) is None:
        raise Problem(gettext("Export not found"), "export_not_found", 404)
    return found

"""What was taken out of the journal, as a signed text that puts it back: nothing is kept on the server."""

from dataclasses import dataclass
from datetime import datetime

from django.core import signing
from django.utils.translation import gettext as _

from accounts.models import Guest
from pika.errors import Problem
from tracks.models import Like

_SALT = "pika.undo.like"
HOLDS_FOR = 24 * 3600  # seconds


@dataclass(frozen=True)
class Gone:
    """A like that was there."""

    guest: int
    uuid: str
    title: str
    liked_at: datetime
    note: str


def sealed(like: Like) -> str:
    """The like as a text for a form or a cookie."""
    play = like.play
    facts = [like.guest_id, str(play.uuid), play.title[:80], like.liked_at.isoformat(), like.note]
    return signing.dumps(facts, salt=_SALT, compress=True)


def opened(text: str, guest: Guest | None) -> Gone:
    """What it says; Problem (404) unless we made it for this person, and not long ago."""
    try:
        facts = signing.loads(text, salt=_SALT, max_age=HOLDS_FOR)
    except signing.BadSignature:
        facts = None
    # Who signed up in between has the device's things in the account.
    if facts is None or guest is None or not _is_of(facts[0], guest):
        raise Problem(_("This can no longer be undone."), "undo_not_found", 404)
    its, uuid, title, liked_at, note = facts
    return Gone(its, uuid, title, datetime.fromisoformat(liked_at), note)


def _is_of(its: int, guest: Guest) -> bool:
    return its == guest.pk or guest.devices.filter(pk=its).exists()

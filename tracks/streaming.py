"""Playlists on streaming services, as far as pages here must know of them: whoever knows a service says so.

See `playlists.offering`; nothing here, and pages are whole without it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from accounts.models import User
from stages.models import Session
from tracks.selections import Selection


@dataclass(frozen=True)
class Offer:
    """A playlist that can be made (`action`: where to post), or in `words` what it would need (`url`: where)."""

    label: str
    action: str = ""
    words: str = ""
    url: str = ""
    url_label: str = ""
    state: str = ""  # of the one that was asked for before, and where it is
    state_url: str = ""


offers: list[Callable[[User | None, Selection], Offer]] = []
published: list[Callable[[Session], str]] = []


def offers_for(user: User | None, selection: Selection) -> list[Offer]:
    """What somebody may make of these songs."""
    return [offer(user, selection) for offer in offers]


def playlist_of(session: Session) -> str:
    """Where everybody can hear this set as a playlist; empty: nowhere."""
    return next((address for ask in published if (address := ask(session))), "")

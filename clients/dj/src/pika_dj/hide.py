"""`pika-dj hide`: take back the track that is playing, from a second terminal."""

from __future__ import annotations

from pika_dj.outbox import Outbox
from pika_dj.rest import Api, Busy, Refused, TokenRefused, Unreachable, hide_request
from pika_dj.screen import Trouble, say
from pika_dj.settings import Settings, home


def hide(settings: Settings, *, is_hidden: bool) -> int:
    """Hide the current play, or show it again; without connection it is done later. Raises Trouble."""
    settings.require_login()
    outbox = Outbox(home() / "outbox.sqlite")
    try:
        live = [
            s for s in outbox.sessions(settings.server, "live") if s.state in ("new", "again", "open") and s.play_id
        ]
        if not live:
            raise Trouble("Nothing is playing from this computer. Start with: pika-dj live")
        session = live[0]
        request = hide_request(session.session_id, session.play_id, is_hidden)
        # Kept first: whatever happens to the request, the wish does not get lost.
        outbox.hide(session.session_id, session.play_id, is_hidden)
        outbox.put_errand(settings.server, session.session_id, f"hide:{session.play_id}", request)
        words = f"{'Hidden' if is_hidden else 'Shown again'}: {session.words}"
        try:
            Api(settings.server, settings.token).ask(*request)
        except TokenRefused as error:
            raise Trouble(str(error)) from error
        except (Unreachable, Busy, Refused):  # Refused: the play itself has not been sent yet
            words += " (as soon as the server has it)"
        say(words)
        return 0
    finally:
        outbox.close()

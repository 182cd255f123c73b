"""How the floor is told: by the session's own topic and, where it counts, by its stage's."""

from django.utils import timezone

from pika.live import messages, topics
from pika.live.messages import Message
from pika.live.publish import publish
from stages.models import Play, Session
from stages.serializers import now_playing, stage_state
from stages.state import current_session, session_state


def say(session: Session, message: Message, keep: bool = True) -> None:
    """To the listeners of the session, by its own topic and by its stage's."""
    publish(topics.session(session.code), message, keep)
    if session.stage:
        publish(topics.stage(session.stage.code), message, keep)


def say_state(session: Session) -> None:
    """What the session's stage, or the Quick Start by itself, looks like now."""
    now = timezone.now()
    if session.stage:
        publish(topics.stage(session.stage.code), stage_state(session.stage, now))
    elif session.is_live:
        state = session_state(session, now)
        told = messages.stage_state(None, state, session.dj_name, None, session_id=session.code)
        publish(topics.session(session.code), told)


def tell_play(session: Session, play: Play) -> None:
    """Say NOW_PLAYING where this is the newest track; an older one is history only."""
    if session.plays.public().newest_first().values_list("pk", flat=True).first() != play.pk:
        return
    play.session = session
    if session.stopped_at:
        session.stopped_at = None
        session.save(update_fields=["stopped_at"])
    message = now_playing(play)
    publish(topics.session(session.code), message)
    if session.stage and (current := current_session(session.stage)) and current.pk == session.pk:
        publish(topics.stage(session.stage.code), message)
    say(session, messages.tempo_reset(session.code))

"""How the floor is told: by the session's own topic and, where it counts, by its stage's."""

from django.utils import timezone

from pika.live import messages, topics
from pika.live.messages import Message
from pika.live.publish import publish
from stages.models import Play, Session, Stage
from stages.serializers import now_playing, stage_state
from stages.state import current_session, session_state


def is_silenced(session: Session) -> bool:
    """Whether its organizer is suspended: what happens meanwhile is kept, and the next snapshot tells it."""
    return session.stage is not None and session.stage.event.organizer.suspended_at is not None


def say(session: Session, message: Message, keep: bool = True) -> None:
    """To the listeners of the session, by its own topic and by its stage's."""
    if is_silenced(session):
        return
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
    if is_silenced(session):
        return
    message = now_playing(play)
    publish(topics.session(session.code), message)
    if session.stage and (current := current_session(session.stage)) and current.pk == session.pk:
        publish(topics.stage(session.stage.code), message)
    say(session, messages.tempo_reset(session.code))


def tell_floors(slug: str) -> None:
    """The organizer was suspended, or that was lifted: what every phone on its stages should see now."""
    now = timezone.now()
    stages = Stage.objects.filter(event__organizer__slug=slug, event__status="published")
    for stage in stages.select_related("event__organizer"):
        publish(topics.stage(stage.code), stage_state(stage, now))
        for session in stage.sessions.live():
            if stage.event.organizer.suspended_at:  # who listens to the session alone knows no state of a stage
                publish(topics.session(session.code), messages.session_ended(session.code))
                publish(topics.SYSTEM, messages.session_ended(session.code))
            else:
                publish(topics.SYSTEM, messages.session_started(session.code, session.dj_name, stage.code))

"""What a DJ says."""

import asyncio
from typing import Any

from django.utils.translation import gettext

from accounts.access import Credential, check_dj
from accounts.models import ApiToken
from pika.codes import new_code
from pika.errors import Problem, cleaned
from pika.live import messages, topics
from pika.live.consumer import HangUp, LiveConsumer
from pika.live.hub import hub
from pika.live.messages import Message
from pika.live.threads import in_thread
from stages import access, forms
from stages.actions import plays, sessions
from stages.actions.plays import Heard
from stages.consumers.speakers import as_dj, believe, credential_of, same_answer
from stages.models import Play, Session
from stages.serializers import (
    handover_of,
    stage_of,
)


async def register_session(socket: LiveConsumer, message: Message) -> Message:
    form = cleaned(forms.RegisterForm, message)
    credential = credential_of(socket, form.get("token", ""))
    try:
        session, is_new, handover = await in_thread(_register, credential, form, message["messageId"])
    except Problem as problem:
        if problem.code in {"too_many_sessions", "server_full"}:
            raise HangUp(problem.message, problem.code, 1013, problem.retry_after) from None
        raise
    believe(socket, credential)
    joining = socket.memory["joining"] = asyncio.ensure_future(socket.join(topics.booth(session.code)))
    if session.code not in socket.memory.setdefault("sessions", set()):
        socket.memory["sessions"].add(session.code)
        socket.at_close.append(lambda: _lose_if_last(session.code))
    if not is_new:  # a new one has no listeners yet, its ACK need not wait for our ear
        await joining
        await in_thread(sessions.heard_from, [session.code])
    stage = stage_of(session.stage) if session.stage else None
    socket.say(messages.session_registered(session.code, session.dj_name, stage, handover))
    return {"sessionId": session.code}


def _register(
    credential: Credential, form: dict[str, Any], message_id: str | None
) -> tuple[Session, bool, Message | None]:
    user = credential.user(ApiToken.Scope.LIVE)
    check_dj(user)
    stage = access.stage_for_dj(user, form["stageId"]) if form.get("stageId") else None
    code = form.get("sessionId", "")
    if message_id and not code:  # the same message again means the same session
        code = same_answer(f"register {user.pk} {message_id}", lambda: new_code(8))
    session, is_new = sessions.go_live(
        user, form.get("djName", ""), stage, code, form.get("delaySeconds"), has_socket=True
    )
    return session, is_new, handover_of(session.stage, session) if session.stage else None


async def _lose_if_last(code: str) -> None:
    if topics.booth(code) not in hub.topics():
        await in_thread(sessions.lose, code)


async def broadcast_track(socket: LiveConsumer, message: Message) -> Message:
    form = cleaned(forms.BroadcastForm, message)
    heard = Heard(
        form.get("playId"),
        form.get("playedAt"),
        forms.play_fields(form["track"]),
        is_replay=form["replay"],
    )

    def act(session: Session) -> Play:
        if not session.is_live:
            raise Problem(gettext("This session is over"), "session_over", 409, field="sessionId")
        access.check_open(session.stage)
        return plays.play(session, heard, form.get("sentAt"))[0]

    play = await as_dj(socket, message, act, is_safe=heard.uuid is not None)
    return {"playId": str(play.uuid)} if play else {}


async def metadata_updated(socket: LiveConsumer, message: Message) -> Message:
    form = cleaned(forms.MetadataForm, message)
    fields = forms.play_fields(form["track"])
    play = await as_dj(socket, message, lambda session: plays.correct(session, fields))
    return {"playId": str(play.uuid)} if play else {}


async def track_stopped(socket: LiveConsumer, message: Message) -> None:
    cleaned(forms.SessionForm, message)
    await as_dj(socket, message, plays.stop)


async def end_session(socket: LiveConsumer, message: Message) -> None:
    cleaned(forms.SessionForm, message)
    await as_dj(socket, message, sessions.end_session, is_safe=True)


async def update_session(socket: LiveConsumer, message: Message) -> None:
    changes = forms.session_changes(cleaned(forms.UpdateSessionForm, message))
    await as_dj(socket, message, lambda session: sessions.update_session(session, changes))


async def hide_track(socket: LiveConsumer, message: Message) -> None:
    form = cleaned(forms.HideForm, message)

    def act(session: Session) -> None:
        plays.hide(access.play_for_dj(session, form["playId"]), form["hidden"])

    await as_dj(socket, message, act)

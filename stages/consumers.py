"""What is said on the socket about stages, sessions and plays."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from accounts.access import Credential, guest_key, guest_of
from accounts.actions import new_guest_secret
from accounts.models import ApiToken
from pika.codes import clean_code
from pika.errors import Problem, cleaned
from pika.live import chores, messages, topics
from pika.live.broker import Position, broker
from pika.live.chores import Chore
from pika.live.consumer import HangUp, LiveConsumer
from pika.live.hub import Frame, hub
from pika.live.messages import Message, encode
from pika.live.snapshots import Snapshots
from pika.live.threads import in_thread
from stages import access, forms
from stages.actions import floor, plays, sessions
from stages.actions.plays import Heard
from stages.models import Play, Session
from stages.serializers import (
    handover_of,
    public_sessions,
    session_snapshot,
    stage_of,
    stage_snapshot,
)

log = logging.getLogger(__name__)
R = TypeVar("R")
TOPICS_PER_SOCKET = 12


# --- Who speaks -------------------------------------------------------------------------------------
def credential_of(socket: LiveConsumer, token: str = "") -> Credential:
    """What this socket showed us: a token, else the login cookie of a page of ours."""
    known = socket.memory.get("credential")
    if token or known is None:
        session_key = "" if token else socket.cookies.get(settings.SESSION_COOKIE_NAME, "")
        known = Credential(token=token, session_key=session_key)
    return known


async def as_dj(socket: LiveConsumer, code: str, act: Callable[[Session], R]) -> R:
    """`act(session)` in a thread, if the session is the speaker's own."""
    credential = credential_of(socket)

    def work() -> R:
        return act(access.session_for_dj(credential.user(ApiToken.Scope.LIVE), code))

    result = await in_thread(work)
    socket.memory["credential"] = credential
    return result


async def as_guest(socket: LiveConsumer, act: Callable[[str], R]) -> R:
    """`act(guest key)` in a thread; a program that never showed a guest token is one for this socket."""
    return await in_thread(act, key_of(socket))


def key_of(socket: LiveConsumer) -> str:
    """The device's key, from its cookie or the token it subscribed with; else made for this socket."""
    if "guest" not in socket.memory:
        key = guest_key(socket.cookies.get(settings.GUEST_COOKIE))
        if not key:
            socket.memory["guest_token"] = new_guest_secret()
            key = guest_key(socket.memory["guest_token"])
        socket.memory["guest"] = key
    return str(socket.memory["guest"])


def once(who: str, message: Message, act: Callable[[], R]) -> R | None:
    """Run `act` unless this message id was done within 5 minutes; then None: answer ACK again."""
    if not message.get("messageId"):
        return act()
    name = f"once:{who}:{message['type']}:{message['messageId']}"
    if not cache.add(name, 1, 300):
        return None
    try:
        return act()
    except BaseException:
        cache.delete(name)  # it was not done: asking again may help
        raise


# --- The DJ -------------------------------------------------------------------------------------------
async def register_session(socket: LiveConsumer, message: Message) -> Message:
    form = cleaned(forms.RegisterForm, message)
    credential = credential_of(socket, form.get("token", ""))
    try:
        session, is_new, handover = await in_thread(_register, credential, form)
    except Problem as problem:
        if problem.code in {"too_many_sessions", "server_full"}:
            raise HangUp(problem.message, problem.code, 1013) from None
        raise
    socket.memory["credential"] = credential
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


def _register(credential: Credential, form: dict[str, Any]) -> tuple[Session, bool, Message | None]:
    user = credential.user(ApiToken.Scope.LIVE)
    stage = access.stage_for_dj(user, form["stageId"]) if form.get("stageId") else None
    session, is_new = sessions.go_live(
        user, form.get("djName", ""), stage, form.get("sessionId", ""), form.get("delaySeconds"), has_socket=True
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

    def act(session: Session) -> Play | None:
        if not session.is_live:
            raise Problem("This session is over", "session_over", 409, field="sessionId")
        if heard.uuid:  # is one play however often it comes
            return plays.play(session, heard, form.get("sentAt"))[0]
        done = once(session.code, message, lambda: plays.play(session, heard, form.get("sentAt")))
        return done[0] if done else None

    play = await as_dj(socket, form["sessionId"], act)
    return {"playId": str(play.uuid)} if play else {}


async def metadata_updated(socket: LiveConsumer, message: Message) -> Message:
    form = cleaned(forms.MetadataForm, message)
    fields = forms.play_fields(form["track"])
    play = await as_dj(socket, form["sessionId"], lambda session: plays.correct(session, fields))
    return {"playId": str(play.uuid)}


async def track_stopped(socket: LiveConsumer, message: Message) -> None:
    form = cleaned(forms.SessionForm, message)
    await as_dj(socket, form["sessionId"], plays.stop)


async def end_session(socket: LiveConsumer, message: Message) -> None:
    form = cleaned(forms.SessionForm, message)
    await as_dj(socket, form["sessionId"], sessions.end_session)


async def update_session(socket: LiveConsumer, message: Message) -> None:
    changes = forms.session_changes(cleaned(forms.UpdateSessionForm, message))
    await as_dj(socket, message["sessionId"], lambda session: sessions.update_session(session, changes))


async def hide_track(socket: LiveConsumer, message: Message) -> None:
    form = cleaned(forms.HideForm, message)

    def act(session: Session) -> None:
        plays.hide(access.play_for_dj(session, form["playId"]), form["hidden"])

    await as_dj(socket, form["sessionId"], act)


# --- The floor -----------------------------------------------------------------------------------------
_follows: dict[tuple[str, str], datetime] = {}


def _build(topic: str) -> Message:
    kind, code = topics.split(topic)
    if topic == topics.SYSTEM:
        return messages.sessions_list(public_sessions())
    position = broker().position(topic)  # before the facts: what comes later is told again
    if kind == "stage":
        return stage_snapshot(access.public_stage(code), timezone.now(), position)
    return session_snapshot(access.public_session(code), position)


snapshots = Snapshots(_build)
hub.on_frame.append(snapshots.forget)


async def subscribe(socket: LiveConsumer, message: Message) -> Message:
    form = cleaned(forms.SubscribeForm, message)
    if secret := form.get("guestToken"):
        socket.memory["guest"] = guest_key(secret)
        if not socket.memory["guest"]:
            del socket.memory["guest"]
            raise Problem("This guest token is not one of ours", "bad_guest", 401, field="guestToken")
    key = key_of(socket)
    if not form["display"]:
        socket.listener = key
    if stage_id := form.get("stageId"):
        code = clean_code(stage_id)
        await _hear_stage(socket, code, form, key)
    else:
        await _hear_session(socket, form, key)
    token = socket.memory.get("guest_token")
    return {"guestToken": token} if token else {}


async def _hear(socket: LiveConsumer, topic: str) -> Message:
    """Join first, then read the snapshot, so that nothing falls between."""
    if len(socket.topics) >= TOPICS_PER_SOCKET and topic not in socket.topics:
        raise Problem("This socket listens to too much already", "too_many_topics")
    await socket.join(topic)
    try:
        return await snapshots.get(topic)
    except Problem:
        await socket.leave(topic)
        raise


async def _hear_stage(socket: LiveConsumer, code: str, form: dict[str, Any], key: str) -> None:
    topic = topics.stage(code)
    snapshot = await _hear(socket, topic)
    await socket.join(topics.event(snapshot["event"]["eventId"]))
    if not form["display"]:
        _follows[key, code] = timezone.now()
    if not await _resume(socket, topic, form.get("since")):
        await _say_snapshot(socket, topic, snapshot, form, key)


async def _resume(socket: LiveConsumer, topic: str, since: str | None) -> bool:
    """Tell what was missed since then; False when that is not known any more."""
    position = Position.parse(since)
    missed = await in_thread(broker().history, topic, position) if position else None
    for text in missed or ():
        socket.write(text)
    return missed is not None


async def _say_snapshot(socket: LiveConsumer, topic: str, snapshot: Message, form: dict[str, Any], key: str) -> None:
    listeners = len(hub.listeners(topic))
    likes = await in_thread(_likes_of, key, snapshot) if form["mine"] else []
    socket.say(snapshot | {"listeners": listeners, "likes": likes})


def _likes_of(key: str, snapshot: Message) -> list[str]:
    """Which of the snapshot's plays this guest likes (the likes are the next app's: its reverse name)."""
    uuids = [play["playId"] for play in snapshot["recent"]]
    liked = Play.objects.filter(uuid__in=uuids, likes__guest__key=key)
    return [str(uuid) for uuid in liked.values_list("uuid", flat=True)]


async def _hear_session(socket: LiveConsumer, form: dict[str, Any], key: str) -> None:
    """A 0.3 client hears what it knows, in its order; then the snapshot."""
    snapshot = await _hear(socket, topics.session(form["sessionId"]))
    code = snapshot["session"]["sessionId"]
    topic = topics.session(code)
    if code != form["sessionId"]:  # typed from a poster, not quite as we write it
        await socket.leave(topics.session(form["sessionId"]))
        snapshot = await _hear(socket, topic)
    socket.say(await snapshots.get(topics.SYSTEM))
    count = len(hub.listeners(topic))
    socket.say(messages.listener_count(count, session_id=code, stage_id=None))
    if await _resume(socket, topic, form.get("since")):
        return
    if snapshot["state"] == "closed":
        socket.say(messages.session_ended(code))
    elif play := snapshot["play"]:
        socket.say({"type": "NOW_PLAYING"} | play)
    await _say_snapshot(socket, topic, snapshot, form, key)


async def get_sessions(socket: LiveConsumer, message: Message) -> None:
    socket.say(await snapshots.get(topics.SYSTEM))


async def validate_session(socket: LiveConsumer, message: Message) -> None:
    code = cleaned(forms.SessionForm, message)["sessionId"]
    is_live = await in_thread(lambda: Session.objects.live().filter(code=code).exists())
    socket.say(messages.session_valid(code) if is_live else messages.session_expired(code))


async def send_tempo_request(socket: LiveConsumer, message: Message) -> None:
    form = cleaned(forms.TempoForm, message)

    def act(key: str) -> None:
        session = access.public_session(form["sessionId"])
        floor.wish_tempo(guest_of(key), session, form["preference"])

    await as_guest(socket, act)


async def send_reaction(socket: LiveConsumer, message: Message) -> None:
    form = cleaned(forms.ReactionForm, message)

    def act(key: str) -> None:
        session = access.public_session(form["sessionId"])
        once(key, message, lambda: floor.say_thanks(key, session, form["reaction"]))

    await as_guest(socket, act)


async def ping(socket: LiveConsumer, message: Message) -> None:
    socket.say(messages.pong(timezone.now()))


# --- Now and then ------------------------------------------------------------------------------------------
def _booths() -> list[str]:
    """The sessions whose DJ's socket is in this process."""
    return [code for kind, code in map(topics.split, hub.topics()) if kind == "booth"]


async def hear_hearts() -> None:
    """The DJs whose sockets are here are alive."""
    if codes := _booths():
        await in_thread(sessions.heard_from, codes)


async def write_follows() -> None:
    """Devices that opened a stage follow it: written in bulk, not one by one in the rush."""
    if _follows:
        batch = dict(_follows)
        _follows.clear()
        await in_thread(floor.follow_all, batch)


async def cut_revoked() -> None:
    """Close the sockets of DJs whose token was revoked or who logged out."""
    sockets = [s for s in hub.connections() if isinstance(s, LiveConsumer) and "credential" in s.memory]
    for socket in sockets:
        try:
            await in_thread(socket.memory["credential"].user, ApiToken.Scope.LIVE, 0)
        except Problem as problem:
            await socket.close(4401, problem.message)


async def tell_again(topic: str) -> None:
    """After a hole in the line: what is so now, to every phone on the topic."""
    kind, _ = topics.split(topic)
    if kind in {"stage", "session"}:
        snapshots.forget(Frame(topic, "", seq=1))
        hub.say(topic, encode(await snapshots.get(topic)))


chores.resync.append(tell_again)

CHORES = (
    Chore(settings.LIVE_HEARTBEAT, hear_hearts),
    Chore(2, write_follows),
    Chore(4, cut_revoked),
)
HANDLERS = {
    "REGISTER_SESSION": register_session,
    "BROADCAST_TRACK": broadcast_track,
    "METADATA_UPDATED": metadata_updated,
    "TRACK_STOPPED": track_stopped,
    "END_SESSION": end_session,
    "UPDATE_SESSION": update_session,
    "HIDE_TRACK": hide_track,
    "SUBSCRIBE": subscribe,
    "GET_SESSIONS": get_sessions,
    "VALIDATE_SESSION": validate_session,
    "SEND_TEMPO_REQUEST": send_tempo_request,
    "SEND_REACTION": send_reaction,
    "PING": ping,
}

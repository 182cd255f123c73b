"""What dancers say, and what they are told when they come."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext

from accounts.access import guest_key, guest_of
from accounts.models import Guest
from pika.codes import clean_code
from pika.errors import Problem, cleaned
from pika.live import messages, topics
from pika.live.basket import Basket
from pika.live.broker import Position, broker
from pika.live.consumer import LiveConsumer
from pika.live.counters import counters
from pika.live.hub import hub
from pika.live.messages import Message
from pika.live.snapshots import Snapshot, Snapshots
from pika.live.threads import in_thread
from stages import access, forms
from stages.actions import floor
from stages.consumers.speakers import as_guest, key_of, once
from stages.models import Play
from stages.serializers import (
    public_sessions,
    session_snapshot,
    stage_snapshot,
)

TOPICS_PER_SOCKET = 12

follows = Basket()


def _build(topic: str) -> Message:
    kind, code = topics.split(topic)
    if topic == topics.SYSTEM:
        return messages.sessions_list(public_sessions())
    position = broker().position(topic)  # before the facts: what comes later is told again
    if kind == "stage":
        return stage_snapshot(access.public_stage(code), timezone.now(), position)
    return session_snapshot(access.public_session(code), position)


snapshots = Snapshots(_build)
hub.on_change.append(snapshots.forget)


async def subscribe(socket: LiveConsumer, message: Message) -> Message:
    form = cleaned(forms.SubscribeForm, message)
    if secret := form.get("guestToken"):
        key = guest_key(secret)
        if not key:
            raise Problem(gettext("This guest token is not one of ours"), "bad_guest", 401, field="guestToken")
        socket.memory["guest"] = key
        socket.memory.pop("guest_token", None)
    key = key_of(socket)
    if "guest_token" not in socket.memory:
        socket.belongs_to(f"guest {key}")
    if not form["display"]:
        socket.listener = key
    if stage_id := form.get("stageId"):
        code = clean_code(stage_id)
        await _hear_stage(socket, code, form, key)
    else:
        await _hear_session(socket, form, key)
    token = socket.memory.get("guest_token")
    return {"guestToken": token} if token else {}


async def _hear(socket: LiveConsumer, topic: str) -> Snapshot:
    """Join first, then read the snapshot, so that nothing falls between."""
    if len(socket.topics) >= TOPICS_PER_SOCKET and topic not in socket.topics:
        raise Problem(gettext("This socket listens to too much already"), "too_many_topics")
    await socket.join(topic)
    try:
        return await snapshots.get(topic)
    except Exception:
        await socket.leave(topic)
        raise


async def _hear_stage(socket: LiveConsumer, code: str, form: dict[str, Any], key: str) -> None:
    topic = topics.stage(code)
    snapshot = await _hear(socket, topic)
    await socket.join(topics.event(snapshot.message["event"]["eventId"]))
    if not form["display"]:
        follows[key, code] = timezone.now()
        if code not in socket.memory.setdefault("visited", set()):
            socket.memory["visited"].add(code)
            socket.at_close.append(lambda: _say_goodbye(socket, code))
    if not await _resume(socket, topic, form.get("since"), snapshot):
        await _say_snapshot(socket, topic, snapshot, form, key)


async def _say_goodbye(socket: LiveConsumer, code: str) -> None:
    """Until now it was there: the last song it heard is in its journal, too."""
    follows[key_of(socket), code] = timezone.now()


async def _resume(socket: LiveConsumer, topic: str, since: str | None, snapshot: Snapshot) -> bool:
    """Tell what was missed since then; False when that is not known any more."""
    position = Position.parse(since)
    if since is None or position is None:
        return False
    if since not in snapshot.missed:
        # After a restart thousands ask for the same: the history is read once.
        is_current = since == snapshot.position
        snapshot.missed[since] = [] if is_current else await in_thread(broker().history, topic, position)
    missed = snapshot.missed[since]
    for text in missed or ():
        socket.write(text)
    counters["refreshed" if missed is None else "resumed"] += 1
    return missed is not None


async def _say_snapshot(socket: LiveConsumer, topic: str, snapshot: Snapshot, form: dict[str, Any], key: str) -> None:
    likes = await in_thread(_likes_of, key, snapshot.message) if form["mine"] else None
    socket.write(snapshot.text(len(hub.listeners(topic)), likes))


def _likes_of(key: str, snapshot: Message) -> list[str]:
    """Which of the snapshot's plays this guest likes (the likes are the next app's: its reverse name)."""
    uuids = [play["playId"] for play in snapshot["recent"]]
    liked = Play.objects.filter(uuid__in=uuids, likes__guest__in=Guest.objects.speaking(key))
    return [str(uuid) for uuid in liked.values_list("uuid", flat=True)]


async def _hear_session(socket: LiveConsumer, form: dict[str, Any], key: str) -> None:
    """A 0.3 client hears what it knows, in its order; then the snapshot."""
    snapshot = await _hear(socket, topics.session(form["sessionId"]))
    code = snapshot.message["session"]["sessionId"]
    topic = topics.session(code)
    if code != form["sessionId"]:  # typed from a poster, not quite as we write it
        await socket.leave(topics.session(form["sessionId"]))
        snapshot = await _hear(socket, topic)
    socket.say((await snapshots.get(topics.SYSTEM)).message)
    likes = await in_thread(_likes_of, key, snapshot.message) if form["mine"] else None
    count = len(hub.listeners(topic))
    socket.say(messages.listener_count(count, session_id=code, stage_id=None))
    snapshot = await snapshots.get(topic)
    if await _resume(socket, topic, form.get("since"), snapshot):
        return
    snapshot = await snapshots.get(topic)  # from here on without waiting, so that nothing newer was told before
    its = snapshot.message
    if its["state"] == "closed":
        socket.say(messages.session_ended(code))
    elif play := its["play"]:
        socket.say({"type": "NOW_PLAYING"} | play)
    for announcement in its["announcements"]:
        socket.say({"type": "ANNOUNCEMENT_RECEIVED"} | announcement)
    if poll := its["poll"]:
        socket.say({"type": "POLL_STARTED"} | {name: poll[name] for name in poll if name not in {"votes", "total"}})
        socket.say(messages.poll_update(poll["pollId"], poll["votes"]))
    socket.write(snapshot.text(count, likes))


async def get_sessions(socket: LiveConsumer, message: Message) -> None:
    """The list; who asked for it hears from now on of sessions that start and end."""
    await socket.join(topics.SYSTEM)
    socket.say((await snapshots.get(topics.SYSTEM)).message)


async def validate_session(socket: LiveConsumer, message: Message) -> None:
    code = cleaned(forms.SessionForm, message)["sessionId"]
    try:
        is_live = (await in_thread(access.public_session, code)).is_live
    except Problem:
        is_live = False
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

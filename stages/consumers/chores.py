"""What a process does for its sockets now and then."""

import logging
from itertools import cycle

from django.utils import timezone

from accounts.access import Credential
from accounts.models import ApiToken
from pika.errors import Problem
from pika.live import topics
from pika.live.chores import resync
from pika.live.consumer import open_sockets
from pika.live.hub import hub
from pika.live.messages import encode
from pika.live.threads import in_thread
from stages.actions import floor as floor_actions
from stages.actions import sessions
from stages.consumers.floor import follows, snapshots

log = logging.getLogger(__name__)

STAY_EVERY, STAY_TURNS = 10, 30  # seconds; five minutes in all
_turns = cycle(range(STAY_TURNS))


def _booths() -> list[str]:
    """The sessions whose DJ's socket is in this process."""
    return [code for kind, code in map(topics.split, hub.topics()) if kind == "booth"]


async def hear_hearts() -> None:
    """The DJs whose sockets are here are alive."""
    if codes := _booths():
        await in_thread(sessions.heard_from, codes)


async def write_follows() -> None:
    """Devices that opened a stage follow it: written in bulk, not one by one in the rush."""
    await follows.empty(floor_actions.follow_all)


async def stay() -> None:
    """Who listens to a stage is still there: written every five minutes, each time the next thirtieth of them."""
    turn = next(_turns)
    for topic in hub.topics():
        kind, code = topics.split(topic)
        if kind == "stage":
            for device in hub.listeners(topic):
                if int(device[:4], 16) % STAY_TURNS == turn:
                    follows[device, code] = timezone.now()


async def cut_revoked() -> None:
    """Close the sockets of DJs whose token was revoked or who logged out."""
    shown = {socket: socket.memory["credential"] for socket in open_sockets if "credential" in socket.memory}
    refused = await in_thread(_refused, set(shown.values())) if shown else {}
    for socket, credential in shown.items():
        if credential in refused:
            socket.hang_up(4401, refused[credential])


def _refused(credentials: set[Credential]) -> dict[Credential, str]:
    """Those that do not hold any more, and why."""
    refused = {}
    for credential in credentials:
        try:
            credential.user(ApiToken.Scope.LIVE, fresh_for=0)
        except Problem as problem:
            refused[credential] = problem.message
    return refused


async def tell_again(topic: str) -> None:
    """After a hole in the line: what is so now, to every phone on the topic."""
    kind, _ = topics.split(topic)
    if kind in {"stage", "session"}:
        snapshots.forget(topic)
        hub.say(topic, encode((await snapshots.get(topic)).message))


resync.append(tell_again)

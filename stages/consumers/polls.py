"""What is said about polls: the DJ asks, the floor votes, and now and then all hear how it stands."""

import time
from collections.abc import Callable

from accounts.access import guest_of
from accounts.models import ApiToken
from pika.errors import Problem, cleaned
from pika.live import messages
from pika.live.consumer import LiveConsumer
from pika.live.messages import Message
from pika.live.snapshots import FRESH_FOR
from pika.live.threads import in_thread
from stages import access, forms
from stages.actions import polls
from stages.actions.polls import Rejected
from stages.consumers.speakers import as_dj, as_guest, believe, credential_of
from stages.models import Poll, Session

voted: set[str] = set()  # polls that got votes here since the floor was told
_again: dict[str, float] = {}  # when they are told once more


async def start_poll(socket: LiveConsumer, message: Message) -> Message:
    form = cleaned(forms.StartPollForm, message)

    def act(session: Session) -> Poll:
        access.check_open(session.stage)
        return polls.start_poll(session, form["question"], form["options"], form["durationSeconds"])

    poll = await as_dj(socket, message, act)
    return {"pollId": poll.code} if poll else {}


async def end_poll(socket: LiveConsumer, message: Message) -> None:
    await _as_its_dj(socket, message, polls.end_poll)


async def cancel_poll(socket: LiveConsumer, message: Message) -> None:
    await _as_its_dj(socket, message, lambda poll: polls.end_poll(poll, is_cancelled=True))


async def _as_its_dj(socket: LiveConsumer, message: Message, act: Callable[[Poll], None]) -> None:
    code = cleaned(forms.PollForm, message)["pollId"]
    credential = credential_of(socket)
    await in_thread(lambda: act(access.poll_for_dj(credential.user(ApiToken.Scope.LIVE), code)))
    believe(socket, credential)


async def vote_on_poll(socket: LiveConsumer, message: Message) -> None:
    form = cleaned(forms.VoteForm, message)
    code, option = form["pollId"], form["optionIndex"]
    try:
        await as_guest(socket, lambda key: polls.vote(guest_of(key), access.public_poll(code), option))
    except Problem as problem:
        counts = problem.option if isinstance(problem, Rejected) else None
        socket.say(messages.vote_rejected(code, problem.message, counts))
        raise
    socket.say(messages.vote_confirmed(code, option))
    voted.add(code)


async def tell_votes() -> None:
    """How the polls stand that got votes here: told together, and once more when no kept snapshot is older."""
    now = time.monotonic()
    fresh = set(voted)
    late = {code for code, at in _again.items() if at <= now}
    if not fresh | late:
        return
    voted.difference_update(fresh)  # what comes meanwhile is for the next time
    try:
        told = await in_thread(polls.tell_votes, fresh | late)
    except Exception:
        voted.update(fresh)
        raise
    voted.update(fresh - told)
    for code in late & told:
        del _again[code]
    # The totals have no seq, so they do not renew the snapshots that every process keeps for newcomers.
    _again.update(dict.fromkeys(fresh & told, now + FRESH_FOR + 1))

"""What is said on the socket about likes."""

from typing import Any

from django.conf import settings

from accounts.access import guest_of
from pika.errors import Problem, cleaned
from pika.limits import over_limit
from pika.live.consumer import LiveConsumer
from pika.live.messages import Message
from stages.access import public_play
from stages.consumers.speakers import as_guest
from stages.models import Play
from tracks import actions, forms


def _meant(form: dict[str, Any]) -> Play:
    track = form.get("payload", {}).get("track", {})
    return public_play(form.get("playId"), form.get("sessionId", ""), track.get("title", ""), track.get("artist", ""))


async def send_like(socket: LiveConsumer, message: Message) -> Message:
    form = cleaned(forms.LikeForm, message)

    def act(key: str) -> Message:
        play = _meant(form)
        if wait := over_limit("like", key, settings.LIKES_PER_MINUTE, 60):
            raise Problem(f"That is a lot of hearts. Try again in {wait} s.", "too_often", 429, retry_after=wait)
        return {"playId": str(play.uuid), "isNew": actions.like(guest_of(key), play)}

    return await as_guest(socket, act)


async def remove_like(socket: LiveConsumer, message: Message) -> Message:
    form = cleaned(forms.LikeForm, message)

    def act(key: str) -> Message:
        play = _meant(form)
        actions.unlike(guest_of(key), play)
        return {"playId": str(play.uuid)}

    return await as_guest(socket, act)


async def send_bulk_like(socket: LiveConsumer, message: Message) -> Message:
    """Catching up after being offline. What is not there (any more) is counted, not refused."""
    form = cleaned(forms.BulkLikeForm, message)

    def act(key: str) -> Message:
        if wait := over_limit("bulk-like", key, 10, 60):
            raise Problem(f"Please try again in {wait} s.", "too_often", 429, retry_after=wait)
        found, missing = [], 0
        for item in form["payload"]["tracks"]:
            try:
                session_id = item.get("sessionId") or form.get("sessionId", "")
                found.append(public_play(item.get("playId"), session_id, item.get("title", ""), item["artist"]))
            except Problem:
                missing += 1
        new = actions.like_all(guest_of(key), found)
        return {"liked": new, "known": len(found) - new, "missing": missing}

    return await as_guest(socket, act)


HANDLERS = {"SEND_LIKE": send_like, "REMOVE_LIKE": remove_like, "SEND_BULK_LIKE": send_bulk_like}

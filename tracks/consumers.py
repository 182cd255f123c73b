"""What is said on the socket about likes, and about what comes next."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext

from accounts.access import guest_of
from pika.errors import Problem, cleaned
from pika.limits import limit, over_limit
from pika.live.consumer import LiveConsumer
from pika.live.messages import Message, iso
from stages.access import public_play, public_plays
from stages.consumers.speakers import as_dj, as_guest
from stages.forms import play_fields
from stages.models import Play, Session
from tracks import forms
from tracks.actions import likes
from tracks.actions.linking import repeat_ahead


def _meant(form: dict[str, Any]) -> Play:
    track = form.get("payload", {}).get("track", {})
    return public_play(form.get("playId"), form.get("sessionId", ""), track.get("title", ""), track.get("artist", ""))


async def send_like(socket: LiveConsumer, message: Message) -> Message:
    form = cleaned(forms.LikeForm, message)

    def act(key: str) -> Message:
        play = _meant(form)
        if wait := over_limit("like", key, settings.LIKES_PER_MINUTE, 60):
            raise Problem(
                gettext("That is a lot of hearts. Try again in %(wait)s s.") % {"wait": wait},
                "too_often",
                429,
                retry_after=wait,
            )
        return {"playId": str(play.uuid), "isNew": likes.like(guest_of(key), play)}

    return await as_guest(socket, act)


async def remove_like(socket: LiveConsumer, message: Message) -> Message:
    form = cleaned(forms.LikeForm, message)

    def act(key: str) -> Message:
        play = _meant(form)
        likes.unlike(guest_of(key), play)
        return {"playId": str(play.uuid)}

    return await as_guest(socket, act)


async def send_bulk_like(socket: LiveConsumer, message: Message) -> Message:
    """Catching up after being offline. What is not there (any more) is counted, not refused."""
    form = cleaned(forms.BulkLikeForm, message)

    def act(key: str) -> Message:
        limit("bulk-like", key, settings.BULK_LIKES_PER_MINUTE)
        tracks, session_id = form["payload"]["tracks"], form.get("sessionId", "")
        meant = [
            (its.get("playId"), its.get("sessionId") or session_id, its.get("title", ""), its["artist"])
            for its in tracks
        ]
        found = public_plays(meant)
        new = likes.like_all(guest_of(key), found)
        return {"liked": new, "known": len(found) - new, "missing": len(meant) - len(found)}

    return await as_guest(socket, act)


def _repeat_of(played_at: datetime, stage_name: str, dj_name: str, words: str) -> Message:
    return {"playedAt": iso(played_at), "stageName": stage_name, "djName": dj_name, "words": words}


async def next_track(socket: LiveConsumer, message: Message) -> Message | None:
    """What the DJ has ready: was it played here before? Nobody else hears of it, and nothing is kept."""
    form = cleaned(forms.NextTrackForm, message)

    def act(session: Session) -> Message:
        its = repeat_ahead(session, play_fields(form["track"]))
        return {"repeat": its and _repeat_of(**its)}

    return await as_dj(socket, message, act, is_safe=True)


HANDLERS = {
    "SEND_LIKE": send_like,
    "REMOVE_LIKE": remove_like,
    "SEND_BULK_LIKE": send_bulk_like,
    "NEXT_TRACK": next_track,
}

"""The doors of the socket for stages, sessions and plays."""

from django.conf import settings

from pika.live.chores import Chore
from stages.consumers import announcements, booth, floor, polls
from stages.consumers.chores import STAY_EVERY, cut_revoked, hear_hearts, stay, write_follows

CHORES = (
    Chore(settings.LIVE_HEARTBEAT, hear_hearts),
    Chore(2, write_follows),
    Chore(STAY_EVERY, stay),
    Chore(1, announcements.write_seen),
    Chore(4, cut_revoked),
    Chore(settings.LIVE_POLL_EVERY, polls.tell_votes),
)
HANDLERS = {
    "REGISTER_SESSION": booth.register_session,
    "BROADCAST_TRACK": booth.broadcast_track,
    "METADATA_UPDATED": booth.metadata_updated,
    "TRACK_STOPPED": booth.track_stopped,
    "END_SESSION": booth.end_session,
    "UPDATE_SESSION": booth.update_session,
    "HIDE_TRACK": booth.hide_track,
    "START_POLL": polls.start_poll,
    "END_POLL": polls.end_poll,
    "CANCEL_POLL": polls.cancel_poll,
    "SEND_ANNOUNCEMENT": announcements.send_announcement,
    "CANCEL_ANNOUNCEMENT": announcements.cancel_announcement,
    "SEEN_ANNOUNCEMENT": announcements.seen_announcement,
    "SUBSCRIBE": floor.subscribe,
    "GET_SESSIONS": floor.get_sessions,
    "VALIDATE_SESSION": floor.validate_session,
    "SEND_TEMPO_REQUEST": floor.send_tempo_request,
    "SEND_REACTION": floor.send_reaction,
    "VOTE_ON_POLL": polls.vote_on_poll,
    "PING": floor.ping,
}

"""Live: stages, their timetable, sessions and plays, polls, announcements."""

from stages.models.announcements import Announcement, AnnouncementQuerySet, Seen
from stages.models.places import Follow, Stage, Visit
from stages.models.polls import Poll, PollQuerySet, PollVote, new_poll_code
from stages.models.sessions import Play, Session, Tempo
from stages.models.timetable import Release, Slot, SlotEdit, Star

__all__ = [
    "Announcement",
    "AnnouncementQuerySet",
    "Follow",
    "Play",
    "Poll",
    "PollQuerySet",
    "PollVote",
    "Release",
    "Seen",
    "Session",
    "Slot",
    "SlotEdit",
    "Stage",
    "Star",
    "Tempo",
    "Visit",
    "new_poll_code",
]

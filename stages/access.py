"""Stages and sessions, fetched and authorised in one step; Problem (404) for what one may not know."""

from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext

from accounts.access import manages
from accounts.models import Guest, Membership, User
from events.models import Event, Mute
from pika.codes import clean_code
from pika.errors import Problem
from stages.models import Announcement, AnnouncementQuerySet, Follow, Play, Poll, Session, Slot, Stage
from stages.models.sessions import PlayQuerySet


def public_stage(code: str) -> Stage:
    """The stage a dancer means by `code`."""
    stage = Stage.objects.public().select_related("event__organizer").filter(code=clean_code(code)).first()
    if stage is None:
        raise Problem(gettext("Stage not found"), "stage_not_found", 404, field="stageId")
    return stage


def stage_for_dj(user: User, code: str) -> Stage:
    """A stage where `user` may go live: its booth is open to DJs, or they are in the house."""
    stages = Stage.objects.known().select_related("event__organizer")
    stage = stages.filter(code=clean_code(code)).first()
    if stage is None:
        raise Problem(gettext("Stage not found"), "stage_not_found", 404, field="stageId")
    event = stage.event
    is_invited = event.is_booth_open or event.stages.filter(slots__dj=user).exists()
    if not is_invited and not manages(user, event.organizer_id):
        raise Problem(gettext("Stage not found"), "stage_not_found", 404, field="stageId")
    if stage.is_closed or event.status == Event.Status.ARCHIVED:
        raise Problem(gettext("This stage is closed"), "stage_closed", 409, field="stageId")
    check_open(stage)
    return stage


def check_open(stage: Stage | None) -> None:
    """Problem (503: not now, but perhaps later, so that no program throws its tracks away): it is suspended."""
    if stage and stage.event.organizer.suspended_at:
        words = gettext("“{name}” is suspended: the floor hears nothing until that is over. Your set stays open.")
        raise Problem(words.format(name=stage.event.organizer), "suspended", 503, retry_after=60)


def stage_for_manager(user: User, code: str) -> Stage:
    """A stage, draft or public, of an organizer that `user` manages."""
    stages = Stage.objects.select_related("event").filter(event__in=Event.objects.managed_by(user))
    stage = stages.filter(code=clean_code(code)).first()
    if stage is None:
        raise Problem(gettext("Stage not found"), "stage_not_found", 404, field="stageId")
    return stage


def slots_of(event: Event) -> QuerySet[Slot]:
    """The event's timetable, in order."""
    return Slot.objects.filter(stage__event=event).select_related("stage", "dj").order_by("starts_at", "id")


def public_session(code: str) -> Session:
    """A session anybody may listen to: a Quick Start, or one on a public stage."""
    sessions = Session.objects.select_related("stage__event")
    session = sessions.filter(
        Q(stage=None) | Q(stage__in=Stage.objects.public()), code__in=[code, clean_code(code)]
    ).first()
    if session is None:
        raise Problem(gettext("Session not found"), "session_not_found", 404, field="sessionId")
    return session


def session_for_dj(user: User, code: str) -> Session:
    """The session, if it is `user`'s own."""
    # Asked with every message of a DJ: half of all sessions have no stage, and joining four tables is dear.
    session = Session.objects.filter(code=code, dj=user).first()
    if session is None:
        raise Problem(gettext("Session not found"), "session_not_found", 404, field="sessionId")
    if session.stage_id:
        session.stage = Stage.objects.select_related("event__organizer").get(pk=session.stage_id)
    return session


def play_for_dj(session: Session, uuid: UUID) -> Play:
    """A play of this session."""
    play = session.plays.filter(uuid=uuid).first()
    if play is None:
        raise Problem(gettext("Track not found"), "play_not_found", 404, field="playId")
    play.session = session
    return play


def poll_for_dj(user: User, code: str) -> Poll:
    """The poll, if it is of a session of `user`'s own."""
    poll = Poll.objects.select_related("session__stage__event").filter(code=code, session__dj=user).first()
    if poll is None:
        raise Problem(gettext("Poll not found"), "poll_not_found", 404, field="pollId")
    return poll


def public_poll(code: str) -> Poll:
    """A poll that anybody may vote in: of a Quick Start, or on a public stage; also when it is over."""
    polls = Poll.objects.filter(Q(session__stage=None) | Q(session__stage__in=Stage.objects.public()))
    poll = polls.filter(code=code).first()
    if poll is None:
        raise Problem(gettext("Poll not found"), "poll_not_found", 404, field="pollId")
    return poll


def _heard_by_anybody() -> PlayQuerySet:
    plays = Play.objects.public().select_related("session__stage__event")
    return plays.filter(Q(session__stage=None) | Q(session__stage__in=Stage.objects.public()))


def public_play(uuid: UUID | None, session_code: str = "", title: str = "", artist: str = "") -> Play:
    """The play a dancer means: by its id, else the newest of that name in the session (0.3 clients)."""
    plays = _heard_by_anybody()
    if uuid is not None:
        play = plays.filter(uuid=uuid).first()
    else:
        named = plays.filter(session__code=session_code, title=title, artist=artist)
        play = named.newest_first().first() if session_code else None
    if play is None:
        raise Problem(gettext("Track not found"), "play_not_found", 404, field="playId")
    return play


def public_plays(meant: Sequence[tuple[UUID | None, str, str, str]]) -> list[Play]:
    """What `public_play` would say of each of these, without those that are not there; two queries at most."""
    uuids = {uuid for uuid, *_ in meant if uuid}
    names = {tuple(name) for uuid, *name in meant if not uuid and name[0]}
    found: dict[Any, Play] = {}
    if uuids:
        found |= {play.uuid: play for play in _heard_by_anybody().filter(uuid__in=uuids)}
    if names:
        codes, titles, artists = (set(part) for part in zip(*names, strict=True))
        named = _heard_by_anybody().filter(session__code__in=codes, title__in=titles, artist__in=artists)
        for play in named.newest_first():
            found.setdefault((play.session.code, play.title, play.artist), play)
    its = (found.get(uuid or tuple(name)) for uuid, *name in meant)
    return [play for play in its if play]


def lively_stages(at: datetime) -> list[Stage]:
    """Public stages with a DJ right now, for the welcome page; at most 12."""
    live = Session.objects.live().filter(stage__in=Stage.objects.public()).values("stage")
    return list(Stage.objects.filter(pk__in=live).select_related("event")[:12])


def stages_for_booth(user: User, at: datetime) -> list[Stage]:
    """Where `user` may go live tonight; at most 30. First their own slots (`slot_at`, `slot_ends_at`).

    These are the stages of their slots, of their house's coming events, and of every event that runs
    now; `playing` is who is live there. Each of them is one that `stage_for_dj` gives.
    """
    house = Membership.objects.filter(organizer=OuterRef("event__organizer"), user=user)
    slots = Slot.objects.filter(dj=user)
    mine = slots.filter(
        stage=OuterRef("pk"), ends_at__gt=at - timedelta(hours=1), starts_at__lt=at + timedelta(hours=18)
    )
    live = Session.objects.live().filter(stage=OuterRef("pk")).latest_track_first()
    # A day of slack on both ends: the dance day runs to 06:00, and zones differ.
    is_coming = Q(event__ends_on__gte=(at - timedelta(days=1)).date())
    is_running = is_coming & Q(event__starts_on__lte=(at + timedelta(days=1)).date())
    stages = (
        Stage.objects.public()
        .filter(is_closed=False, event__status=Event.Status.PUBLISHED)
        .filter(
            Q(event__is_booth_open=True)
            | Exists(slots.filter(stage__event=OuterRef("event")))
            | Exists(house.filter(role__in=[Membership.Role.OWNER, Membership.Role.MANAGER]))
        )
        .annotate(
            slot_at=Subquery(mine.order_by("starts_at").values("starts_at")[:1]),
            slot_ends_at=Subquery(mine.order_by("starts_at").values("ends_at")[:1]),
            playing=Subquery(live.values("dj_name")[:1]),
        )
        .filter(Q(slot_at__isnull=False) | Q(is_running) | (is_coming & Exists(house)))
    )
    order = (F("slot_at").asc(nulls_last=True), "event__starts_on", "event_id", "position", "id")
    return list(stages.select_related("event").order_by(*order)[:30])


# --- Announcements ----------------------------------------------------------------------------------------
def announcements_of(event: Event) -> AnnouncementQuerySet:
    """The event's announcements with their counts until now, the newest first."""
    return event.announcements.counted().select_related("push", "author").prefetch_related("stages")


def announcement_of_event(event: Event, code: str) -> Announcement:
    """An announcement that was made for this event."""
    announcement = announcements_of(event).filter(code=code).first()
    if announcement is None:
        raise Problem(gettext("Announcement not found"), "announcement_not_found", 404, field="announcementId")
    announcement.event = event
    return announcement


def announcement_of_session(session: Session, code: str) -> Announcement:
    """An announcement of this session's DJ."""
    announcement = session.announcements.filter(code=code).first()
    if announcement is None:
        raise Problem(gettext("Announcement not found"), "announcement_not_found", 404, field="announcementId")
    announcement.session = session
    return announcement


def stages_of_event(event: Event, codes: Iterable[str]) -> list[Stage]:
    """These stages, each of them of the event."""
    wanted = {clean_code(code) for code in codes}
    stages = list(event.stages.filter(code__in=wanted))
    if len(stages) < len(wanted):
        raise Problem(gettext("Stage not found"), "stage_not_found", 404, field="stageIds")
    return stages


def doors_open_at(event: Event) -> datetime:
    """From here on who follows a stage is there; who comes the evening before counts."""
    return datetime.combine(event.starts_on, time(), event.zone) - timedelta(days=1)


def followers(stages: Iterable[Stage], since: datetime) -> QuerySet[Guest]:
    """Devices that opened one of these stages since then, each once."""
    follows = Follow.objects.filter(guest=OuterRef("pk"), stage__in=stages, last_at__gte=since)
    return Guest.objects.filter(Exists(follows))


def not_muted(guests: QuerySet[Guest], event: Event) -> QuerySet[Guest]:
    """Those of `guests` that did not say they want no push of this event."""
    return guests.exclude(Exists(Mute.objects.filter(guest=OuterRef("pk"), event=event)))


def events_of_guest(key: str, first: str = "") -> list[Event]:
    """Events that may notify this device, with `is_muted`: it followed or muted them; that of the slug `first`."""
    followed = Follow.objects.filter(guest__in=Guest.objects.speaking(key), stage__event=OuterRef("pk"))
    muted = Mute.objects.filter(guest__in=Guest.objects.speaking(key), event=OuterRef("pk"))
    its = Event.objects.shown().annotate(is_muted=Exists(muted))
    known = its.filter(Q(Exists(followed)) | Q(is_muted=True) | Q(slug=first)).order_by("-starts_on", "name")[:30]
    return sorted(known, key=lambda event: event.slug != first)


def event_slug_of_stage(code: str) -> str:
    """The event that a stage's page belongs to; empty if there is none."""
    return Stage.objects.filter(code=clean_code(code)).values_list("event__slug", flat=True).first() or ""

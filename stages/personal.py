"""What somebody did on floors: handed out on request, erased with the account."""

from django.db.models import Q

from accounts.models import PushMessage, User
from accounts.personal import Rows, eraser, forget_names, rows_of, section
from stages.models import (
    Announcement,
    Follow,
    Play,
    Poll,
    PollVote,
    Release,
    Seen,
    Session,
    Slot,
    SlotEdit,
    Stage,
    Star,
    Tempo,
    Visit,
)

SOMEBODY = "DJ"  # whom the floor heard, once the account is gone


# --- As a DJ ------------------------------------------------------------------------------------------------------
@section("sets", Session)
def _sets(user: User) -> Rows:
    its = {name: name for name in ("started_at", "ended_at", "dj_name", "note")}
    return rows_of(user.sessions.all(), event="stage__event__name", stage="stage__name", **its)


@section("plays", Play)
def _plays(user: User) -> Rows:
    its = {name: name for name in ("played_at", "artist", "title", "remix", "album", "isrc", "is_hidden")}
    return rows_of(Play.objects.filter(session__dj=user), stage="session__stage__name", **its)


@section("questions", Poll)
def _questions(user: User) -> Rows:
    found = rows_of(
        Poll.objects.filter(session__dj=user), created_at="created_at", question="question", options="options"
    )
    return ({**row, "options": " | ".join(row["options"])} for row in found)


@section("slots", Slot)
def _slots(user: User) -> Rows:
    its = {name: name for name in ("starts_at", "ends_at", "dj_name", "title", "kind")}
    return rows_of(user.slots.all(), event="stage__event__name", stage="stage__name", **its)


# --- As an organizer ------------------------------------------------------------------------------------------------
@section("announcements", Announcement)
def _announcements(user: User) -> Rows:
    its = {name: name for name in ("created_at", "message", "priority", "ends_at", "cancelled_at")}
    return rows_of(Announcement.objects.filter(author=user), event="event__name", **its)


@section("timetable_changes", SlotEdit)
def _changes(user: User) -> Rows:
    """Those that are not published yet, by this person or about them."""
    its = {name: name for name in ("edited_at", "starts_at", "ends_at", "dj_name", "title")}
    found = SlotEdit.objects.filter(Q(edited_by=user) | Q(dj=user))
    return rows_of(found, event="event__name", stage="stage__name", **its)


@section("timetable_publications", Release)
def _publications(user: User) -> Rows:
    its = Release.objects.filter(published_by=user)
    return rows_of(its, event="event__name", published_at="published_at", notified_at="notified_at")


# --- As a dancer ----------------------------------------------------------------------------------------------------
STAGE = {"event": "stage__event__name", "stage": "stage__name", "first_at": "first_at", "last_at": "last_at"}
PLAY = {"artist": "play__artist", "title": "play__title", "played_at": "play__played_at"}


@section("floors", Follow)
def _floors(user: User) -> Rows:
    return rows_of(Follow.objects.filter(guest__user=user), **STAGE)


@section("nights", Visit)
def _nights(user: User) -> Rows:
    return rows_of(Visit.objects.filter(guest__user=user), night_on="night_on", **STAGE)


@section("stars", Star)
def _stars(user: User) -> Rows:
    slot = {"starts_at": "slot__starts_at", "dj": "slot__dj_name", "title": "slot__title"}
    return rows_of(Star.objects.filter(guest__user=user), created_at="created_at", stage="slot__stage__name", **slot)


@section("votes", PollVote)
def _votes(user: User) -> Rows:
    its = {"asked_at": "poll__created_at", "question": "poll__question", "option": "option"}
    return rows_of(PollVote.objects.filter(guest__user=user), **its)


@section("tempo", Tempo)
def _tempo(user: User) -> Rows:
    return rows_of(Tempo.objects.filter(guest__user=user), wish="preference", **PLAY)


@section("announcements_seen", Seen)
def _seen(user: User) -> Rows:
    return rows_of(Seen.objects.filter(guest__user=user), seen_at="seen_at", message="announcement__message")


# --- Gone -----------------------------------------------------------------------------------------------------------
@eraser
def _erase(user: User) -> None:
    """Sets, songs and totals stay, for the floors they were part of; where she was, and her name, do not."""
    names = _names(user)
    for model in (Follow, Visit, Star):
        model.objects.filter(guest__user=user).delete()
    _forget_the_dj(user, names)
    events = Stage.objects.filter(Q(slots__dj=user) | Q(sessions__dj=user)).values("event")
    SlotEdit.objects.filter(dj=user).update(dj=None, dj_name=SOMEBODY)
    Slot.objects.filter(dj=user).update(dj=None, dj_name=SOMEBODY)
    forget_names(Release.objects.filter(event__in=events), ["changes"], names, SOMEBODY)
    forget_names(PushMessage.objects.all(), ["title", "body"], names, SOMEBODY)


def _names(user: User) -> set[str]:
    """What floors and timetables call this person."""
    called = {user.name, user.email}
    for model in (Session, Slot, SlotEdit):
        called |= set(model.objects.filter(dj=user).values_list("dj_name", flat=True))  # type: ignore[attr-defined]
    return called - {SOMEBODY, ""}


def _forget_the_dj(user: User, names: set[str]) -> None:
    sessions = Session.objects.filter(dj=user)
    forget_names(Poll.objects.filter(session__in=sessions), ["question", "options"], names, SOMEBODY)
    told = Announcement.objects.filter(Q(author=user) | Q(session__in=sessions))
    forget_names(told, ["message"], names, SOMEBODY)
    forget_names(Slot.objects.filter(dj=user), ["title"], names, SOMEBODY)
    forget_names(SlotEdit.objects.filter(dj=user), ["title"], names, SOMEBODY)
    sessions.update(dj_name=SOMEBODY, note="")

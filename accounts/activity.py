"""The activity log: who did what, on what, when. It may fail; what it tells of may not fail with it."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import Activity, Organizer, User

log = logging.getLogger(__name__)

# What people read; {who} did it on {what}.
VERBS = {
    "go_live": _("{who} went live on {what}"),
    "end_set": _("{who} ended the set on {what}"),
    "create_event": _("{who} created the event {what}"),
    "change_event": _("{who} changed the event {what}"),
    "publish_event": _("{who} published the event {what}"),
    "unpublish_event": _("{who} made the event {what} a draft again"),
    "archive_event": _("{who} archived the event {what}"),
    "publish_timetable": _("{who} published the timetable of {what}"),
    "shift_stage": _("{who} let {what} run late"),
    "notify_timetable": _("{who} told those whom the timetable of {what} touches"),
    "announce": _("{who} announced: {what}"),
    "cancel_announcement": _("{who} cancelled the announcement: {what}"),
    "apply_organizer": _("{who} applied to run events as {what}"),
    "approve_organizer": _("{who} approved {what}"),
    "reject_organizer": _("{who} did not approve {what}"),
    "suspend_organizer": _("{who} suspended {what}"),
    "lift_organizer": _("{who} lifted the suspension of {what}"),
    "invite_member": _("{who} made an invitation: {what}"),
    "revoke_invitation": _("{who} took back an invitation: {what}"),
    "join_organizer": _("{who} joined as {what}"),
    "change_role": _("{who} changed the role of {what}"),
    "remove_member": _("{who} removed {what}"),
    "leave_organizer": _("{who} left {what}"),
    "make_token": _("{who} logged in the program {what}"),
    "revoke_token": _("{who} logged out the program {what}"),
    "create_account": _("{who} made an account"),
    "change_password": _("{who} changed the password"),
    "change_email": _("{who} changed the e-mail address"),
    "change_second_factor": _("{who} changed the second factor: {what}"),
    "claim_device": _("{who} took over what a device had collected: {what}"),
    "sign_out_device": _("{who} signed out {what}"),
    "sign_out_everywhere": _("{who} signed out all other devices"),
    "rename": _("{who} chose another name"),
    "become_dj": _("{who} became a DJ"),
    "stop_being_dj": _("{who} stopped being a DJ"),
    "change_settings": _("{who} changed the settings"),
    "export_data": _("{who} took a copy of all data"),
    "export_songs": _("{who} exported songs: {what}"),
    "export_playlist": _("{who} had a playlist made: {what}"),
    "link_spotify": _("{who} linked a Spotify account"),
    "unlink_spotify": _("{who} disconnected the Spotify account"),
    "merge_track": _("{who} merged recordings: {what}"),
    "split_track": _("{who} split a recording: {what}"),
    "correct_track": _("{who} corrected a recording: {what}"),
    "override_track": _("{who} decided what something is: {what}"),
    "ban_verifier": _("{who} lets the word of {what} on recordings count no more"),
    "voice_verifier": _("{who} joined two accounts to one voice: {what}"),
    "undo_track_change": _("{who} took back a change of recordings: {what}"),
    "delete_account": _("{who} deleted the account"),
}
SOMEBODY = gettext_lazy("somebody who left")


def note(
    actor: User | None, verb: str, target: object = "", organizer: Organizer | None = None, event: str = ""
) -> None:
    """Write down, after the commit, that `actor` did this. `event`: a slug; `target`: as people know it today, or a
    person, of whom we keep no name here. What nobody did (no `actor`: a clock) is not written down.

    Never raises: an unknown verb and a broken table are logged, nothing more.
    """
    if actor is None:
        return
    row = Activity(
        actor=actor,
        verb=verb[:40],
        target=f"@{target.pk}" if isinstance(target, User) else str(target)[:200],
        organizer_id=organizer.pk if organizer else None,
        event_slug=event[:80],
    )

    def write() -> None:
        try:
            with transaction.atomic():  # what fails in here must not break a transaction around us
                row.save(force_insert=True)
        except Exception:  # whatever it is: the deed is done
            log.exception("could not note %s", verb)

    if verb not in VERBS:
        log.error("unknown verb %s", verb)
    transaction.on_commit(write, robust=True)


@dataclass(frozen=True)
class Line:
    """One row in words."""

    words: str
    done_at: datetime
    event_slug: str


def lines(rows: Iterable[Activity]) -> list[Line]:
    """`rows` (with their actors) as people read them; one query for whom they were done to."""
    rows = list(rows)
    people = {row.target[1:] for row in rows if _is_person(row)}
    names = {f"@{user.pk}": str(user) for user in User.objects.filter(pk__in=people)} if people else {}

    def words(row: Activity) -> str:
        what = names.get(row.target, str(SOMEBODY)) if _is_person(row) else row.target or "–"
        who = str(row.actor or SOMEBODY)
        return str(VERBS[row.verb]).format(who=who, what=what) if row.verb in VERBS else f"{who}: {row.verb}"

    return [Line(words(row), row.done_at, row.event_slug) for row in rows]


def _is_person(row: Activity) -> bool:
    return row.target[:1] == "@" and row.target[1:].isdecimal() and len(row.target) < 20


def choices() -> list[tuple[str, str]]:
    """(verb, what it is called) to choose from."""
    return [(verb, str(words).format(who="…", what="…")) for verb, words in VERBS.items()]

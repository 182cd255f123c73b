"""Tell those whom a changed timetable touches: once, each person in one message, never who changed it."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts import push
from accounts.activity import note
from accounts.models import Guest, User
from events.models import Event
from pika.errors import Problem
from stages.access import not_muted, slots_of
from stages.actions.timetable import lock
from stages.changes import Change, body_of, is_over, merged, stages_of, told
from stages.models import Follow, Release, Star
from stages.timetable import entry_of

SHORTEST, LONGEST = 3600, 24 * 3600  # seconds that a phone which is away may hear of it later


@dataclass(frozen=True)
class Audience:
    """Who would be told what: the same for the preview and for the send."""

    changes: list[Change]
    groups: list[tuple[list[Change], list[int]]]  # the same changes: these guests, each of them a person

    @property
    def guests(self) -> list[int]:
        return [guest for _changes, guests in self.groups for guest in guests]

    @property
    def people(self) -> int:
        return len(self.guests)

    def phones(self, at: datetime) -> int:
        return push.phones(Guest.objects.filter(pk__in=self.guests), False, at).count()


def untold(event: Event) -> list[Release]:
    """Publications that nobody was told of yet, the oldest first."""
    return list(event.releases.filter(notified_at=None).order_by("published_at", "id"))


def audience(event: Event, author: User, releases: list[Release], now: datetime) -> Audience:
    """Those whom these publications touch, as far as they are not over; in a handful of queries."""
    changes = [change for change in _as_it_is(event, releases) if not is_over(change, now)]
    authors = {author.pk} | {release.published_by_id for release in releases if release.published_by_id}
    return audience_of(event, authors, changes)


def audience_of(event: Event, authors: set[int], changes: list[Change]) -> Audience:
    """Those who follow a touched stage or starred a touched slot, and what touches each of them."""
    touched = _touched(event, changes)
    wanted = Guest.objects.filter(pk__in=touched).exclude(user__in=authors)
    guests = list(not_muted(wanted, event).order_by("pk").values_list("pk", flat=True))
    groups: dict[frozenset[int], list[int]] = defaultdict(list)
    for guest in guests:
        groups[frozenset(touched[guest])].append(guest)
    each = [([changes[number] for number in sorted(numbers)], its) for numbers, its in groups.items()]
    return Audience(changes, each)


def _as_it_is(event: Event, releases: list[Release]) -> list[Change]:
    """From what was before these publications to what is published now: later ones may have changed it again."""
    names = dict(event.stages.values_list("code", "name"))
    now = {slot.code: told(entry_of(slot), names) for slot in slots_of(event)}
    changes = merged(release.changes for release in releases)
    current = [{**change, "to": now.get(change["slotId"])} for change in changes]
    return merged([sorted(current, key=lambda change: (change["to"] or change["from"] or {}).get("startsAt", ""))])


def _touched(event: Event, changes: list[Change]) -> dict[int, set[int]]:
    """{guest: numbers of the changes that touch it}"""
    by_stage: dict[str, set[int]] = defaultdict(set)
    by_slot = {change["slotId"]: number for number, change in enumerate(changes)}
    touched: dict[int, set[int]] = defaultdict(set)
    stars = {guest for change in changes for guest in change.get("stars", ())}
    # Who starred it then may have claimed the device since.
    homes = {its.pk: its.home_id or its.pk for its in Guest.objects.filter(pk__in=stars)}
    for number, change in enumerate(changes):
        for code in stages_of(change):
            by_stage[code].add(number)
        for guest in change.get("stars", ()):
            touched[homes.get(guest, guest)].add(number)
    follows = Follow.objects.filter(stage__event=event, stage__code__in=by_stage)
    for guest, code in follows.values_list("guest_id", "stage__code"):
        touched[guest] |= by_stage[code]
    for guest, code in Star.objects.filter(slot__code__in=by_slot).values_list("guest_id", "slot__code"):
        touched[guest].add(by_slot[code])
    return touched


def notify(event: Event, author: User, count: int, now: datetime) -> Audience:
    """Send the difference of the last `count` publications that nobody was told of. The older ones are settled, too."""
    with transaction.atomic():
        lock(event)
        if not is_public(event):
            raise Problem(_("Dancers cannot see this event yet, so there is nobody to tell."), "event_not_public", 409)
        waiting = untold(event)
        if not waiting:
            raise Problem(_("Everybody was told already."), "already_told", 409)
        if not 0 < count <= len(waiting):
            raise Problem(_("There was another publication meanwhile. Please look again."), "timetable_changed", 409)
        Release.objects.filter(pk__in=[release.pk for release in waiting]).update(notified_at=now)
        note(author, "notify_timetable", event, event.organizer, event.slug)
        return _tell(event, author, waiting[-count:], now)


def notify_of(release: Release, author: User, now: datetime) -> Audience:
    """Send the difference of this one publication, once; others stay untold. Nobody hears of a hidden event."""
    event = release.event
    with transaction.atomic():
        lock(event)
        is_first = Release.objects.filter(pk=release.pk, notified_at=None).update(notified_at=now)
        releases = [release] if is_first and is_public(event) else []
        return _tell(event, author, releases, now)


def is_public(event: Event) -> bool:
    """Dancers can see it right now."""
    return Event.objects.public().filter(pk=event.pk).exists()


def _tell(event: Event, author: User, releases: list[Release], now: datetime) -> Audience:
    found = audience(event, author, releases, now)
    for changes, guests in found.groups:
        _send(event, changes, guests, now)
    return found


def _send(event: Event, changes: list[Change], guests: list[int], now: datetime) -> None:
    ends = [
        datetime.fromisoformat(side["endsAt"]) for change in changes for side in (change["from"], change["to"]) if side
    ]
    title, body = words_of(event, changes)
    push.push(
        Guest.objects.filter(pk__in=guests),
        title=title,
        body=body,
        url=f"/e/{event.slug}/timetable",
        tag=f"schedule-{event.slug}"[:64],
        ttl=min(LONGEST, max(SHORTEST, int((max(ends) - now).total_seconds()))),
        topic=f"schedule-{event.slug}",
        is_urgent=False,
    )


def words_of(event: Event, changes: list[Change]) -> tuple[str, str]:
    """Title and text on the phones: nobody knows what they read, so it is English, whoever sends it."""
    with override(settings.LANGUAGE_CODE):
        return _("%s: the timetable changed") % event.name, body_of(changes, event.zone)

"""Change the rows of a playlist with nothing lost: see "How a playlist is written" in docs/spotify.md.

Read, keep a backup, write, read back, compare. Nothing is ever tried again blindly: whoever goes on (after a time-out,
a crash, hours of 429) reads first, and finds its place among the states the playlist goes through. A playlist that is
in none of them was changed by somebody else: it is left alone.
"""

from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import ceil
from time import monotonic
from typing import Any

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from accounts.models import User
from pika.errors import Problem
from pika.gateways import spotify
from pika.gateways.spotify import A_PAGE, A_WRITE, MOST_ROWS, Row
from playlists.models import Rewrite

_CHECKED_FOR = 3600
_STUCK = 2  # writes that were not done, one after the other, before somebody looks for dead tracks


class Conflict(Exception):
    """Somebody else changed the playlist; it was left as it is, and the backup is kept."""


class DeadTracks(Exception):
    """Spotify does not have these any more (it answers a write of them with 502, for ever)."""

    def __init__(self, ids: list[str]) -> None:
        super().__init__(", ".join(ids))
        self.ids = ids


# --- What is to be done ------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Put:
    uris: list[str]

    def after(self, keys: list[str]) -> list[str]:
        return list(self.uris)


@dataclass(frozen=True)
class Post:
    uris: list[str]
    position: int

    def after(self, keys: list[str]) -> list[str]:
        return [*keys[: self.position], *self.uris, *keys[self.position :]]


@dataclass(frozen=True)
class Move:
    start: int
    length: int
    before: int

    def after(self, keys: list[str]) -> list[str]:
        moved = keys[self.start : self.start + self.length]
        if self.before <= self.start:
            return [*keys[: self.before], *moved, *keys[self.before : self.start], *keys[self.start + self.length :]]
        return [*keys[: self.start], *keys[self.start + self.length : self.before], *moved, *keys[self.before :]]


Step = Put | Post | Move


def key_of(row: Row) -> str:
    """What tells a row from others. One without a track has nothing but the moment it was added."""
    return row.uri or f"null:{row.added_at}"


def _is_addable(key: str) -> bool:
    return Row(key).is_addable


def plan(before: list[str], target: list[str]) -> list[Step]:
    """The writes that lead from `before` to `target`; Problem (422): there are none that lose nothing."""
    if len(target) > MOST_ROWS:
        raise Problem(
            gettext("A playlist on Spotify has room for 10,000 songs. These are %(count)s.") % {"count": len(target)},
            "too_many_songs",
            422,
        )
    if before == target:
        return []
    if Counter(before) == Counter(target):
        return _moves(before, target)
    is_longer = bool(before) and target[: len(before)] == before
    added = target[len(before) :] if is_longer else target
    lost = [] if is_longer else [key for key in before if not _is_addable(key)]
    if lost or not all(map(_is_addable, added)):
        count = len(lost) or sum(not _is_addable(key) for key in added)
        raise Problem(
            ngettext(
                "%(count)s row of this playlist is a file of your own or not available on Spotify, and could not be "
                "put back. Only its order can be changed; or write to a new playlist.",
                "%(count)s rows of this playlist are files of your own or not available on Spotify, and could not be "
                "put back. Only their order can be changed; or write to a new playlist.",
                count,
            )
            % {"count": count},
            "cannot_put_back",
            422,
        )
    first: list[Step] = [] if is_longer else [Put(target[:A_WRITE])]
    done = len(before) if is_longer else A_WRITE
    return first + [Post(target[at : at + A_WRITE], at) for at in range(done, len(target), A_WRITE)]


def _moves(before: list[str], target: list[str]) -> list[Step]:
    """The fewest moves of rows that hang together: the longest increasing subsequence stays where it is."""
    places: dict[str, deque[int]] = defaultdict(deque)
    for place, key in enumerate(before):
        places[key].append(place)
    blocks: list[list[int]] = []  # (where it begins now, how long it is), in the order wanted
    for key in target:
        place = places[key].popleft()
        if blocks and place == sum(blocks[-1]) and blocks[-1][1] < A_WRITE:
            blocks[-1][1] += 1
        else:
            blocks.append([place, 1])
    stay = _increasing([start for start, _ in blocks])
    order = sorted(range(len(blocks)), key=lambda number: blocks[number][0])
    steps: list[Step] = []
    for number, (_, length) in enumerate(blocks):
        if number in stay:
            continue
        at, to = order.index(number), order.index(number - 1) + 1 if number else 0
        start = sum(blocks[other][1] for other in order[:at])
        steps.append(Move(start, length, sum(blocks[other][1] for other in order[:to])))
        del order[at]
        order.insert(to - (at < to), number)
    return steps


def _increasing(values: list[int]) -> set[int]:
    """The places of a longest increasing subsequence."""
    tails: list[int] = []
    ends: list[int] = []
    came_from: list[int] = []
    for place, value in enumerate(values):
        at = bisect_left(tails, value)
        tails[at:] = [value, *tails[at + 1 :]]
        ends[at:] = [place, *ends[at + 1 :]]
        came_from.append(ends[at - 1] if at else -1)
    found, place = set(), ends[-1] if ends else -1
    while place >= 0:
        found.add(place)
        place = came_from[place]
    return found


def least_calls(before: list[str], target: list[str], is_known: bool = False, checked: int = 0) -> int:
    """How many calls of the API a rewrite takes when nothing fails; no safe one takes fewer.

    read(n) = pages of 50 + the snapshot before and after; the snapshot before comes for free with the answer to a
    write (`is_known`: the playlist was just created). read(before) + checks + writes + read(target), which knows its
    snapshot from the last write. Writes: by hundreds, or the moves.
    """
    writes = len(plan(before, target))
    first = _pages(len(before)) + (1 if is_known else 2)
    return first + checked + (writes + _pages(len(target)) + 1 if writes else 0)


def _pages(rows: int) -> int:
    return max(1, ceil(rows / A_PAGE))


# --- Doing it ----------------------------------------------------------------------------------------------------
def read(client: Any, playlist_id: str, snapshot: str = "") -> tuple[list[Row], str]:
    """All rows, of one moment: the snapshot (if it is known, from a write) is the same before and after."""
    for _ in range(3):
        snapshot = snapshot or client.playlist(playlist_id).snapshot_id
        rows, total = client.page(playlist_id, 0)
        while len(rows) < total:
            more, total = client.page(playlist_id, len(rows))
            if not more:
                break
            rows = rows + more
        after = client.playlist(playlist_id).snapshot_id
        if after == snapshot and len(rows) == total:
            return rows, snapshot
        snapshot = after if after != snapshot else ""
    raise spotify.Away(gettext("The playlist is being changed on Spotify right now. Pika! waits."), 15)


@dataclass
class Reading:
    """What a playlist was when somebody looked."""

    keys: list[str]
    snapshot: str


def begin(
    owner: User,
    client: Any,
    playlist_id: str,
    target: list[str],
    snapshot: str = "",
    is_checked: bool = False,
    undoes: Rewrite | None = None,
    is_ours: Callable[[list[str]], bool] = lambda keys: True,
    is_wanted: Callable[[Rewrite], bool] = lambda its: True,
) -> tuple[Rewrite, Reading]:
    """Read, keep the backup; nothing is written on Spotify yet. `go_on` does that, with what was read.

    `is_checked`: nothing is lost if one of the tracks is dead (else each new one is looked up first: DeadTracks).
    `is_ours`: Conflict unless it says yes to the rows found. Problem (409): somebody is writing it.
    """
    rows, snapshot = read(client, playlist_id, snapshot)
    keys = [key_of(row) for row in rows]
    if keys != target and not is_ours(keys):
        raise Conflict(gettext("You changed this playlist on Spotify since Pika! wrote it. It was left as it is."))
    if plan(keys, target) and keys and not is_checked:
        check(client, [key for key in dict.fromkeys(target) if key not in set(keys)])
    try:
        with transaction.atomic():
            its = Rewrite.objects.create(
                owner=owner,
                playlist_id=playlist_id,
                backup=[asdict(row) for row in rows],
                target=target,
                undoes=undoes,
            )
            if not is_wanted(its):  # in one transaction: a journal that nobody holds would bar the playlist for ever
                finish(its, Rewrite.State.STOPPED, gettext("It was cancelled."))
    except IntegrityError:
        words = gettext("This playlist is being written right now. Try again when that is done.")
        raise Problem(words, "being_written", 409) from None
    return its, Reading(keys, snapshot)


def undo(its: Rewrite, client: Any) -> tuple[Rewrite, Reading]:
    """Begin to bring back the rows from before it: the same way as any other change."""
    return begin(its.owner, client, its.playlist_id, _backup_of(its), undoes=its)


def check(client: Any, uris: list[str]) -> None:
    """DeadTracks if Spotify does not have them all. What was there an hour ago is not asked again."""
    dead = []
    for spotify_id in (uri.removeprefix("spotify:track:") for uri in uris if uri.startswith("spotify:track:")):
        if cache.get(f"spotify-alive:{spotify_id}"):
            continue
        try:
            client.track(spotify_id)
            cache.set(f"spotify-alive:{spotify_id}", True, _CHECKED_FOR)
        except spotify.Gone:
            dead.append(spotify_id)
    if dead:
        raise DeadTracks(dead)


def go_on(
    its: Rewrite,
    client: Any,
    known: Reading | None = None,
    until: float = float("inf"),
    told: Callable[[int], bool] = lambda rows: True,
) -> bool:
    """Write until it is done; False: the clock (`time.monotonic`) is at `until`, call it again.

    `told(rows)` hears how many rows of the target stand; False stops it for good. Raises Conflict, DeadTracks, and what
    Spotify says (Unknown, too: come back later, it may only just be doing it).
    """
    if its.state != Rewrite.State.WRITING:
        return True
    before, target = _backup_of(its), list(its.target)
    steps = plan(before, target)
    if known is None:
        rows, snapshot = read(client, its.playlist_id)
        known = Reading([key_of(row) for row in rows], snapshot)
    keys, snapshot, at = known.keys, known.snapshot, _place(before, steps, known.keys)
    if at is None:
        raise _conflict(its)
    if its.stuck >= _STUCK and at < len(steps) and not isinstance(step := steps[at], Move):
        check(client, step.uris)
    while at < len(steps):
        if monotonic() >= until:
            return False
        step = steps[at]
        try:
            snapshot = _do(client, its.playlist_id, step)
        except spotify.Unknown:
            Rewrite.objects.filter(pk=its.pk).update(stuck=its.stuck + 1)
            raise
        if its.stuck:
            its.stuck = 0
            Rewrite.objects.filter(pk=its.pk).update(stuck=0)
        keys, at = step.after(keys), at + 1
        if not told(len(keys)):
            finish(its, Rewrite.State.STOPPED, gettext("It was cancelled."))
            return True
    if steps:
        rows, snapshot = read(client, its.playlist_id, snapshot)
        if [key_of(row) for row in rows] != target:
            raise _conflict(its)
    finish(its, Rewrite.State.DONE, "", snapshot)
    told(len(target))
    return True


def was_on_the_way(its: Rewrite, keys: list[str]) -> bool:
    """Whether a playlist with these rows is as this change, stopped somewhere, left it."""
    before = _backup_of(its)
    return its.state != Rewrite.State.CONFLICT and _place(before, plan(before, list(its.target)), keys) is not None


def rows_before(its: Rewrite) -> list[str]:
    """What was in the playlist before this change, and before those that stopped half-way and were gone on with."""
    while True:
        keys = _backup_of(its)
        older = Rewrite.objects.filter(playlist_id=its.playlist_id, owner=its.owner_id, pk__lt=its.pk)
        last = older.order_by("-pk").first() if keys else None
        if last is None or last.state != Rewrite.State.STOPPED or not was_on_the_way(last, keys):
            return keys
        its = last


def _place(before: list[str], steps: list[Step], keys: list[str]) -> int | None:
    """How many of the steps are done in a playlist with these rows; None: no such state is ours."""
    state, found = before, 0 if before == keys else None
    for number, step in enumerate(steps, 1):
        state = step.after(state)
        if state == keys:
            found = number
    return found


def _do(client: Any, playlist_id: str, step: Step) -> str:
    if isinstance(step, Put):
        return str(client.put(playlist_id, step.uris))
    if isinstance(step, Post):
        return str(client.post(playlist_id, step.uris, step.position))
    return str(client.move(playlist_id, step.start, step.length, step.before))


def _backup_of(its: Rewrite) -> list[str]:
    return [key_of(Row(**row)) for row in its.backup]


def _conflict(its: Rewrite) -> Conflict:
    words = ngettext(
        "Somebody changed the playlist on Spotify while Pika! was writing it. It was left as it is; the %(count)s row "
        "from before is kept for 30 days.",
        "Somebody changed the playlist on Spotify while Pika! was writing it. It was left as it is; the %(count)s rows "
        "from before are kept for 30 days.",
        len(its.backup),
    ) % {"count": len(its.backup)}
    finish(its, Rewrite.State.CONFLICT, words)
    return Conflict(words)


def finish(its: Rewrite, state: str, words: str, snapshot: str = "") -> None:
    """The journal is closed, and stays."""
    end = {"state": state, "words": words, "snapshot_id": snapshot, "finished_at": timezone.now()}
    Rewrite.objects.filter(pk=its.pk, state=Rewrite.State.WRITING).update(**end)
    its.state = Rewrite.State(state)

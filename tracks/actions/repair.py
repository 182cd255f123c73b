"""What admins put right in the repository: merge, split, decide, ban, join; each can be taken back."""

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from accounts.activity import note
from accounts.models import User
from pika.errors import Problem
from pika.jobs import actions as jobs
from tracks.actions.linking import link_isrc_later, link_later, link_track_later
from tracks.actions.verify import lock, recount
from tracks.models import Identity, PlayLink, SpotifyTrack, Track, TrackChange, Verification, Voice
from tracks.repository import rename

Kind, State = TrackChange.Kind, Identity.State
BATCH = 200


def _log(kind: TrackChange.Kind, by: User, target: object, reason: str, before: dict[str, Any]) -> TrackChange:
    about = "verifier" if kind in (Kind.BAN, Kind.VOICE) else "track"
    note(by, f"{kind.value}_{about}", target)
    words = f"@{target.pk}" if isinstance(target, User) else str(target)  # we keep no name of a person here
    return TrackChange.objects.create(kind=kind, by=by, target=words[:300], reason=reason[:500], before=before)


def _about(*tracks: Track) -> set[int]:
    """The identities whose count depends on these recordings."""
    told = Identity.objects.filter(Q(track__in=tracks) | Q(words__track__in=tracks))
    return set(told.values_list("pk", flat=True))


# --- Merge ------------------------------------------------------------------------------------------------
@transaction.atomic
def merge(track: Track, into: Track, by: User, reason: str = "") -> TrackChange:
    """`track` is the same recording as `into`: what was said of either is said of `into`, plays and ids are its.

    Problem (409): they are one already.
    """
    both = {its.pk: its for its in Track.objects.select_for_update().filter(pk__in=[track.pk, into.pk]).order_by("pk")}
    track, into = both[track.pk], both.get(into.pk, track)
    if track.pk == into.pk or track.merged_into_id or into.merged_into_id:
        raise Problem(gettext("One of them was merged already. Look at them again."), "merged_already", 409)
    before = {
        "track": track.pk,
        "into": into.pk,
        "followers": list(track.merged.values_list("pk", flat=True)),
        "spotify": list(track.spotify_tracks.values_list("pk", flat=True)),
    }
    Track.objects.filter(Q(pk=track.pk) | Q(merged_into=track)).update(merged_into=into)
    SpotifyTrack.objects.filter(track=track).update(track=into)
    PlayLink.objects.filter(track=track).update(track=into)
    recount(lock(_about(track, into)))
    link_track_later(into)
    for code in {track.isrc, into.isrc}:
        link_isrc_later(code)
    return _log(Kind.MERGE, by, f"{track} → {into}", reason, before)


def _unmerge(before: dict[str, Any]) -> None:
    track, into = Track.objects.get(pk=before["track"]), Track.objects.get(pk=before["into"])
    Track.objects.filter(pk=track.pk).update(merged_into=None)
    Track.objects.filter(pk__in=before["followers"]).update(merged_into=track)
    SpotifyTrack.objects.filter(pk__in=before["spotify"], track=into).update(track=track)
    identities = lock(_about(track, into))
    recount(identities)
    link_later(identities)
    link_track_later(into)
    for code in {track.isrc, into.isrc}:
        link_isrc_later(code)


# --- Split ------------------------------------------------------------------------------------------------
@transaction.atomic
def split(
    track: Track,
    identities: Collection[Identity],
    spotify_tracks: Collection[SpotifyTrack],
    by: User,
    reason: str = "",
    **fields: Any,
) -> Track:
    """These identities and Spotify ids are another recording (`fields`: its title, version ...), by an admin's word.

    What DJs said of these identities was meant for the new one. Problem (400): nothing is split off.
    """
    if not identities:
        raise Problem(gettext("Choose what belongs to the other recording."), "nothing_chosen", 400)
    new = Track.objects.create(
        **{"title": track.title, "artist": track.artist} | fields, sources=dict.fromkeys(fields, "admin")
    )
    rename(new)
    chosen = lock(its.pk for its in identities)
    words = Verification.objects.filter(Q(track=track) | Q(track__merged_into=track), identity__in=chosen)
    before: dict[str, Any] = {
        "track": track.pk,
        "new": new.pk,
        "identities": [[its.pk, its.track_id, its.state] for its in chosen],
        "words": list(words.values_list("pk", "track")),
        "spotify": [its.pk for its in spotify_tracks],
    }
    words.update(track=new)
    SpotifyTrack.objects.filter(pk__in=before["spotify"], track=track).update(track=new)
    for its in chosen:
        _decide(its, new.pk, State.OVERRIDDEN)
    recount(lock(_about(track, new)))
    link_later(chosen)
    link_track_later(track)
    _log(Kind.SPLIT, by, f"{track} → {new}", reason, before)
    return new


def _unsplit(before: dict[str, Any]) -> None:
    track, new = Track.objects.get(pk=before["track"]), Track.objects.get(pk=before["new"])
    for pk, its_track in before["words"]:
        Verification.objects.filter(pk=pk, track=new).update(track=its_track)
    SpotifyTrack.objects.filter(pk__in=before["spotify"], track=new).update(track=track)
    Track.objects.filter(pk=new.pk).update(merged_into=track)
    _restore(before["identities"])
    recount(lock(_about(track, new)))
    link_track_later(new)


# --- Decide -----------------------------------------------------------------------------------------------
@transaction.atomic
def override(identity: Identity, track: Track, by: User, reason: str = "") -> TrackChange:
    """From now on this identity is `track` for everyone, whatever is said; DJs' own word stays theirs."""
    [its] = lock([identity.pk])
    root = track.merged_into_id or track.pk
    before = {"identities": [[its.pk, its.track_id, its.state]], "new": root}
    _decide(its, root, State.OVERRIDDEN)
    link_later([its])
    return _log(Kind.OVERRIDE, by, f"{its} → {track}", reason, before)


def _decide(identity: Identity, track_id: int | None, state: str) -> None:
    identity.track_id, identity.state, identity.changed_at = track_id, state, timezone.now()
    identity.save(update_fields=["track", "state", "changed_at"])


def _restore(rows: list[list[Any]]) -> None:
    """What was decided before stays decided; what was counted is counted anew."""
    was = {pk: (track, state) for pk, track, state in rows}
    identities = lock(was)
    for its in identities:
        track, state = was[its.pk]
        _decide(its, track, state if state == State.OVERRIDDEN else State.OPEN)
    recount(identities)
    link_later(identities)


@transaction.atomic
def correct(track: Track, changed: Collection[str], by: User) -> None:
    """An admin typed better words for a recording: they are theirs from now on."""
    track.sources = track.sources | dict.fromkeys(changed, "admin")
    track.save()
    rename(track)
    link_track_later(track)
    if "isrc" in changed:
        link_isrc_later(track.isrc)
    note(by, "correct_track", track)


# --- Voices -----------------------------------------------------------------------------------------------
@transaction.atomic
def ban(user: User, by: User, reason: str) -> TrackChange:
    """What `user` said and says of recordings counts no more; it stays true for their own plays."""
    before = _voice(user, banned_at=timezone.now(), why=reason[:300])
    return _log(Kind.BAN, by, user, reason, before)


@transaction.atomic
def join_voices(user: User, other: User, by: User, reason: str = "") -> TrackChange:
    """Both are one person, and have one voice. Problem (409): they have already."""
    voice = Voice.objects.filter(user=other).first()
    root = voice.speaks_as if voice and voice.speaks_as else other
    if root == user:
        raise Problem(gettext("These two have one voice already."), "one_voice", 409)
    before = _voice(user, speaks_as=root)
    return _log(Kind.VOICE, by, user, reason, before)


def _voice(user: User, **fields: Any) -> dict[str, Any]:
    voice, _ = Voice.objects.select_for_update().get_or_create(user=user)
    before: dict[str, Any] = {"user": user.pk, "speaks_as": voice.speaks_as_id, "why": voice.why}
    before["banned_at"] = voice.banned_at.isoformat() if voice.banned_at else None
    Voice.objects.filter(pk=voice.pk).update(**fields)
    followers: list[int] = []
    if "speaks_as" in fields:
        followers = list(Voice.objects.filter(speaks_as=user).values_list("user", flat=True))
        Voice.objects.filter(user__in=followers).update(speaks_as=fields["speaks_as"])
        before |= {"followers": followers, "with": fields["speaks_as"].pk}
    for pk in (user.pk, *followers):
        _recount_later(pk)
    return before


def _recount_later(user_id: int) -> None:
    jobs.enqueue("recount_voice", str(user_id))
    jobs.hasten("recount_voice", str(user_id))


def recount_voice(user_id: int) -> None:
    """Whatever this user, or who speaks as them, said something about."""
    speakers = Q(words__dj=user_id) | Q(words__dj__voice__speaks_as=user_id)
    ids = sorted(set(Identity.objects.filter(speakers).values_list("pk", flat=True)))
    for first in range(0, len(ids), BATCH):
        with transaction.atomic():
            recount(lock(ids[first : first + BATCH]))


# --- Take it back -------------------------------------------------------------------------------------------
@transaction.atomic
def undo(change: TrackChange, by: User) -> None:
    """As it was before. Problem (409): it was undone already, or something newer builds on it."""
    its = TrackChange.objects.select_for_update().get(pk=change.pk)
    if its.undone_at:
        raise Problem(gettext("This was undone already."), "undone_already", 409)
    before = its.before
    if its.kind == Kind.MERGE:
        if not Track.objects.filter(pk=before["track"], merged_into=before["into"]).exists():
            raise Problem(gettext("It was merged again since. Undo that first."), "undo_newer_first", 409)
        _unmerge(before)
    elif its.kind in (Kind.SPLIT, Kind.OVERRIDE):
        _check_newest(its)
        if its.kind == Kind.SPLIT:
            _unsplit(before)
        else:
            _restore(before["identities"])
    elif its.kind == Kind.BAN:
        _unban(its)
    else:
        _unjoin(before)
    TrackChange.objects.filter(pk=its.pk).update(undone_at=timezone.now())
    note(by, "undo_track_change", its.target)


def _newer_first() -> Problem:
    return Problem(gettext("Something newer builds on it. Undo that first."), "undo_newer_first", 409)


def _check_newest(change: TrackChange) -> None:
    """What it decided is still decided so, and neither recording was merged since."""
    before = change.before
    pks = [pk for pk, *_ in before["identities"]]
    decided = Identity.objects.filter(pk__in=pks, track=before["new"], state=State.OVERRIDDEN)
    if decided.count() != len(pks):
        raise _newer_first()
    if change.kind == Kind.SPLIT:
        both = Q(pk__in=[before["track"], before["new"]], merged_into__isnull=False) | Q(merged_into=before["new"])
        if Track.objects.filter(both).exists():
            raise _newer_first()


def _unban(change: TrackChange) -> None:
    user = change.before["user"]
    others = TrackChange.objects.filter(kind=Kind.BAN, undone_at=None, before__user=user).exclude(pk=change.pk)
    if not others.exists():
        Voice.objects.filter(user=user).update(banned_at=None, why="")
    _recount_later(user)


def _unjoin(before: dict[str, Any]) -> None:
    mine = Voice.objects.filter(user=before["user"], speaks_as=before["with"])
    if not mine.update(speaks_as=before["speaks_as"]):
        raise _newer_first()
    back = Voice.objects.filter(user__in=before["followers"], speaks_as=before["with"])
    back.update(speaks_as=before["speaks_as"] or before["user"])
    for pk in (before["user"], *before["followers"]):
        _recount_later(pk)


def unban(user: User, by: User) -> None:
    """Their word counts again. Problem (409): it does."""
    bans = list(TrackChange.objects.filter(kind=Kind.BAN, undone_at=None, before__user=user.pk))
    if not bans:
        raise Problem(gettext("Their word counts already."), "not_banned", 409)
    for change in bans:
        undo(change, by)

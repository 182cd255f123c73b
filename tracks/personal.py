"""What somebody loved, and knew as a DJ: handed out on request, erased with the account."""

from accounts.models import User
from accounts.personal import Rows, eraser, forget_names, rows_of, section
from tracks.models import Like, TrackChange, Verification, Voice


@section("likes", Like)
def _likes(user: User) -> Rows:
    play = {name: f"play__{name}" for name in ("played_at", "artist", "title", "remix", "album", "isrc", "stream_id")}
    where = {"dj": "play__session__dj_name", "stage": "play__session__stage__name"}
    event = "play__session__stage__event__name"
    found = Like.objects.filter(guest__user=user)
    return rows_of(found, liked_at="liked_at", note="note", **play, **where, event=event)


@section("verifications", Verification)
def _verifications(user: User) -> Rows:
    played = {"played_artist": "play__artist", "played_title": "play__title"}
    track = {"track_artists": "track__artist", "track_title": "track__title"}
    times = {"said_at": "said_at", "withdrawn_at": "withdrawn_at"}
    return rows_of(Verification.objects.filter(dj=user), verdict="verdict", **played, **track, **times)


@section("voice", Voice)
def _voice(user: User) -> Rows:
    return rows_of(Voice.objects.filter(user=user), banned_at="banned_at", why="why")


@section("repository_changes", TrackChange)
def _changes(user: User) -> Rows:
    its = {name: name for name in ("changed_at", "kind", "target", "reason", "undone_at")}
    return rows_of(TrackChange.objects.filter(by=user), **its)


@eraser
def _erase(user: User) -> None:
    """A like and a verification stay, as one more: nobody knows whose."""
    Like.objects.filter(guest__user=user).update(note="")
    Voice.objects.filter(user=user).update(why="")
    forget_names(TrackChange.objects.all(), ["target", "reason"], {user.name, user.email}, "DJ")

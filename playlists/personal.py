"""What of a person's Spotify lies here: handed out on request, erased with the account."""

from accounts.models import User
from accounts.personal import Rows, eraser, not_handed_out, section
from playlists import linking
from playlists.models import Export, Rewrite, SpotifyLink


@section("spotify", SpotifyLink)
def spotify(user: User) -> Rows:
    """The linked account; never a token."""
    if (link := linking.link_of(user)) is None:
        return []
    return [{"account": link.account_id, "name": link.name, "scopes": link.scopes, "linked_at": link.linked_at}]


@section("exports", Export)
def exports(user: User) -> Rows:
    return [
        {
            "kind": its.kind,
            "title": its.title,
            "state": its.state,
            "playlist": its.playlist_url,
            "songs": len(its.wanted),
            "missing": len(its.missing),
            "created_at": its.created_at,
        }
        for its in Export.objects.filter(owner=user).order_by("created_at")
    ]


not_handed_out("copies of the person's own playlists on Spotify, kept for some days to take a change back", Rewrite)


@eraser
def erase(user: User) -> None:
    linking.forget(user)

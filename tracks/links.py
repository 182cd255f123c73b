"""Where one can listen to a play again."""

import re

from pika.spotify_links import track_link
from stages.models import Play

# The ids that DJ programs send, and where their services show a track.
_STREAMS = (
    (re.compile(r"spotify:(?:track:)?([0-9A-Za-z]{22})\Z"), "https://open.spotify.com/track/{}"),
    (re.compile(r"(?:tidal:|td)(\d{1,12})\Z"), "https://tidal.com/track/{}"),
    (re.compile(r"(?:deezer:|dz)(\d{1,12})\Z"), "https://www.deezer.com/track/{}"),
)


# What `link_of` reads of a play: to be selected and prefetched where there are many.
RECORDING, IDS = "link__track", "link__track__spotify_tracks"


def spotify_id_of(play: Play) -> str:
    """The id on Spotify of what was verified, else of what was streamed; empty where we know none."""
    if link := getattr(play, "link", None):
        living = (its.spotify_id for its in link.track.spotify_tracks.all() if its.gone_at is None)
        if first := next(living, ""):
            return str(first)
    streamed = _STREAMS[0][0].match(play.stream_id)
    return streamed[1] if streamed else ""


def link_of(play: Play) -> str:
    """An address that plays this recording, the verified one first; empty where we know none."""
    if spotify_id := spotify_id_of(play):
        return track_link(spotify_id)
    for pattern, address in _STREAMS[1:]:
        if found := pattern.match(play.stream_id):
            return address.format(found[1])
    return ""

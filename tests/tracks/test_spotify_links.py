"""What people paste when they mean a song on Spotify, and what we tell them when it is something else."""

import pytest

from pika.errors import Problem
from pika.spotify_links import track_id

ID = "4uLU6hMCjMI75M1A2tKUQC"


@pytest.mark.parametrize(
    "pasted",
    [
        ID,
        f"spotify:track:{ID}",
        f"https://open.spotify.com/track/{ID}",
        f"http://open.spotify.com/track/{ID}?si=0123456789abcdef&utm_source=copy-link",
        f"https://open.spotify.com/intl-de/track/{ID}?si=1",
        f"open.spotify.com/intl-pt-BR/track/{ID}#10",
        f"https://open.spotify.com/embed/track/{ID}",
        f"  <https://open.spotify.com/track/{ID}/>\n",
    ],
)
def test_a_track_is_understood(pasted):
    assert track_id(pasted) == ID


@pytest.mark.parametrize(
    ("pasted", "words"),
    [
        ("https://open.spotify.com/album/4aawyAB9vmqN3uQ7FjRGTy", "a whole album"),
        ("https://open.spotify.com/playlist/37i9dQZF1DXcBWIGoYBM5M?si=x", "a whole playlist"),
        ("spotify:artist:0OdUWJ0sBjDrqHygGUXeCF", "a whole artist"),
        ("spotify:local:Etta+James:At+Last:At+Last:180", "a file on somebody's computer"),
        ("https://spotify.link/abcDEF", "short link"),
        (f"https://open.spotify.com/track/{ID[:-1]}", "not complete"),
        (f"spotify:track:{ID}x", "not complete"),
        ("https://www.youtube.com/watch?v=dQw4w9WgXcQ", "no link to a track"),
        ("https://evil.example/?u=open.spotify.com/track/" + ID, "no link to a track"),
        ("", "no link to a track"),
    ],
)
def test_anything_else_is_refused_with_a_reason(pasted, words):
    with pytest.raises(Problem, match=words) as refused:
        track_id(pasted)
    assert (refused.value.code, refused.value.field) == ("bad_link", "link")

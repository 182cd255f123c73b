"""A set, a night, an event leave in any shape: in play order, without what is hidden, with what was verified."""

import csv
import io
import json
import tracemalloc
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stages.models import Play
from tests.tracks.conftest import EVENING
from tracks.models import PlayLink, SpotifyTrack, Track

pytestmark = pytest.mark.django_db
ID = "0VjIjW4GlUZAMYd2vXMi3b"
UNSAID = "Nobody has said yet which recording this is."


def body(answer):
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


def known(play, *ids, **fields):
    """What the play was, with its ids on Spotify."""
    track = Track.objects.create(**{"title": play.title, "artist": play.artist} | fields)
    for number, its in enumerate(ids):
        SpotifyTrack.objects.create(track=track, spotify_id=its, added_at=EVENING + timedelta(seconds=number))
    PlayLink.objects.create(play=play, track=track, how="own")
    return track


@pytest.fixture
def its(stage, a_set, a_play):
    """Marcus' set: repeats, one hidden, one verified, one known and gone from Spotify, one nobody knows."""
    its = a_set(stage)
    first = a_play(its, "02 at last (www.mp3.example)", "etta", minutes=0, identity="etta/at last", bpm=84)
    again = a_play(its, "At Last", "Etta James", minutes=4, identity="etta james/at last")
    track = known(first, ID, title="At Last", artist="Etta James", isrc="USMC16046323", duration_ms=181_000)
    PlayLink.objects.create(play=again, track=track, how="own")
    a_play(its, "Secret", minutes=8, is_hidden=True)
    gone = a_play(its, "Gone", minutes=12)
    known(gone, "g" * 22)
    SpotifyTrack.objects.filter(spotify_id="g" * 22).update(gone_at=EVENING)
    a_play(its, "White Label", "", minutes=16, identity="white label")
    a_play(its, "White Label", "", minutes=17, identity="white label")
    its.ended_at = EVENING + timedelta(hours=1)
    its.save()
    return its


@pytest.fixture
def his(client, marcus):
    client.force_login(marcus, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def test_a_set_as_lines_to_paste_has_each_song_once_in_a_row(his, its):
    answer = his.get("/me/sets/SET0/export/links")
    assert body(answer).splitlines() == [f"https://open.spotify.com/track/{ID}", "Band – Gone", "White Label"]
    assert answer["Content-Disposition"] == ('attachment; filename="Pika - 2026-11-20 - Main Floor - DJ Marcus.txt"')


def test_the_spreadsheet_of_a_set_says_what_was_verified(his, its):
    rows = list(csv.DictReader(io.StringIO(body(his.get("/me/sets/SET0/export/csv")).removeprefix("\ufeff"))))
    assert [(row["Track Name"], row["Artist Name(s)"], row["ISRC"], row["Track URI"]) for row in rows] == [
        ("At Last", "Etta James", "USMC16046323", f"spotify:track:{ID}"),
        ("Gone", "Band", "", ""),
        ("White Label", "", "", ""),
    ]
    assert (rows[0]["Track Duration (ms)"], rows[0]["Stage"], rows[0]["DJ"]) == ("181000", "Main Floor", "DJ Marcus")


def test_the_text_lists_at_its_end_what_has_no_link_and_why(his, its):
    assert body(his.get("/me/sets/SET0/export/text")).splitlines() == [
        "DJ Marcus – Main Floor, 20 November 2026",
        "",
        "WCS Budapest · Main Floor · Friday 20 November 2026",
        "23:00  Etta James – At Last",
        "23:12  Band – Gone",
        "23:16  White Label",
        "",
        "Without a link: We know which recording this is, but of no place on Spotify where it still is.",
        "23:12  Band – Gone",
        "",
        f"Without a link: {UNSAID}",
        "23:16  White Label",
    ]


def test_the_playlist_file_has_its_title(his, its):
    assert body(his.get("/me/sets/SET0/export/m3u8")).splitlines()[:4] == [
        "#EXTM3U",
        "#PLAYLIST:DJ Marcus – Main Floor, 20 November 2026",
        "#EXTINF:181,Etta James - At Last",
        f"https://open.spotify.com/track/{ID}",
    ]


def test_json_is_json_and_says_everything(his, its):
    answer = his.get("/me/sets/SET0/export/json")
    assert answer["Content-Type"] == "application/json"
    said = json.loads(body(answer))
    assert said["title"] == "DJ Marcus – Main Floor, 20 November 2026"
    first = its.plays.order_by("played_at")[0]
    assert said["songs"][0] == {
        "playId": str(first.uuid),
        "playedAt": "2026-11-20T22:00:00.000Z",
        "title": "At Last",
        "artist": "Etta James",
        "album": "",
        "isrc": "USMC16046323",
        "durationMs": 181_000,
        "bpm": 84.0,
        "trackId": first.link.track.code,
        "spotifyId": ID,
        "link": f"https://open.spotify.com/track/{ID}",
        "missing": "",
        "dj": "DJ Marcus",
        "stage": "Main Floor",
        "event": "WCS Budapest",
        "note": "",
    }
    assert [song["missing"] for song in said["songs"][2:]] == [UNSAID]


TITLES = ["తెలుగు పాట", "🔥🔥", "أغنية جميلة", "\u202eevil", "=HYPERLINK(1)", "👩\u200d🎤 שיר", "Ａ\nB"]


@pytest.mark.parametrize("kind", ["links", "csv", "m3u8", "text", "json"])
def test_a_title_in_any_writing_is_one_line_of_any_file_and_of_the_pages(his, client, stage, a_set, a_play, kind):
    its = a_set(stage)
    for minute, title in enumerate(TITLES):
        a_play(its, title, "కళాకారుడు", minutes=4 * minute, identity=f"x – {minute}")
    its.ended_at = EVENING + timedelta(hours=1)
    its.save()
    text = body(his.get(f"/me/sets/SET0/export/{kind}"))
    shown = [" ".join(title.split()) for title in TITLES]
    if kind == "csv":
        rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
        assert [row["Track Name"].removeprefix("'") for row in rows] == shown
        assert [row["Track Name"][0] == "'" for row in rows] == [title.startswith("=") for title in shown]
    elif kind == "json":
        assert [song["title"] for song in json.loads(text)["songs"]] == shown
    elif kind == "m3u8":
        lines = text.splitlines()[2:]
        assert lines[::2] == [f"#EXTINF:-1,కళాకారుడు - {title}" for title in shown]
        assert len(lines) == 2 * len(TITLES)
    else:
        lines = [line for line in text.split("\n") if "కళాకారుడు" in line]
        assert [line.partition(" – ")[2] for line in lines[: len(TITLES)]] == shown
    for path in ("/set/SET0", "/me/sets/SET0/export"):
        page = unescape(client.get(path).content.decode())
        assert [title for title in shown if title not in page] == []


def test_an_empty_set_is_a_file_too_and_the_page_says_so(his, stage, a_set):
    a_set(stage)
    assert json.loads(body(his.get("/me/sets/SET0/export/json"))) == {
        "title": "DJ Marcus – Main Floor, 20 November 2026",
        "songs": [],
    }
    assert "There is nothing to take along" in his.get("/me/sets/SET0/export").content.decode()


def test_the_page_lists_what_is_missing_with_reasons_and_leads_to_verifying(his, its):
    page = his.get("/me/sets/SET0/export").content.decode()
    assert "2 songs have no link" in page
    assert UNSAID in page
    assert 'href="/me/sets/SET0/verify"' in page
    assert 'href="/set/SET0"' in page
    assert 'href="/me/sets/SET0/export/json"' in page
    assert "Secret" not in page


def test_an_id_that_is_gone_gives_way_to_the_next_one(his, its):
    SpotifyTrack.objects.filter(spotify_id=ID).update(gone_at=EVENING)
    SpotifyTrack.objects.create(track=Track.objects.get(title="At Last"), spotify_id="n" * 22)
    assert body(his.get("/me/sets/SET0/export/links")).splitlines()[0] == f"https://open.spotify.com/track/{'n' * 22}"


def test_another_dj_and_a_stranger_find_nothing(client, its, ana, stranger):
    for who in (ana, stranger):
        client.force_login(who, backend="allauth.account.auth_backends.AuthenticationBackend")
        assert [client.get(f"/me/sets/SET0/export{end}").status_code for end in ("", "/csv")] == [404, 404]
        assert client.get("/organize/e/wcs-budapest/export").status_code == 404


# --- Events -----------------------------------------------------------------------------------------------------
@pytest.fixture
def weekend(stage, other_stage, marcus, ana, a_set, a_play):
    """Two nights, two stages; the first night both stages end and begin with the same song."""
    main, blues, second = a_set(stage), a_set(other_stage, ana), a_set(stage)
    a_play(main, "A1", minutes=0)
    a_play(blues, "Same", minutes=1)
    a_play(main, "Same", minutes=2)
    a_play(blues, "B2", minutes=3)
    a_play(second, "A3", minutes=60 * 24)
    a_play(main, "A2", minutes=60 * 6)  # 05:00: still the first night
    return main


def links(client, of=""):
    return body(client.get("/organize/e/wcs-budapest/export/links", {"of": of})).splitlines()


def test_an_event_leaves_night_by_night_and_stage_by_stage(client, weekend, elena, crew, stage):
    for who in (elena, crew):
        client.force_login(who, backend="allauth.account.auth_backends.AuthenticationBackend")
        first = ["Band – A1", "Band – Same", "Band – A2"]
        assert links(client) == [*first, "Band – Same", "Band – B2", "Band – A3"]
        assert links(client, "2026-11-20") == [*first, "Band – Same", "Band – B2"]
        assert links(client, f"2026-11-20/{stage.code}") == first
        assert links(client, stage.code) == [*first, "Band – A3"]
        assert links(client, "2026-11-25") == []
    page = client.get("/organize/e/wcs-budapest/export").content.decode()
    assert f'<option value="2026-11-20/{stage.code}">' in page
    assert "Fri 20 November 2026: Main Floor (3)" in page


def test_a_night_or_stage_that_is_none_is_not_found(client, weekend, elena):
    client.force_login(elena, backend="allauth.account.auth_backends.AuthenticationBackend")
    for of in ("2026-99-99", "0001-01-01", "9999-12-31", "NOPE", "2026-11-20/NOPE", "-"):
        assert client.get("/organize/e/wcs-budapest/export", {"of": of}).status_code == 404, of
    assert client.get("/organize/e/wcs-budapest/export/exe").status_code == 404


def test_two_thousand_plays_need_little_memory_and_few_queries(his, stage, a_set):
    its, many = a_set(stage), 2000
    plays = Play.objects.bulk_create(
        Play(session=its, title=f"Song {n}", played_at=EVENING + timedelta(seconds=n), published_at=EVENING)
        for n in range(many)
    )
    tracks = Track.objects.bulk_create(Track(title=f"Song {n}", artist="X", code=f"{n:012}") for n in range(many))
    SpotifyTrack.objects.bulk_create(SpotifyTrack(track=track, spotify_id=f"{n:022}") for n, track in enumerate(tracks))
    PlayLink.objects.bulk_create(
        PlayLink(play=play, track=track, how="own") for play, track in zip(plays, tracks, strict=True)
    )
    tracemalloc.start()
    with CaptureQueriesContext(connection) as queries:
        text = body(his.get("/me/sets/SET0/export/links"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(text.splitlines()) == many
    assert len(queries) < 15  # two parts of a thousand
    assert peak < 25 * 1024 * 1024

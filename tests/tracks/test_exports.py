"""Songs leave in any shape, and open as what they say they are."""

import csv
import io
import shutil
import subprocess
import tracemalloc
import warnings
from datetime import date

import pytest

from accounts.models import Activity
from events.models import Event
from pika.spreadsheet import safe
from tests.crowds import copies
from tracks.exports import EXPORTIFY, OURS

pytestmark = pytest.mark.django_db
PAGE = "/me/songs/export"
SPOTIFY = "0VjIjW4GlUZAMYd2vXMi3b"


def body(answer):
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


def name_of(answer):
    return answer["Content-Disposition"]


@pytest.fixture
def songs(sarah, stage, other_stage, a_set, a_play, love):
    main, blues, party = a_set(stage), a_set(other_stage), a_set()
    streamed = {"stream_id": f"spotify:track:{SPOTIFY}", "isrc": "USUG11904206", "duration_ms": 200_400}
    love(sarah, a_play(main, "Blinding Lights", "The Weeknd", minutes=70, album="After Hours", **streamed), note="Tom")
    love(sarah, a_play(main, "Shiny Stockings", "Count Basie", minutes=50))
    love(sarah, a_play(blues, "Slow", "", minutes=60 * 24, remix="Live"))
    love(sarah, a_play(party, "Kitchen", "Us", minutes=-60 * 24))


def test_the_list_to_paste_has_links_where_there_are_some(sarah, songs):
    answer = sarah.get(f"{PAGE}/links")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert body(answer).splitlines() == [
        "Us – Kitchen",
        "Count Basie – Shiny Stockings",
        f"https://open.spotify.com/track/{SPOTIFY}",
        "Slow (Live)",
    ]
    page = sarah.get(PAGE).content.decode()
    assert "Count Basie – Shiny Stockings\n" in page
    assert "4 songs" in page


def test_the_spreadsheet_has_exportifys_columns_and_opens_in_excel(sarah, songs):
    text = body(sarah.get(f"{PAGE}/csv"))
    assert text.startswith("\ufeffTrack URI,Track Name,Artist URI(s),Artist Name(s),Album URI,Album Name,")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert tuple(rows[0]) == EXPORTIFY + OURS
    assert [row["Track Name"] for row in rows] == ["Kitchen", "Shiny Stockings", "Blinding Lights", "Slow (Live)"]
    assert {name: value for name, value in rows[2].items() if value} == {
        "Track URI": f"spotify:track:{SPOTIFY}",
        "Track Name": "Blinding Lights",
        "Artist Name(s)": "The Weeknd",
        "Album Name": "After Hours",
        "Track Duration (ms)": "200400",
        "ISRC": "USUG11904206",
        "Added At": "2026-11-20T23:10:00.000Z",
        "Link": f"https://open.spotify.com/track/{SPOTIFY}",
        "Event": "WCS Budapest",
        "Stage": "Main Floor",
        "DJ": "DJ Marcus",
        "Played At": "2026-11-21T00:10:00+01:00",
        "Note": "Tom",
    }


def test_the_playlist_file_is_one(sarah, songs):
    lines = body(sarah.get(f"{PAGE}/m3u8")).splitlines()
    assert lines[:2] == ["#EXTM3U", "#PLAYLIST:Songs I love"]
    assert lines[2:] == [
        "#EXTINF:-1,Us - Kitchen",
        "Us - Kitchen",
        "#EXTINF:-1,Count Basie - Shiny Stockings",
        "Count Basie - Shiny Stockings",
        "#EXTINF:200,The Weeknd - Blinding Lights",
        f"https://open.spotify.com/track/{SPOTIFY}",
        "#EXTINF:-1,Slow (Live)",
        "Slow (Live)",
    ]


def test_the_text_reads_like_the_night(sarah, songs):
    assert body(sarah.get(f"{PAGE}/text", {"of": "wcs-budapest/2026-11-20"})).splitlines() == [
        "Songs I love – WCS Budapest, 20 November 2026",
        "",
        "WCS Budapest · Main Floor · Friday 20 November 2026",
        "23:50  Count Basie – Shiny Stockings",
        "00:10  The Weeknd – Blinding Lights",
        "       Tom",
        "",
        "Without a link: Nobody has said yet which recording this is.",
        "23:50  Count Basie – Shiny Stockings",
    ]


@pytest.mark.parametrize(
    ("language", "title", "night"),
    [
        ("de", "20. November 2026", "Freitag, 20. November 2026"),
        ("fr", "20 novembre 2026", "vendredi 20 novembre 2026"),
        ("hu", "2026. november 20.", "2026. november 20., péntek"),
        ("pl", "20 listopada 2026", "piątek, 20 listopada 2026"),
    ],
)
def test_the_days_in_a_file_are_said_as_people_say_them(sarah, songs, language, title, night):
    of, asked = {"of": "wcs-budapest/2026-11-20"}, {"Accept-Language": language}
    lines = body(sarah.get(f"{PAGE}/text", of, headers=asked)).splitlines()
    assert (lines[0].partition("WCS Budapest, ")[2], lines[2].lower()) == (
        title,
        f"WCS Budapest · Main Floor · {night}".lower(),
    )


@pytest.mark.parametrize(
    ("of", "count", "name"),
    [
        ("", 4, "Pika - my songs.csv"),
        ("wcs-budapest", 3, "Pika - WCS Budapest - my songs.csv"),
        ("wcs-budapest/2026-11-20", 2, "Pika - WCS Budapest - 2026-11-20 - my songs.csv"),
        ("wcs-budapest/2026-11-21", 1, "Pika - WCS Budapest - 2026-11-21 - my songs.csv"),
        ("wcs-budapest/2026-11-25", 0, "Pika - WCS Budapest - 2026-11-25 - my songs.csv"),
    ],
)
def test_all_or_an_event_or_a_night_under_a_name_one_finds_again(sarah, songs, of, count, name):
    answer = sarah.get(f"{PAGE}/csv", {"of": of})
    assert name_of(answer) == f'attachment; filename="{name}"'
    assert len(body(answer).splitlines()) == count + 1


def test_what_is_not_there_is_not_found(sarah, songs, stranger):
    day = date(2026, 11, 20)
    Event.objects.create(organizer=stranger.organizers.get(), name="S", slug="swing", starts_on=day, ends_on=day)
    for path in ("csv?of=swing", "csv?of=wcs-budapest/someday", "csv?of=wcs-budapest/0001-01-01", "exe", "csv?of=no"):
        assert sarah.get(f"{PAGE}/{path}").status_code == 404, path


def test_a_strange_name_of_an_event_makes_a_good_name_of_a_file(sarah, songs):
    Event.objects.update(name='Été: "Night" / 踊り')
    assert name_of(sarah.get(f"{PAGE}/links", {"of": "wcs-budapest"})) == (
        "attachment; filename*=utf-8''Pika%20-%20%C3%89t%C3%A9%20Night%20%E8%B8%8A%E3%82%8A%20-%20my%20songs.txt"
    )


@pytest.mark.parametrize("title", ["=HYPERLINK(1)", "+1", "-1+1", "@SUM(A1)", "\tx", "\rx"])
def test_no_cell_is_a_formula(sarah, stage, a_set, a_play, love, title):
    assert safe(title)[0] == "'"
    love(sarah, a_play(a_set(stage), title, title), note=title)
    (row,) = csv.reader(io.StringIO(body(sarah.get(f"{PAGE}/csv")).split("\n", 1)[1], newline=""))
    assert [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


def test_a_line_is_a_line_whatever_the_title(sarah, stage, a_set, a_play, love):
    love(sarah, a_play(a_set(stage), "Two\nlines", "#Hash\r\ntag"))
    assert body(sarah.get(f"{PAGE}/links")) == "#Hash tag – Two lines\n"
    assert (
        body(sarah.get(f"{PAGE}/m3u8"))
        == "#EXTM3U\n#PLAYLIST:Songs I love\n#EXTINF:-1,#Hash tag - Two lines\nHash tag - Two lines\n"
    )


def test_the_same_song_twice_in_a_row_is_said_once_and_hidden_ones_never(sarah, stage, a_set, a_play, love):
    its = a_set(stage)
    for minutes, title in enumerate(["One", "One", "Two", "Secret", "One"]):
        love(sarah, a_play(its, title, minutes=minutes, is_hidden=title == "Secret"))
    assert body(sarah.get(f"{PAGE}/links")).split("\n") == ["Band – One", "Band – Two", "Band – One", ""]


def test_who_has_nothing_is_told_so_and_an_empty_file_is_no_error(sarah):
    assert "There is nothing to take along yet" in sarah.get(PAGE).content.decode()
    assert body(sarah.get(f"{PAGE}/links")) == ""


@pytest.mark.django_db(transaction=True)
def test_an_export_is_in_the_activity_of_who_has_an_account(sarah, user, songs, stage):
    body(sarah.get(f"{PAGE}/csv"))
    assert Activity.objects.count() == 0
    sarah.log_in(user)
    before = Activity.objects.count()
    body(sarah.get(f"{PAGE}/csv", {"of": "wcs-budapest"}))
    last = Activity.objects.order_by("pk").last()
    assert (Activity.objects.count(), last.verb, last.target, last.event_slug) == (
        before + 1,
        "export_songs",
        "Pika - WCS Budapest - my songs.csv",
        "",
    )


def test_many_songs_need_little_memory(sarah, stage, a_set, a_play, love, analyze):
    many = 10_000
    loved = love(sarah, a_play(a_set(stage), "Song 0"))
    copies(loved.play, many - 1, title="'Song ' || n")
    copies(loved, many - 1, play_id=f"{loved.play_id} + n")
    analyze()
    tracemalloc.start()
    answer = sarah.get(f"{PAGE}/links")
    size = sum(len(part) for part in answer.streaming_content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size == sum(len(f"Band – Song {n}\n".encode()) for n in range(many))
    assert peak < 25 * 1024 * 1024


def test_libreoffice_opens_the_spreadsheet(sarah, songs, tmp_path):
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        warnings.warn("no LibreOffice on this machine: the CSV is read by Python alone", stacklevel=1)
        pytest.skip("no LibreOffice on this machine")
    (tmp_path / "songs.csv").write_bytes(body(sarah.get(f"{PAGE}/csv")).encode())
    convert = [office, "--headless", "--convert-to", "ods", "--outdir", str(tmp_path), str(tmp_path / "songs.csv")]
    subprocess.run(convert, check=True, capture_output=True, timeout=120)
    assert (tmp_path / "songs.ods").stat().st_size > 0


def test_the_page_offers_each_event_and_night(sarah, songs, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        page = sarah.get(PAGE, {"of": "wcs-budapest/2026-11-21"}).content.decode()
    for value in ("", "wcs-budapest", "wcs-budapest/2026-11-20", "wcs-budapest/2026-11-21"):
        assert f'<option value="{value}"' in page
    assert "Slow (Live)\n" in page
    assert "1 song" in page

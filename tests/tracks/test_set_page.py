"""The page of a set: for everybody once it is over, with what the floor was told and nothing else."""

from datetime import timedelta

import pytest
from django.utils import timezone

from stages.models import Play
from tests.tracks.conftest import EVENING
from tests.tracks.test_set_exports import ID, body, known
from tracks.curve import Beat, curve_of, felt
from tracks.selections import title_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def over(stage, a_set, a_play):
    its = a_set(stage)
    its.ended_at = EVENING + timedelta(hours=2)
    its.save()
    return its


def page(client, path="/set/SET0"):
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_everybody_sees_what_was_played_in_order_with_links(client, over, a_play, love, sarah):
    second = a_play(over, "Second", minutes=5, bpm=168)
    first = a_play(over, "At Last", "Etta James", minutes=0, bpm=84)
    a_play(over, "Secret", minutes=7, is_hidden=True)
    a_play(over, "Not yet told", minutes=8)
    Play.objects.filter(title="Not yet told").update(published_at=None)
    known(first, ID)
    love(sarah, second)
    its = page(client)
    assert '<h1 dir="auto">DJ Marcus – Main Floor, 20 November 2026</h1>' in its
    assert its.index("At Last") < its.index(">Second<")
    assert f'href="https://open.spotify.com/track/{ID}"' in its
    assert "Links and names of recordings are from Spotify." in its
    assert "84 beats a minute, from the first song to the last." in its
    assert "♥ 1" in its
    assert "Secret" not in its
    assert "Not yet told" not in its
    assert '<meta property="og:title" content="DJ Marcus – Main Floor, 20 November 2026">' in its
    assert '<meta property="og:description" content="2 songs, in the order they were played.">' in its
    assert "og:image" not in its


def test_the_slowest_and_the_fastest_are_told_with_their_time(client, over, a_play):
    for minutes, bpm in ((0, 84), (5, 112), (9, 76)):
        a_play(over, f"At {bpm}", minutes=minutes, bpm=bpm)
    assert "From 76 beats a minute (at 23:09) to 112 (at 23:05)." in page(client)


def test_without_spotify_on_it_there_is_no_word_of_spotify_s(client, over, a_play):
    a_play(over, "White Label", "")
    its = page(client)
    assert "from Spotify" not in its
    assert "The tempo of" not in its  # nothing is known, so there is no curve


def test_while_it_goes_on_the_page_leads_to_the_floor(client, stage, a_set, a_play):
    a_play(a_set(stage))
    answer = client.get("/set/SET0")
    assert (answer.status_code, answer["Location"]) == (302, "/l/SET0")
    assert client.get("/set/SET0/csv").status_code == 404


@pytest.mark.parametrize("why", ["draft", "suspended", "unknown"])
def test_what_is_not_public_is_not_there(client, over, a_play, why):
    a_play(over)
    if why == "draft":
        over.stage.event.status = "draft"
        over.stage.event.save()
    elif why == "suspended":
        over.stage.event.organizer.suspended_at = timezone.now()
        over.stage.event.organizer.save()
    code = "NOPE" if why == "unknown" else "SET0"
    assert [client.get(f"/set/{code}{end}").status_code for end in ("", "/links")] == [404, 404]


def test_a_quick_start_has_one_too(client, a_set, a_play):
    its = a_set()
    its.ended_at = EVENING
    its.save()
    a_play(its, "Kitchen", "Us")
    said = page(client)
    assert "DJ Marcus, 20 November 2026" in said
    assert "All times are UTC." in said
    assert "22:00" in said


def test_the_files_of_the_page_are_for_everybody(client, over, a_play):
    a_play(over, "One")
    assert body(client.get("/set/SET0/links")) == "Band – One\n"
    assert client.get("/set/SET0/exe").status_code == 404


def test_an_empty_set_says_so(client, over):
    assert "Nothing was played here that is shown." in page(client)


def test_two_thousand_songs_come_in_pages_with_few_queries(client, over, django_assert_max_num_queries):
    Play.objects.bulk_create(
        Play(
            session=over,
            title=f"Song {n} ",
            artist="B",
            bpm=80 + n % 60,
            played_at=EVENING + timedelta(minutes=3 * n),
            published_at=EVENING,
        )
        for n in range(2000)
    )
    with django_assert_max_num_queries(8):
        first = page(client)
    assert first.count('class="of"') == 200
    assert "2000 songs" in first or "2,000 songs" in first
    last = page(client, "/set/SET0?page=10")
    assert "Song 1999" in last
    assert page(client, "/set/SET0?page=nonsense").count('class="of"') == 200


def test_titles_are_words_and_never_markup(client, over, a_play):
    a_play(over, "<script>alert(1)</script>" + "long" * 100, "שלום עולם")
    its = page(client)
    assert "<script>alert" not in its
    assert "<bdi>שלום עולם</bdi>" in its


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("DJ Marcus", "DJ Marcus – Main Floor, 20 November 2026"),
        ("Marcus", "DJ Marcus – Main Floor, 20 November 2026"),
        ("dj  ana", "dj ana – Main Floor, 20 November 2026"),
    ],
)
def test_a_set_is_called_by_its_dj_its_floor_and_its_night(over, name, title):
    over.dj_name = name
    assert title_of(over) == title


def test_a_title_for_a_playlist_has_room_for_its_date(over):
    over.dj_name, over.stage.name = "M" * 80, "F" * 80
    its = title_of(over, 36)
    assert len(its) <= 100
    assert its.endswith("…, 20 November 2026")


# --- The curve -----------------------------------------------------------------------------------------------------
def beat(minutes, bpm, length=3):
    return Beat(EVENING + timedelta(minutes=minutes), bpm, length * 60_000)


@pytest.mark.parametrize(
    ("bpm", "as_danced"),
    [
        (84, 84),
        (140, 140),
        (141, 70.5),
        (168, 84),
        (300, 75),
        (None, None),
        (0, None),
        (-5, None),
        (float("nan"), None),
    ],
)
def test_double_time_is_halved_and_nonsense_is_no_tempo(bpm, as_danced):
    assert felt(bpm) == as_danced


def test_each_song_is_a_line_as_long_as_it_was_heard():
    curve = curve_of([beat(0, 80), beat(3, 120, 3)])
    assert (curve.low, curve.high, curve.known, curve.unknown) == (80, 120, 2, 0)
    assert curve.path == "M0 100H500L500 0H1000"


def test_what_is_not_known_is_a_gap_and_so_is_a_pause():
    curve = curve_of([beat(0, 80), beat(3, None), beat(6, 100), beat(30, 100)])
    assert curve.path.count("M") == 3
    assert curve.unknown == 1


def test_without_a_tempo_there_is_no_curve():
    assert curve_of([]) is None
    assert curve_of([beat(0, None)]) is None


def test_one_song_is_a_curve_too():
    assert curve_of([beat(0, 96)]).path.startswith("M0 ")

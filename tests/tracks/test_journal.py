"""Sarah's songs: where and when they were, found again, noted, taken out and put back."""

import gzip
import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import Guest
from events.models import Event
from pika.titles import identity
from stages.models import Play, Stage
from tracks.models import Like

pytestmark = pytest.mark.django_db
PAGE = "/me/songs"


def titles(answer):
    return re.findall(r'class="of" dir="auto">(.*?)</p>', answer.content.decode())


def headings(answer):
    return re.findall(r"<h[234][^>]*>(.*?)</h[234]>", answer.content.decode())


# --- Where and when --------------------------------------------------------------------------------------
def test_songs_are_grouped_by_event_night_and_stage_the_newest_first(
    sarah, stage, other_stage, a_set, a_play, love, ana
):
    main, blues, party = a_set(stage), a_set(other_stage, ana), a_set()
    love(sarah, a_play(main, "Before midnight", minutes=50))
    love(sarah, a_play(main, "After midnight", minutes=70))
    love(sarah, a_play(blues, "Slow", minutes=65))
    love(sarah, a_play(main, "Next night", minutes=60 * 24))
    love(sarah, a_play(party, "Kitchen", minutes=-60 * 24 * 9))
    answer = sarah.get(PAGE)
    assert titles(answer) == ["Next night", "After midnight", "Before midnight", "Slow", "Kitchen"]
    assert headings(answer) == [
        "WCS Budapest",
        "Saturday 21 November 2026",
        "Main Floor",
        "Friday 20 November 2026",
        "Main Floor",
        "Blues Room",
        "Elsewhere",
        "Wednesday 11 November 2026",
        "DJ Marcus",
    ]
    assert "5 songs" in answer.content.decode()


def test_the_clock_is_the_events_also_when_it_goes_back(sarah, stage, a_set, a_play, love):
    its = a_set(stage)
    love(sarah, a_play(its, "First", at=datetime(2026, 10, 25, 0, 30, tzinfo=UTC)))
    love(sarah, a_play(its, "Second", at=datetime(2026, 10, 25, 1, 30, tzinfo=UTC)))
    page = sarah.get(PAGE).content.decode()
    assert re.findall(r"<time[^>]*>(.*?)</time>", page) == ["02:30 +01:00", "02:30 +02:00"]
    assert page.count("Saturday 24 October 2026") == 1


def test_who_has_no_songs_is_told_how_to_get_some(sarah):
    page = sarah.get(PAGE).content.decode()
    assert "No songs yet" in page
    assert "Find a floor" in page
    assert "These songs are on this device only" not in page
    assert Guest.objects.count() == 0  # looking makes nobody


def test_a_hidden_song_is_not_there_and_comes_back(sarah, stage, a_set, a_play, love):
    play = a_play(a_set(stage), "Secret")
    love(sarah, play)
    Play.objects.update(is_hidden=True)
    assert titles(sarah.get(PAGE)) == []
    assert sarah.post(f"{PAGE}/{play.uuid}/note", {"note": "x"}).status_code == 404
    Play.objects.update(is_hidden=False)
    assert titles(sarah.get(PAGE)) == ["Secret"]


def test_the_dj_s_name_leads_to_all_of_that_set(sarah, stage, a_set, a_play, love):
    its = a_set(stage)
    love(sarah, a_play(its, "At Last"))
    assert f'<a class="dj" href="/set/{its.code}"' in sarah.get(PAGE).content.decode()


def test_a_link_is_shown_where_the_play_has_one(sarah, stage, a_set, a_play, love):
    its = a_set(stage)
    love(sarah, a_play(its, "Streamed", stream_id="spotify:track:0VjIjW4GlUZAMYd2vXMi3b"))
    love(sarah, a_play(its, "From a disk", stream_id="td12; drop table"))
    page = sarah.get(PAGE).content.decode()
    assert re.findall(r'class="listen" href="(.*?)"', page) == ["https://open.spotify.com/track/0VjIjW4GlUZAMYd2vXMi3b"]


# --- Whose -----------------------------------------------------------------------------------------------
def test_two_devices_of_one_account_show_the_same_and_a_stranger_nothing(
    sarah, phone_of, user, stranger, stage, a_set, a_play, love
):
    tablet, other, its = phone_of(), phone_of(), a_set(stage)
    love(sarah, a_play(its, "On the phone"))
    love(tablet, a_play(its, "On the tablet", minutes=5))
    sarah.log_in(user)
    tablet.log_in(user)
    other.log_in(stranger)
    for device in (sarah, tablet):
        assert titles(device.get(PAGE)) == ["On the tablet", "On the phone"]
    assert titles(other.get(PAGE)) == []


def test_a_claimed_device_that_is_not_logged_in_is_asked_to(sarah, user, stage, a_set, a_play, love):
    play = a_play(a_set(stage))
    love(sarah, play)
    sarah.log_in(user)
    del sarah.cookies["sessionid"]
    for path in (PAGE, f"{PAGE}/heard", f"{PAGE}/export", f"{PAGE}/export/csv"):
        answer = sarah.get(path)
        assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={path}")
    assert sarah.post(f"{PAGE}/{play.uuid}/remove").status_code == 302
    assert Like.objects.count() == 1


def test_nobody_touches_the_songs_of_somebody_else(sarah, phone_of, stage, a_set, a_play, love):
    play, tom = a_play(a_set(stage)), phone_of()
    love(sarah, play, note="mine")
    assert tom.post(f"{PAGE}/{play.uuid}/note", {"note": "yours"}).status_code == 404
    tom.post(f"{PAGE}/{play.uuid}/remove")
    sarah.post(f"{PAGE}/{play.uuid}/remove")
    what = sarah.cookies["pika_undo"].value
    assert tom.post(f"{PAGE}/undo", {"what": what}).status_code == 404
    assert tom.post(f"{PAGE}/undo", {"what": "forged"}).status_code == 404
    assert Like.objects.count() == 0


# --- Finding ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("shiny", ["Shiny Stockings"]),
        ("BASIE stock", ["Shiny Stockings"]),
        ("beyonce", ["Halo"]),
        ("Beyoncé", ["Halo"]),
        ("ÉTUDE", ["Étude"]),
        ("with tom", ["Halo"]),
        ("budapest", ["Halo", "Shiny Stockings"]),
        ("ana", ["Étude"]),
        ("nothing of the kind", []),
        ("100%", []),
        ("   ", ["Étude", "Halo", "Shiny Stockings"]),
    ],
)
def test_a_song_is_found_by_what_one_remembers(sarah, stage, a_set, a_play, love, ana, words, found):
    its, hers = a_set(stage), a_set(None, ana)
    love(sarah, a_play(its, "Shiny Stockings", "Count Basie"))
    halo = a_play(its, "Halo", "Beyoncé", minutes=5, identity=identity("Beyoncé", "Halo"))
    love(sarah, halo, note="danced with Tom")
    love(sarah, a_play(hers, "Étude", "", minutes=60 * 30))
    assert titles(sarah.get(PAGE, {"q": words})) == found


def test_one_event_alone(sarah, stage, a_set, a_play, love, stranger):
    day = timezone.now().date()
    other = Event.objects.create(
        organizer=stranger.organizers.get(), name="Swing", slug="swing", starts_on=day, ends_on=day, status="published"
    )
    love(sarah, a_play(a_set(stage), "Here"))
    love(sarah, a_play(a_set(Stage.objects.create(event=other, name="Hall")), "There"))
    assert titles(sarah.get(PAGE, {"event": "swing"})) == ["There"]
    assert titles(sarah.get(PAGE, {"event": "no-such"})) == []


# --- Notes -----------------------------------------------------------------------------------------------
def test_a_note_is_kept_with_and_without_script(sarah, stage, a_set, a_play, love):
    play = a_play(a_set(stage))
    love(sarah, play)
    answer = sarah.post(f"{PAGE}/{play.uuid}/note", {"note": "slow\r\none", "back": f"{PAGE}?page=1"})
    assert (answer.status_code, answer["Location"]) == (302, f"{PAGE}?page=1#p-{play.uuid}")
    assert Like.objects.get().note == "slow\none"
    answer = sarah.post(f"{PAGE}/{play.uuid}/note", {"note": ""}, headers={"X-Requested-With": "fetch"})
    assert (answer.status_code, Like.objects.get().note) == (204, "")


def test_a_note_that_is_too_long_is_refused_in_words(sarah, stage, a_set, a_play, love):
    play = a_play(a_set(stage))
    love(sarah, play)
    assert sarah.post(f"{PAGE}/{play.uuid}/note", {"note": ("x" * 99 + "\r\n") * 5}).status_code == 302
    answer = sarah.post(f"{PAGE}/{play.uuid}/note", {"note": "x" * 501})
    assert answer.status_code == 422
    assert "A note has room for 500 characters. This one has 501." in answer.content.decode()


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/me/songsters", "/admin/", ""])
def test_a_form_leads_back_to_the_journal_and_nowhere_else(sarah, stage, a_set, a_play, love, back):
    play = a_play(a_set(stage))
    love(sarah, play)
    answer = sarah.post(f"{PAGE}/{play.uuid}/remove", {"back": back})
    assert answer["Location"] == PAGE


# --- Out and back ------------------------------------------------------------------------------------------
def test_a_song_goes_and_comes_back_as_it_was_without_script(sarah, stage, a_set, a_play, love):
    play = a_play(a_set(stage), "Shiny & <b>Stockings")
    before = love(sarah, play, note="with Tom 🕺" * 40)
    answer = sarah.post(f"{PAGE}/{play.uuid}/remove", follow=True)
    page = answer.content.decode()
    assert (titles(answer), Like.objects.count()) == ([], 0)
    assert "“Shiny &amp; &lt;b&gt;Stockings” is out of your songs." in page
    what = re.search(r'name="what" value="(.*?)"', page)[1]
    answer = sarah.post(f"{PAGE}/undo", {"what": what}, follow=True)
    after = Like.objects.get()
    assert (after.liked_at, after.note) == (before.liked_at, before.note)
    assert "is back" in answer.content.decode()
    assert "is out of your songs" not in answer.content.decode()
    sarah.post(f"{PAGE}/undo", {"what": what})
    assert Like.objects.count() == 1


def test_the_longest_note_fits_into_the_undo(sarah, stage, a_set, a_play, love):
    play = a_play(a_set(stage), "x" * 500)
    love(sarah, play, note="".join(chr(0x1F300 + n) for n in range(500)))
    sarah.post(f"{PAGE}/{play.uuid}/remove")
    sarah.post(f"{PAGE}/undo", {"what": sarah.cookies["pika_undo"].value})
    assert len(Like.objects.get().note) == 500
    assert len(sarah.cookies["pika_undo"].value) < 4000


def test_what_was_taken_out_before_the_login_comes_back_after_it(sarah, user, stage, a_set, a_play, love):
    play = a_play(a_set(stage))
    love(sarah, play, note="ours")
    sarah.post(f"{PAGE}/{play.uuid}/remove")
    what = sarah.cookies["pika_undo"].value
    sarah.log_in(user)
    sarah.post(f"{PAGE}/undo", {"what": what})
    assert list(Like.objects.values_list("guest__user", "note")) == [(user.pk, "ours")]


def test_taking_out_twice_is_once(sarah, stage, a_set, a_play, love):
    play = a_play(a_set(stage))
    love(sarah, play)
    answers = [sarah.post(f"{PAGE}/{play.uuid}/remove", headers={"X-Requested-With": "fetch"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 204]


def test_a_like_of_a_hidden_foreign_or_unknown_play_is_refused(sarah, stage, a_set, a_play, settings):
    hidden = a_play(a_set(stage), is_hidden=True)
    draft = a_play(a_set(stage))
    assert sarah.post(f"{PAGE}/{hidden.uuid}/add").status_code == 404
    assert sarah.post(f"{PAGE}/{uuid.uuid4()}/add").status_code == 404
    Event.objects.update(status="draft")
    assert sarah.post(f"{PAGE}/{draft.uuid}/add").status_code == 404
    assert Like.objects.count() == 0


# --- Many ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("is_logged_in", [False, True])
def test_thirty_songs_cost_as_many_questions_as_one(
    sarah, user, stage, a_set, a_play, love, django_assert_num_queries, is_logged_in
):
    its = a_set(stage)
    love(sarah, a_play(its))
    if is_logged_in:
        sarah.log_in(user)
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as one:
        sarah.get(PAGE)
    for n in range(29):
        love(sarah, a_play(its, f"Song {n}", minutes=5 * n))
    with django_assert_num_queries(len(one)):
        sarah.get(PAGE)
    assert len(one) <= (5 if is_logged_in else 3)


def test_ten_thousand_songs_make_a_light_first_page(sarah, stage, other_stage, a_set, django_assert_max_num_queries):
    sets, start = [a_set(stage), a_set(other_stage)], datetime(2026, 1, 1, tzinfo=UTC)
    plays = Play.objects.bulk_create(
        Play(
            session=sets[n % 2],
            title=f"{uuid.uuid4().hex[: n % 20 + 5]} of the {n}th night",
            artist=f"{uuid.uuid4().hex[:12]} & Orchestra",
            played_at=start + timedelta(minutes=4 * n),
            published_at=start,
        )
        for n in range(10_000)
    )
    guest = sarah.guest
    Like.objects.bulk_create(Like(guest=guest, play=play) for play in plays)
    with django_assert_max_num_queries(3):
        answer = sarah.get(PAGE, headers={"Accept-Encoding": "gzip"})
    assert answer["Content-Encoding"] == "gzip"
    assert len(answer.content) < 20 * 1024
    assert gzip.decompress(answer.content).decode().count('class="of"') == 50
    with django_assert_max_num_queries(4):
        assert len(titles(sarah.get(PAGE, {"q": "orchestra", "page": "200"}))) == 50


# --- For programs --------------------------------------------------------------------------------------------
def test_a_program_reads_likes_by_guest_token_or_by_token_with_the_scope(
    sarah, user, stage, a_set, a_play, love, client
):
    from accounts.actions import make_token

    love(sarah, a_play(a_set(stage), "Loved", isrc="GBAYE0601498"), note="slow")
    path = "/api/v1/dancer/likes"
    answer = client.get(path, {"guestToken": sarah.secret})
    (like,) = answer.json()["results"]
    assert (
        answer.json()["count"],
        like["track"]["title"],
        like["note"],
        like["eventId"],
        like["stage"]["stageId"],
    ) == (
        1,
        "Loved",
        "slow",
        "wcs-budapest",
        stage.code,
    )
    sarah.log_in(user)
    assert client.get(path, {"guestToken": sarah.secret}).status_code == 401
    assert client.get(path).status_code == 401

    def as_program(*scopes):
        return client.get(path, headers={"Authorization": f"Bearer {make_token(user, 'x', list(scopes))[1]}"})

    assert as_program("live").status_code == 403
    assert as_program("songs").json()["results"] == [like]

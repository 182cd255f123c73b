"""A list of songs becomes one playlist, whatever happens on the way and however often one presses."""

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from accounts.models import User
from pika.errors import Problem
from pika.gateways import spotify
from pika.jobs import actions as jobs
from pika.jobs.models import Job
from playlists import actions, exporting, linking
from playlists.actions import Wanted, export_playlist
from playlists.models import Export, Rewrite, SpotifyLink
from playlists.rewriting import least_calls
from tests.spotify.conftest import link
from tests.spotify.standin import CUT, SILENCE, Fault, an_id
from tests.spotify.standin import Track as Row
from tests.spotify.test_rewriting import many, songs
from tracks.models import SpotifyTrack, Track

pytestmark = pytest.mark.django_db
TITLE = "DJ Marcus – Main Floor, 15 March 2026"


def wanted(*numbers: int) -> list[Wanted]:
    return [Wanted(an_id(number), f"Somebody – Song {number}") for number in numbers]


def export(user: User, songs: list[Wanted], ref: str = "ABCDEF") -> Export:
    return export_playlist(user, "set", ref, TITLE, "Played with Pika!", songs)


def fresh(its: Export) -> Export:
    return Export.objects.get(pk=its.pk)


def made(standin):
    """The playlists that came to be."""
    return list(standin.playlists.values())


# --- All goes well ---------------------------------------------------------------------------------------------
def test_a_set_becomes_a_playlist_in_play_order_with_repeats_in_a_row_once(standin, mode, marcus, linked, work):
    plays = [*wanted(1, 2, 2), Wanted(None, "Unknown – White Label"), *wanted(2, 1, 3)]
    its = export(marcus, plays)
    assert (its.state, Job.objects.get(kind="spotify_export").key) == ("waiting", its.code)
    work()
    its = fresh(its)
    (playlist,) = made(standin)
    assert playlist.uris == songs(1, 2, 1, 3)
    assert (playlist.name, playlist.is_public, playlist.owner) == (TITLE, True, "marcus")
    assert playlist.description == f"Played with Pika! · {its.marker}"
    assert (its.state, its.written, its.words) == ("done", 4, "")
    assert its.playlist_url == f"https://open.spotify.com/playlist/{playlist.id}"
    assert its.missing == [
        {"words": "Unknown – White Label", "why": "Nobody has said yet which recording this is."},
    ]


@pytest.mark.parametrize("count", [1, 40, 100, 101, 250])
def test_it_takes_no_call_more_than_it_must(standin, mode, marcus, linked, work, count):
    with pytest.raises(spotify.Gone):  # which kind of app it is, is found out once
        spotify.connect(standin.token()).page("nothing", 0)
    spotify.connect(standin.token()).page(standin.playlist([]).id, 0)
    standin.calls.clear()
    export(marcus, wanted(*range(count)))
    work()
    writes = -(-count // 100)
    assert len(standin.calls) == 1 + least_calls([], many(count), is_known=True)
    # Make it; look at it (rows, snapshot); write; look at it again, by fifties, and at the snapshot.
    assert len(standin.calls) == 1 + 2 + writes + -(-count // 50) + 1
    assert made(standin)[-1].uris == many(count)


@pytest.mark.django_db(transaction=True)
def test_two_thousand_songs_are_written_with_progress(standin, marcus, linked, work):
    standin._contract = None  # it would take longer than the rest
    seen = []

    def look(call):
        seen.append(Export.objects.get().written)
        connection.close()

    standin.before_effect = look
    its = export(marcus, wanted(*range(2000)))
    work()
    assert made(standin)[0].uris == many(2000)
    assert fresh(its).state == "done"
    assert {0, 100, 1000, 1900, 2000} <= set(seen)


def test_pressed_twice_there_is_one_playlist_and_pressed_later_it_is_brought_up_to_date(standin, marcus, linked, work):
    first, second = export(marcus, wanted(1, 2)), export(marcus, wanted(1, 2))
    work()
    third = export(marcus, wanted(1, 2))
    work()
    assert first.pk == second.pk == third.pk
    assert [playlist.uris for playlist in made(standin)] == [songs(1, 2)]
    later = export(marcus, wanted(1, 5, 2))  # somebody said what the song in between was
    work()
    assert later.pk == first.pk
    assert [playlist.uris for playlist in made(standin)] == [songs(1, 5, 2)]
    other = export(marcus, wanted(1, 2), ref="OTHER")
    work()
    assert other.pk != first.pk
    assert [playlist.uris for playlist in made(standin)] == [songs(1, 5, 2), songs(1, 2)]


def test_what_somebody_changed_meanwhile_is_not_overwritten_unasked(standin, marcus, linked, work):
    its = export(marcus, wanted(1, 2))
    work()
    playlist = made(standin)[0]
    playlist.rows.append(type(playlist.rows[0])(songs(9)[0]))
    playlist.version += 1
    export(marcus, wanted(1, 2, 3))
    work()
    assert fresh(its).state == "conflict"
    assert "You changed this playlist on Spotify" in fresh(its).words
    assert playlist.uris == songs(1, 2, 9)
    actions.retry_export(fresh(its))
    work()
    assert playlist.uris == songs(1, 2, 3)
    backup = Rewrite.objects.latest("pk")
    assert [row["uri"] for row in backup.backup] == songs(1, 2, 9)
    actions.retry_export(fresh(its), is_new_playlist=True)
    work()
    assert [playlist.uris for playlist in made(standin)] == [songs(1, 2, 3), songs(1, 2, 3)]


# --- What is refused ---------------------------------------------------------------------------------------------
def test_what_was_overwritten_is_brought_back_and_can_go_again(standin, marcus, linked, work):
    its = export(marcus, wanted(1, 2, 3))
    work()
    playlist = made(standin)[0]
    with pytest.raises(Problem, match="nothing to bring back"):  # it was empty before
        actions.undo_export(fresh(its))
    episode = "spotify:episode:" + an_id(7)
    playlist.rows = [Row(uri) for uri in (*songs(9, 1), episode)]  # the person's own order
    playlist.version += 1
    export(marcus, wanted(1, 2, 4))
    work()
    assert actions.songs_before(fresh(its)) == []  # it stopped, and nothing was overwritten
    actions.retry_export(fresh(its))
    work()
    assert playlist.uris == songs(1, 2, 4)
    assert actions.songs_before(fresh(its)) == [an_id(9), an_id(1), episode]
    actions.undo_export(fresh(its))
    with pytest.raises(Problem, match="still being written"):
        actions.undo_export(fresh(its))
    work()
    assert (playlist.uris, fresh(its).state) == ([*songs(9, 1), episode], "done")
    actions.undo_export(fresh(its))
    work()
    assert playlist.uris == songs(1, 2, 4)
    actions.undo_export(fresh(its))
    work()
    export(marcus, wanted(1, 2, 4))  # “Bring the playlist up to date”
    work()
    assert (playlist.uris, len(made(standin))) == (songs(1, 2, 4), 1)


def test_what_is_brought_back_is_from_before_the_whole_change(standin, marcus, linked, work):
    """It stopped half-way at a dead track, and went on: the half is not what the person had."""
    its = export(marcus, wanted(1, 2))
    work()
    playlist = made(standin)[0]
    playlist.rows, playlist.version = [Row(uri) for uri in songs(9, 8)], playlist.version + 1
    standin.dead.add(f"spotify:track:{an_id(150)}")
    export(marcus, wanted(*range(200)))
    work()
    actions.retry_export(fresh(its))
    work(most=20)
    assert (fresh(its).state, len(playlist.uris)) == ("done", 199)
    assert len(Rewrite.objects.filter(state="stopped")) == 1
    actions.undo_export(fresh(its))
    work()
    assert playlist.uris == songs(9, 8)


def test_bringing_back_has_the_limits_of_any_other_change(standin, marcus, linked, work):
    its = export(marcus, wanted(1, 2))
    work()
    export(marcus, wanted(3))
    work()
    standin.faults = [Fault(429, headers={"Retry-After": "7200"})]
    actions.undo_export(fresh(its))
    work()
    assert fresh(its).again_at > timezone.now() + timedelta(hours=1)
    work(most=3)
    assert made(standin)[0].uris == songs(1, 2)
    Rewrite.objects.all().delete()  # after thirty days
    assert actions.songs_before(fresh(its)) == []
    SpotifyLink.objects.update(needs_relink_at=timezone.now())
    with pytest.raises(Problem, match="permission has ended"):
        actions.undo_export(fresh(its))


def test_what_cannot_be_exported_is_refused_in_words(standin, marcus, linked):
    with pytest.raises(Problem, match="of these songs none is known on Spotify yet"):
        export(marcus, [Wanted(None, "A – B")])
    with pytest.raises(Problem, match="room for 10,000 songs"):
        export(marcus, wanted(*range(10_001)))
    SpotifyLink.objects.update(scopes="playlist-read-private")
    with pytest.raises(Problem, match="You did not allow Pika! to change your playlists"):
        export(marcus, wanted(1))
    SpotifyLink.objects.update(needs_relink_at=timezone.now())
    with pytest.raises(Problem, match="Your Spotify permission has ended"):
        export(marcus, wanted(1))
    SpotifyLink.objects.all().delete()
    with pytest.raises(Problem, match="Link your Spotify account first"):
        export(marcus, wanted(1))
    assert not Export.objects.exists()


def test_without_a_client_id_it_says_so(unconfigured, marcus):
    with pytest.raises(Problem, match="This server is not connected to Spotify"):
        export(marcus, wanted(1))
    assert not spotify.is_configured()


# --- What goes wrong -----------------------------------------------------------------------------------------------
def test_hours_of_429_are_waited_for_by_nobody(standin, marcus, linked, work):
    hours = {"Retry-After": str(9 * 3600)}
    standin.faults = [Fault(429, headers=hours), Fault(429, headers=hours, reason="QUOTA_EXCEEDED")]
    its = export(marcus, wanted(1, 2))
    began = timezone.now()
    work()
    assert timezone.now() - began < timedelta(seconds=30)
    its, job = fresh(its), Job.objects.get(kind="spotify_export")
    assert (its.state, its.words) == ("creating", "Spotify asks us to wait. Pika! goes on by itself.")
    assert timedelta(hours=8) < job.due_at - began < timedelta(hours=10)
    assert job.state == "queued"
    work(1)
    assert fresh(its).words == "Spotify's quota for this app is used up for now. Pika! goes on by itself."
    work(3)
    assert [playlist.uris for playlist in made(standin)] == [songs(1, 2)]
    assert fresh(its).words == ""


@pytest.mark.parametrize("fault", [Fault(502, is_after=True), Fault(CUT, is_after=True), Fault(500), Fault(CUT)])
def test_a_playlist_whose_making_was_not_answered_is_recognised(standin, mode, marcus, linked, work, fault):
    standin.playlist(many(3))  # one the person had
    spotify.connect(standin.token()).page(made(standin)[0].id, 0)
    standin.faults = [fault]
    its = export(marcus, wanted(1, 2))
    work()
    assert "Pika! looks, and goes on by itself" in fresh(its).words
    work(3)
    assert fresh(its).state == "done"
    assert [playlist.uris for playlist in made(standin)] == [many(3), songs(1, 2)]


def test_silence_in_every_call_once(standin, marcus, linked, work, settings):
    settings.SPOTIFY_TIMEOUT = 0.5
    heard = set()

    def once(call):
        key = (call.method, call.path)
        return None if key in heard or heard.add(key) else Fault(SILENCE, is_after=True)

    standin.fault_for = once
    its = export(marcus, wanted(*range(130)))
    work(30)
    assert fresh(its).state == "done"
    assert [playlist.uris for playlist in made(standin)] == [many(130)]


def test_a_dead_track_is_listed_and_the_rest_is_written(standin, marcus, linked, work):
    standin.dead = set(songs(120, 7))
    its = export(marcus, wanted(*range(150)))
    work(40)
    its = fresh(its)
    assert its.state == "done"
    (playlist,) = made(standin)
    assert playlist.uris == [uri for uri in many(150) if uri not in standin.dead]
    assert {one["why"] for one in its.missing} == {"Spotify does not have it any more."}
    assert {one["words"][-2:] for one in its.missing} == {"20", "07"}


def test_a_dead_id_is_remembered_and_offered_nowhere_again(standin, marcus, linked, work):
    track = Track.objects.create(title="Gone", artist="Nobody")
    row = SpotifyTrack.objects.create(spotify_id=an_id(2), track=track)
    standin.dead.add(f"spotify:track:{an_id(2)}")
    export(marcus, wanted(1, 2, 3))
    work(40)
    row.refresh_from_db()
    assert row.gone_at


def test_a_worker_that_dies_before_it_holds_the_journal_bars_nobody(standin, marcus, linked, work, monkeypatch):
    its = export(marcus, wanted(1, 2))
    work()
    export(marcus, wanted(1, 2, 3))
    save, died = exporting._save, []

    def die_once(one, **fields):
        if "rewrite" in fields and not died:
            died.append(True)
            raise DatabaseError("it went away")
        return save(one, **fields)

    monkeypatch.setattr(exporting, "_save", die_once)
    work(30)
    assert (died, fresh(its).state, made(standin)[0].uris) == ([True], Export.State.DONE, songs(1, 2, 3))


def test_spotify_that_fails_for_ever_is_given_up_with_words(standin, marcus, linked, work):
    standin.fault_for = lambda call: Fault(503) if call.method != "GET" else None
    its = export(marcus, wanted(1))
    work(40)
    assert (fresh(its).state, fresh(its).words) == ("failed", "Spotify fails again and again. Try again later.")
    standin.fault_for = lambda call: None
    actions.retry_export(fresh(its))
    work(3)
    assert [playlist.uris for playlist in made(standin)] == [songs(1)]


def test_what_the_app_may_not_do_is_said_once_and_not_tried_again(standin, marcus, linked, work):
    standin.refreshes["refresh-of-marcus"]["scopes"] = "playlist-read-private"
    standin.tokens.clear()  # the next one has less
    its = export(marcus, wanted(1))
    work()
    assert fresh(its).state == "failed"
    assert "In development mode an app works for five people" in fresh(its).words
    assert not Job.objects.exclude(state="done").exists()


def test_a_user_who_removes_the_app_in_the_middle_links_again_and_it_goes_on(standin, marcus, linked, work):
    its = export(marcus, wanted(*range(250)))

    def remove(call):
        if call.body and call.body.get("position") == 100:
            standin.remove_app()  # this one is still let through

    standin.before_effect = remove
    work()
    its = fresh(its)
    assert (its.state, its.written) == ("paused", 200)
    assert "Link your account again" in its.words
    assert linking.link_of(marcus).needs_relink_at
    (playlist,) = made(standin)
    assert playlist.uris == many(200)
    redirect = "http://127.0.0.1/me/spotify/callback"
    verifier = spotify.new_verifier()
    asked = spotify.oauth().address("s", spotify.challenge_of(verifier), redirect)
    answer = dict(parse_qsl(urlsplit(standin.consent(dict(parse_qsl(urlsplit(asked).query)))).query))
    actions.link_account(marcus, answer["code"], verifier, redirect)
    work()
    assert fresh(its).state == "done"
    assert [playlist.uris for playlist in made(standin)] == [many(250)]


@pytest.mark.django_db(transaction=True)
def test_disconnecting_in_the_middle_stops_it_and_forgets_everything(standin, marcus, linked, work):
    export(marcus, wanted(*range(350)))

    def leave(call):
        if call.method == "POST" and call.path.endswith("/items"):
            standin.before_effect = lambda call: None
            actions.disconnect(User.objects.get(pk=marcus.pk))
            connection.close()

    standin.before_effect = leave
    work(5)
    assert [len(playlist.rows) for playlist in made(standin)] == [200]
    assert (SpotifyLink.objects.count(), Export.objects.count(), Rewrite.objects.count()) == (0, 0, 0)
    assert not Job.objects.exclude(state="done").exists()


@pytest.mark.django_db(transaction=True)
def test_cancelled_in_the_middle_it_stops_and_can_go_on_later(standin, marcus, linked, work):
    its = export(marcus, wanted(*range(350)))

    def cancel(call):
        if call.method == "POST" and call.path.endswith("/items"):
            standin.before_effect = lambda call: None
            actions.cancel_export(fresh(its))
            connection.close()

    standin.before_effect = cancel
    work(5)
    assert fresh(its).state == "cancelled"
    assert [len(playlist.rows) for playlist in made(standin)] == [200]
    export(marcus, wanted(*range(350)))
    work()
    assert fresh(its).state == "done"
    assert [playlist.uris for playlist in made(standin)] == [many(350)]


def test_a_long_one_is_done_in_parts(standin, marcus, linked, monkeypatch):
    monkeypatch.setattr(exporting, "A_RUN", -1)
    its = export(marcus, wanted(*range(120)))
    assert jobs.run_due() == 1
    assert (fresh(its).state, fresh(its).written) == ("writing", 0)
    monkeypatch.setattr(exporting, "A_RUN", 60)
    Job.objects.update(due_at=timezone.now())
    assert jobs.run_due() == 1
    assert fresh(its).state == "done"


def test_a_playlist_of_another_account_is_not_touched(standin, marcus, linked, work):
    its = export(marcus, wanted(1))
    work()
    SpotifyLink.objects.update(account_id="somebody-else")
    export(marcus, wanted(1, 2))
    work()
    assert fresh(its).state == "failed"
    assert "belongs to another Spotify account" in fresh(its).words
    assert [playlist.uris for playlist in made(standin)] == [songs(1)]


def test_backups_are_kept_for_thirty_days(standin, marcus, linked, work):
    export(marcus, wanted(1))
    work()
    exporting.forget_backups()
    assert Rewrite.objects.count() == 1
    Rewrite.objects.update(finished_at=timezone.now() - timedelta(days=31))
    exporting.forget_backups()
    assert Rewrite.objects.count() == 0


def test_the_fake_does_all_of_it_without_a_network(settings, standin, marcus, work):
    settings.SPOTIFY, settings.SPOTIFY_API_URL = "fake", "http://127.0.0.1:9"
    settings.SPOTIFY_CLIENT_ID = settings.SPOTIFY_SECRET = ""
    actions.link_account(marcus, "abc", "verifier", "http://127.0.0.1/me/spotify/callback")
    its = export(marcus, wanted(*range(120)))
    work()
    assert fresh(its).state == "done"
    client = spotify.connect("fake-abc")
    assert [row.uri for row in client.page(fresh(its).playlist_id, 50)[0]] == many(50, 50)
    assert [playlist.name for playlist in client.newest()] == [TITLE]
    assert [one.title for one in client.search("Song – Somebody", 2)] == ["Song", "Song (Live)"]
    assert not standin.calls


def test_two_people_with_one_account_have_a_playlist_each(standin, marcus, ana, linked, work):
    link(standin, ana)
    export(marcus, wanted(1))
    export(ana, wanted(1))
    work()
    assert [playlist.uris for playlist in made(standin)] == [songs(1), songs(1)]

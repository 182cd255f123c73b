"""“Make a playlist on Spotify”: from the pages of a set, an event, one's songs, and from programs."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from pika.jobs.models import Job
from playlists.models import Export, SpotifyLink
from stages.models import Play, Session
from tests.spotify.conftest import link
from tests.spotify.standin import an_id
from tests.spotify.test_rewriting import songs
from tracks.actions.likes import like
from tracks.models import PlayLink, SpotifyTrack, Track

pytestmark = pytest.mark.django_db
LOGIN = "allauth.account.auth_backends.AuthenticationBackend"
EVENING = datetime(2026, 3, 15, 20, 0, tzinfo=UTC)
TITLE = "DJ Marcus – Main Floor, 15 March 2026"
UNSAID = "Nobody has said yet which recording this is."


@pytest.fixture
def its(stage, marcus):
    """Marcus' set: two songs known, the first of them played twice; one hidden; one that nobody knows."""
    its = Session.objects.create(
        code="THESET", dj=marcus, dj_name="Marcus", stage=stage, started_at=EVENING, ended_at=EVENING
    )
    for minute, number in enumerate([1, 1, None, 2, 3]):
        at = EVENING + timedelta(minutes=minute)
        play = Play.objects.create(
            session=its, title=f"Song {number}", played_at=at, published_at=at, is_hidden=number == 3
        )
        if number:
            track, _ = Track.objects.get_or_create(title=f"Song {number}", artist="X")
            SpotifyTrack.objects.get_or_create(track=track, spotify_id=an_id(number))
            PlayLink.objects.create(play=play, track=track, how="own")
    return its


@pytest.fixture
def his(client, marcus):
    client.force_login(marcus, backend=LOGIN)
    return client


def only(standin):
    (playlist,) = standin.playlists.values()
    return playlist


def test_pressed_twice_a_set_is_one_playlist_with_what_is_known(standin, his, linked, its, work):
    for _ in range(2):
        answer = his.post("/me/spotify/set/THESET")
        assert (answer.status_code, answer["Location"]) == (302, f"/me/exports/{Export.objects.get().code}")
    assert Job.objects.filter(kind="spotify_export").count() == 1
    work()
    his.post("/me/spotify/set/THESET")
    work()
    playlist, export = only(standin), Export.objects.get()
    assert (playlist.name, playlist.is_public, playlist.uris) == (TITLE, True, songs(1, 2))
    assert playlist.description.startswith("Played with Pika! http")
    assert "/set/THESET" in playlist.description
    assert export.missing == [{"words": "Song None", "why": UNSAID}]
    assert (export.kind, export.ref, export.state) == ("set", "THESET", "done")


def test_the_page_of_the_set_leads_to_the_playlist_once_it_is_there(standin, his, client, linked, its, work):
    assert "Playlist on Spotify" not in client.get("/set/THESET").content.decode()
    his.post("/me/spotify/set/THESET")
    assert "Playlist on Spotify" not in client.get("/set/THESET").content.decode()
    work()
    client.logout()
    page = client.get("/set/THESET").content.decode()
    assert f'href="{Export.objects.get().playlist_url}"' in page
    Export.objects.update(is_public=False)
    assert "Playlist on Spotify" not in client.get("/set/THESET").content.decode()


def test_what_is_verified_later_joins_the_same_playlist(standin, his, linked, its, work):
    his.post("/me/spotify/set/THESET")
    work()
    track = Track.objects.create(title="White Label")
    SpotifyTrack.objects.create(track=track, spotify_id=an_id(9))
    PlayLink.objects.create(play=Play.objects.get(title="Song None"), track=track, how="own")
    assert "Bring the playlist up to date" in his.get("/me/sets/THESET/export").content.decode()
    his.post("/me/spotify/set/THESET")
    work()
    assert only(standin).uris == songs(1, 9, 2)


def test_an_id_that_spotify_gave_up_is_missing_with_its_reason(standin, his, linked, its, work):
    SpotifyTrack.objects.filter(spotify_id=an_id(2)).update(gone_at=timezone.now())
    his.post("/me/spotify/set/THESET")
    work()
    assert only(standin).uris == songs(1)
    assert [one["words"] for one in Export.objects.get().missing] == ["Song None", "X – Song 2"]


def test_the_owner_alone_brings_back_what_was_in_it(standin, his, linked, its, ana, work):
    his.post("/me/spotify/set/THESET")
    work()
    where = f"/me/exports/{Export.objects.get().code}"
    assert "Bring back" not in his.get(where).content.decode()  # it was empty before
    Play.objects.filter(title="Song 3").update(is_hidden=False)
    his.post("/me/spotify/set/THESET")
    assert "Bring back" not in his.get(where).content.decode()  # it is still being written
    work()
    assert only(standin).uris == songs(1, 2, 3)
    for path in (where, "/me/exports"):
        assert "Bring back the 2 songs from before" in his.get(path).content.decode()
    his.force_login(ana, backend=LOGIN)
    assert his.post(f"{where}/undo").status_code == 404
    his.force_login(SpotifyLink.objects.get().user, backend=LOGIN)
    for _ in range(2):  # two tabs
        answer = his.post(f"{where}/undo", follow=True)
    assert "It is still being written. Cancel it first." in answer.content.decode()
    work()
    assert only(standin).uris == songs(1, 2)


def test_a_night_of_an_event_and_the_whole_event_are_two_playlists(standin, client, its, elena, work):
    link(standin, elena, "elena")
    client.force_login(elena, backend=LOGIN)
    page = client.get("/organize/e/wcs-budapest/export?of=2026-03-15").content.decode()
    assert 'action="/me/spotify/event/wcs-budapest"' in page
    assert '<input type="hidden" name="of" value="2026-03-15">' in page
    for of in ("2026-03-15", "", "2026-03-15"):
        client.post("/me/spotify/event/wcs-budapest", {"of": of})
    work()
    assert {(its.kind, its.ref): its.title for its in Export.objects.all()} == {
        ("night", "wcs-budapest/2026-03-15"): "WCS Budapest, 15 March 2026",
        ("event", "wcs-budapest"): "WCS Budapest",
    }
    assert [playlist.uris for playlist in standin.playlists.values()] == [songs(1, 2)] * 2


def test_the_songs_somebody_loves_become_a_playlist(standin, client, its, make_user, work):
    from accounts.claim import home_of

    sarah = make_user("sarah")
    link(standin, sarah, "sarah")
    client.force_login(sarah, backend=LOGIN)
    for play in Play.objects.filter(is_hidden=False):
        like(home_of(sarah), play)
    assert 'action="/me/spotify/songs"' in client.get("/me/songs/export").content.decode()
    client.post("/me/spotify/songs", {"of": "wcs-budapest"})
    work()
    assert (only(standin).name, only(standin).uris) == ("Songs I love – WCS Budapest", songs(1, 2))


# --- What is in the way ------------------------------------------------------------------------------------------
def test_without_spotify_the_pages_are_whole_and_one_sentence_longer(unconfigured, his, its):
    page = his.get("/me/sets/THESET/export").content.decode()
    assert "Where the server is connected to Spotify, one press makes a playlist" in page
    assert "Make a playlist on Spotify" not in page
    assert 'href="/me/sets/THESET/export/csv"' in page
    answer = his.post("/me/spotify/set/THESET", follow=True)
    assert answer.redirect_chain == [("/me/sets/THESET/export", 302)]
    assert "This server is not connected to Spotify." in answer.content.decode()
    assert not Export.objects.exists()


def test_who_has_not_linked_is_told_what_linking_adds(standin, his, its):
    page = his.get("/me/sets/THESET/export").content.decode()
    assert "Link your Spotify account, and one press makes a playlist of these songs there." in page
    assert 'href="/me/spotify"' in page


def test_a_dead_permission_says_so(standin, his, linked, its):
    SpotifyLink.objects.update(needs_relink_at=timezone.now())
    assert "Your Spotify permission has ended." in his.get("/me/sets/THESET/export").content.decode()


def test_nothing_known_is_no_playlist_but_a_sentence(standin, his, linked, its):
    PlayLink.objects.all().delete()
    answer = his.post("/me/spotify/set/THESET", follow=True)
    assert "of these songs none is known on Spotify yet" in answer.content.decode()
    assert not Export.objects.exists()


def test_more_than_a_playlist_holds_is_refused_in_words(standin, his, linked, its, monkeypatch):
    monkeypatch.setattr("pika.gateways.spotify.MOST_ROWS", 2)
    answer = his.post("/me/spotify/set/THESET", follow=True)
    assert "Take one event, or one night." in answer.content.decode()


# --- Programs ------------------------------------------------------------------------------------------------------
def ask(client, token, session="THESET"):
    return client.post(
        "/api/v1/tracks/export-to-spotify",
        json.dumps({"sessionId": session}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )


def test_a_program_asks_for_a_playlist_and_looks_how_far_it_is(standin, client, linked, its, marcus, token_of, work):
    answer = ask(client, token_of(marcus))
    assert answer.status_code == 202
    assert answer.json() == {
        "exportId": Export.objects.get().code,
        "title": TITLE,
        "state": "waiting",
        "message": "",
        "written": 0,
        "songs": 2,
        "missingCount": 1,
        "missing": [{"name": "Song None", "why": UNSAID}],
        "url": "",
        "againAt": None,
    }
    assert ask(client, token_of(marcus)).json()["exportId"] == answer.json()["exportId"]
    work()
    where = f"/api/v1/exports/{answer.json()['exportId']}"
    told = client.get(where, headers={"Authorization": f"Bearer {token_of(marcus)}"}).json()
    assert (told["state"], told["written"], told["url"]) == ("done", 2, Export.objects.get().playlist_url)


def test_a_program_is_told_in_words_why_not(standin, client, its, marcus, ana, token_of, settings):
    answer = ask(client, token_of(marcus))
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "spotify_not_linked")
    assert ask(client, token_of(ana)).status_code == 404
    settings.SPOTIFY_CLIENT_ID = settings.SPOTIFY_SECRET = ""
    answer = ask(client, token_of(marcus))
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "spotify_off")

"""A DJ says on pages and over REST what their plays were: every press, and everything that can be pasted."""

import re
import threading
import time

import pytest
from django.db import connection
from django.utils import timezone
from verifying import confirm, heard, known_as, recording

from pika.errors import Problem
from pika.jobs import actions as jobs
from pika.titles import identity
from stages.models import Play, Session
from tracks.actions import recordings, repair
from tracks.actions.recordings import track_for_link
from tracks.actions.verify import say
from tracks.exports import FORMATS
from tracks.models import Identity, SpotifyTrack, Track, Verification
from tracks.questions import open_counts, questions_of
from tracks.recognition import Verdict
from tracks.repository import NewTrack
from tracks.suggestions import suggest

pytestmark = pytest.mark.django_db
ID = "4iV5W9uYEdYUVa79Axb7Rh"


def text_of(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def asked(response):
    """The title that the page asks about; None when it asks nothing."""
    found = re.search(r'data-play="[^"]+".*?<h1[^>]*><bdi>(.*?)</bdi>', response.content.decode(), re.DOTALL)
    return found and found[1]


def choices(response):
    return re.findall(r'class="offer" name="choice" value="([^"]+)"', response.content.decode())


@pytest.fixture
def at_desk(client):
    """`at_desk(dj)`: logged in; `press(play, choice)` as the buttons of the page do."""

    class Desk:
        def __init__(self, dj):
            self.dj = dj
            self.where = f"/me/sets/{dj.sessions.get().code}/verify"
            client.force_login(dj)

        def look(self, **query):
            return client.get(self.where, query)

        def press(self, play, choice, **more):
            return client.post(self.where, {"play": play.uuid, "choice": choice, **more}, follow=True)

    return Desk


# --- Pages ------------------------------------------------------------------------------------------------------
def test_a_set_is_said_one_question_after_another(at_desk, djs):
    marcus, ana = djs(2)
    at_last = recording()
    confirm(ana, at_last)
    plays = [heard(marcus, title) for title in ("At Last", "Rare", "Noise")]
    desk = at_desk(marcus)
    page = desk.look()
    assert (asked(page), choices(page)) == ("At Last", [f"track:{at_last.code}"])
    assert "0 of 3 done" in text_of(page)
    page = desk.press(plays[0], f"track:{at_last.code}")
    assert (asked(page), "1 of 3 done" in text_of(page)) == ("Rare", True)
    assert known_as(plays[0]) == (at_last, "own")
    page = desk.press(plays[1], "later")
    assert asked(page) == "Noise"
    page = desk.press(plays[2], "skip")
    assert asked(page) == "Rare"  # what was left for later comes at the end
    page = desk.press(plays[1], "paste", link=f"https://open.spotify.com/intl-de/track/{ID}?si=abc")
    assert (asked(page), "3 of 3 done" in text_of(page)) == (None, True)
    assert known_as(plays[1])[0].spotify_tracks.get().spotify_id == ID


def test_undo_brings_the_last_question_back_and_then_the_one_before(at_desk, djs):
    (marcus,) = djs(1)
    at_last = recording()
    plays = [heard(marcus, title) for title in ("At Last", "Noise")]
    desk = at_desk(marcus)
    desk.press(plays[0], f"track:{at_last.code}")
    page = desk.press(plays[1], "skip")
    assert "Undo Noise" in text_of(page)
    page = desk.press(plays[1], "undo")
    assert (asked(page), "1 of 2 done" in text_of(page), "Undo At Last" in text_of(page)) == ("Noise", True, True)
    page = desk.press(plays[0], "undo")
    assert (asked(page), known_as(plays[0])) == ("At Last", None)
    assert "Undo" not in text_of(page).replace("Undo Noise", "")


def test_not_this_one_shows_what_else_it_may_be_and_the_question_stays_open(at_desk, djs):
    marcus, ana, tom = djs(3)
    one, other = recording(), recording("At Last", "Etta James", version="Live")
    confirm(ana, one)
    confirm(tom, other)
    its = heard(marcus)
    desk = at_desk(marcus)
    first = choices(desk.look())
    assert sorted(first) == sorted([f"track:{one.code}", f"track:{other.code}"])
    page = desk.press(its, f"no:{first[0]}")
    assert (asked(page), choices(page), "0 of 1 done" in text_of(page)) == ("At Last", first[1:], True)
    page = desk.press(its, f"no:{first[1]}", no=[first[0]])
    assert (choices(page), "No other idea." in text_of(page)) == ([], True)
    assert Verification.objects.get(dj=marcus).verdict == "reject"


def test_what_was_refused_before_is_not_offered_again_another_day(at_desk, djs, program):
    marcus, ana, tom, kim = djs(4)
    offered = [recording(version=version) for version in ("Live", "Remix", "Acoustic")]
    for dj, track in zip((ana, tom, kim), offered, strict=True):
        confirm(dj, track)
    its = heard(marcus)
    for track in offered[:2]:
        say(marcus, its, Verdict.REJECT, track)
    assert choices(at_desk(marcus).look()) == [f"track:{offered[2].code}"]
    where = f"/sessions/{marcus.sessions.get().code}/unverified-tracks"
    [question] = program(marcus)(where).json()["results"]
    assert [its["trackId"] for its in question["suggestions"]] == [offered[2].code]


def test_a_program_speaks_of_any_play_of_a_song_and_the_page_takes_it_back(at_desk, djs, program):
    (marcus,) = djs(1)
    heard(marcus)
    second = heard(marcus)
    said = {"verdicts": [{"playId": str(second.uuid), "verdict": "confirm", "trackId": recording().code}]}
    assert program(marcus)("/tracks/verify", said).json()["results"][0]["status"] == "ok"
    desk = at_desk(marcus)
    back = desk.press(second, "undo")  # as the page's own button says it
    assert (back.status_code, asked(back)) == (200, "At Last")
    assert asked(desk.look(play=second.uuid)) == "At Last"


def test_a_conflict_is_shown_as_answers_with_counts_and_dates_without_names(at_desk, djs):
    marcus, *others = djs(6)
    at_last, cover = recording(), recording("At Last", "Celine Dion")
    for dj in others[:3]:
        confirm(dj, at_last)
    for dj in others[3:]:
        confirm(dj, cover)
    heard(marcus)
    page = at_desk(marcus).look()
    assert choices(page) == [f"track:{at_last.code}", f"track:{cover.code}"]
    text = text_of(page)
    assert "DJs do not agree about this one." in text
    assert text.count("3 DJs") == 1 and text.count("2 DJs") == 1
    assert f"last on {timezone.now():%-d %b %Y}" in text
    assert [dj.name for dj in others if dj.name in text] == []


def test_who_says_what_is_nobody_s_business_in_no_shape(at_desk, program, client, djs):
    """Other DJs are numbers: in the page and its source, over REST, and on the page of the set."""
    marcus, *others = djs(5)
    names = [f"Xavier{number}" for number in range(4)]
    for dj, name in zip(others, names, strict=True):
        dj.name, dj.email = name, f"{name}@example.org"
        dj.save()
        Session.objects.filter(dj=dj).update(dj_name=name)
    one, two = recording(), recording("At Last", version="Live")
    for dj, track in zip(others, (one, one, two, two), strict=True):
        confirm(dj, track)
    its = heard(marcus)
    code = marcus.sessions.get().code
    page = at_desk(marcus).look().content.decode()
    said = program(marcus)(f"/sessions/{code}/unverified-tracks").content.decode()
    assert "DJs do not agree" in page and '"isConflict":true' in said
    answers = [program(marcus)("/tracks/verify", {"verdicts": [{"playId": str(its.uuid), "verdict": "skip"}]})]
    Session.objects.filter(code=code).update(ended_at=timezone.now())
    Play.objects.update(published_at=timezone.now())
    answers += [client.get(path) for path in (f"/set/{code}", *(f"/set/{code}/{kind}" for kind in FORMATS))]
    assert {answer.status_code for answer in answers} == {200}
    for text in (page, said, *(b"".join(answer).decode() for answer in answers)):
        assert "At Last" in text or text == answers[0].content.decode()
        assert [name for name in names if name.casefold() in text.casefold()] == []


def test_what_differs_is_shown(at_desk, djs):
    (marcus,) = djs(1)
    Track.objects.all().delete()
    recordings.add_tracks([NewTrack("At Last", "Etta James", version="Live", duration_ms=200_000)])
    heard(marcus, duration_ms=180_000)
    text = text_of(at_desk(marcus).look())
    assert "Title and artist, other version" in text
    assert re.search(r"Version yours: none this one: Live", text)
    assert re.search(r"Length yours: 3:00 this one: 3:20", text)


def test_what_was_said_before_is_not_asked_again_in_another_set(at_desk, djs):
    (marcus,) = djs(1)
    confirm(marcus, recording(), audio_hash="one file")
    first = marcus.sessions.get()
    second = Session.objects.create(code="LATER", dj=marcus, dj_name="Marcus")
    again = Play.objects.create(
        session=second,
        title="At Last",
        artist="Etta James",
        identity=identity("Etta James", "At Last"),
        played_at=timezone.now(),
        audio_hash="another",
    )
    recordings.say(marcus, first.plays.get(), Verdict.CONFIRM, recording())
    jobs.run_due()
    assert known_as(again)[1] == "own"
    assert open_counts([second, first]) == {second.pk: (0, 1), first.pk: (0, 1)}


def test_my_sets_newest_first_with_what_is_still_to_say(client, djs, stage):
    marcus, ana = djs(2)
    heard(ana)
    heard(marcus)
    skipped = heard(marcus, "Noise")
    say(marcus, skipped, Verdict.SKIP)
    Session.objects.create(code="EMPTY", dj=marcus, dj_name="Marcus", stage=stage)
    client.force_login(marcus)
    text = text_of(client.get("/me/sets"))
    assert text.index("Main Floor") < text.index("Quick Start")
    assert "Nothing was played." in text and "2 songs · 1 to say" in text


def test_another_dj_s_set_is_not_there_and_nobody_is_asked_who_is_no_dj(client, djs, elena):
    marcus, ana = djs(2)
    hers = heard(ana)
    client.force_login(marcus)
    where = f"/me/sets/{ana.sessions.get().code}/verify"
    assert client.get(where).status_code == 404
    assert client.post(where, {"play": hers.uuid, "choice": "skip"}).status_code == 404
    mine = f"/me/sets/{marcus.sessions.get().code}/verify"
    assert client.post(mine, {"play": hers.uuid, "choice": "skip"}).status_code == 404
    assert client.get(f"{mine}?play={hers.uuid}").status_code == 404
    assert client.post(mine, {"play": "nonsense", "choice": "skip"}).status_code == 404
    assert Verification.objects.count() == 0
    client.force_login(elena)
    assert "Are you a DJ?" in text_of(client.get("/me/sets"))
    assert "Are you a DJ?" in text_of(client.get(mine))


BAD_LINKS = {
    f"https://open.spotify.com/album/{ID}": "This is a link to a whole album.",
    f"spotify:playlist:{ID}": "This is a link to a whole playlist.",
    "spotify:local:Etta+James::At+Last:180": "This is a file on somebody's computer",
    "https://open.spotify.com/track/4iV5": "The link is not complete",
    "https://spotify.link/abc": "Open this short link first",
    "at last by etta james": "This is no link to a track on Spotify.",
    "": "Say which recording you mean.",
}


@pytest.mark.parametrize("pasted", BAD_LINKS)
def test_what_is_no_link_is_said_and_stays_in_the_field(at_desk, djs, pasted):
    (marcus,) = djs(1)
    its = heard(marcus)
    desk = at_desk(marcus)
    page = desk.press(its, "paste", link=pasted)
    html = page.content.decode().replace("&#x27;", "'")
    assert (page.status_code, asked(page), BAD_LINKS[pasted] in html) == (400, "At Last", True)
    assert f'value="{pasted}"' in html
    assert Track.objects.count() == Verification.objects.count() == 0


def test_a_script_gets_the_next_question_alone(client, djs):
    (marcus,) = djs(1)
    its, _ = heard(marcus), heard(marcus, "Rare")
    client.force_login(marcus)
    where = f"/me/sets/{marcus.sessions.get().code}/verify"
    answer = client.post(where, {"play": its.uuid, "choice": "skip"}, headers={"X-Requested-With": "fetch"})
    assert (answer.status_code, asked(answer), b"<html" in answer.content) == (200, "Rare", False)


@pytest.mark.parametrize("title", ["తెలుగు పాట", "🔥🔥", "أغنية", "شي <b>", "A&B"])
def test_titles_in_every_writing_are_asked_and_named(at_desk, djs, title):
    (marcus,) = djs(1)
    its = heard(marcus, title, "కళాకారుడు")
    desk = at_desk(marcus)
    assert (
        f"<bdi>{title.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')}</bdi>"
        in desk.look().content.decode()
    )
    desk.press(its, "paste", link=ID)
    track = known_as(its)[0]
    assert (track.title, track.artist) == (title, "కళాకారుడు")


def test_a_set_of_2000_plays_is_answered_fast(at_desk, djs):
    (marcus,) = djs(1)
    session = marcus.sessions.get()
    Play.objects.bulk_create(
        Play(
            session=session,
            title=f"Song {n}",
            artist="Band",
            identity=identity("Band", f"Song {n}"),
            file_hash=f"{n:064}",
            played_at=timezone.now(),
        )
        for n in range(2000)
    )
    desk = at_desk(marcus)
    took = []
    for play in session.plays.order_by("pk")[:7]:
        began = time.perf_counter()
        page = desk.press(play, "skip")
        took.append(time.perf_counter() - began)
    assert "7 of 2000 done" in text_of(page)
    assert sorted(took)[3] < 5  # on a laptop 0.5 s, with the page that follows
    assert "Page 1 of 40" in text_of(desk.look(all=1))


# --- Which recording a link is ----------------------------------------------------------------------------------
def test_one_link_is_one_recording_named_as_the_first_play_was(djs):
    marcus, ana = djs(2)
    first = track_for_link(ID, heard(marcus, "At Last (Live)", album="Tell Mama", isrc="USMC16046323", bpm=90))
    assert (first.title, first.version, first.artist) == ("At Last", "Live", "Etta James")
    assert first.sources == {"title": "dj", "artist": "dj", "album": "file", "isrc": "file", "bpm": "file"}
    assert track_for_link(ID, heard(ana, "something else")) == first
    assert [offer.code for offer in suggest(heard(ana, "At Last (Live)"))] == [first.code]


def test_a_link_to_a_merged_recording_is_what_it_was_merged_into(djs, kryspin):
    (marcus,) = djs(1)
    its = heard(marcus)
    first, other = track_for_link(ID, its), recording()
    repair.merge(first, other, kryspin)
    assert track_for_link(ID, its) == other


@pytest.mark.django_db(transaction=True)
def test_the_same_link_pasted_twice_at_once_makes_one_recording(djs):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one write at a time")
    marcus, ana = djs(2)
    plays = [heard(marcus), heard(ana)]
    ready, found = threading.Barrier(2), []

    def paste(play):
        play.session.dj  # noqa: B018  read before the race
        ready.wait(10)
        found.append(track_for_link(ID, play).pk)
        connection.close()

    threads = [threading.Thread(target=paste, args=(play,)) for play in plays]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 2 and len(set(found)) == 1
    assert (Track.objects.count(), SpotifyTrack.objects.count()) == (1, 1)


def test_a_linked_catalogue_names_it_and_joins_what_has_its_isrc(djs, monkeypatch):
    (marcus,) = djs(1)
    new = NewTrack("At Last - Remastered", "Etta James", "At Last!", "USMC16046323", 180_000)
    monkeypatch.setattr(recordings, "lookups", [lambda user, spotify_id: new])
    first = track_for_link(ID, heard(marcus, "01 track", "unknown"))
    assert (first.title, first.isrc, first.sources["isrc"]) == ("At Last", "USMC16046323", "spotify")
    assert track_for_link("5" + ID[1:], heard(marcus, "01 track", "unknown")) == first
    assert first.spotify_tracks.count() == 2


def test_a_set_without_songs_says_so(at_desk, djs):
    page = text_of(at_desk(*djs(1)).look())
    assert ("Nothing was played." in page, "All done" in page) == (True, False)


def test_an_isrc_of_a_file_joins_nothing(djs):
    (marcus,) = djs(1)
    recording(isrc="USMC16046323", sources={"isrc": "spotify"})
    other = track_for_link(ID, heard(marcus, "Wrongly tagged", isrc="USMC16046323"))
    assert other.title == "Wrongly tagged"


def test_a_dead_link_is_said(djs, monkeypatch):
    (marcus,) = djs(1)
    its = heard(marcus)
    dead = recording()
    row = SpotifyTrack.objects.create(track=dead, spotify_id=ID, gone_at=timezone.now())
    with pytest.raises(Problem, match="Spotify does not have this track any more"):
        track_for_link(ID, its)
    SpotifyTrack.objects.create(track=dead, spotify_id="5" + ID[1:])
    assert track_for_link(row.spotify_id, its) == dead  # the recording lives under another id

    def gone(user, spotify_id):
        raise recordings.link_gone()

    monkeypatch.setattr(recordings, "lookups", [gone])
    with pytest.raises(Problem, match="paste its new link"):
        track_for_link("6" + ID[1:], its)
    assert Track.objects.count() == 1


def test_what_a_catalogue_finds_is_offered_behind_what_djs_said(at_desk, djs, monkeypatch):
    marcus, ana = djs(2)
    at_last = recording()
    confirm(ana, at_last)
    its = heard(marcus)
    found = [
        NewTrack("At Last", "Etta James", spotify_ids=["1" * 22]),
        NewTrack("At Last (Live)", "Etta James", spotify_ids=[ID]),
    ]
    monkeypatch.setattr("tracks.suggestions.suggesters", [lambda user, play: found])
    monkeypatch.setattr("tracks.suggestions.can_search", [lambda user: True])
    monkeypatch.setattr(recordings, "lookups", [lambda user, spotify_id: found[1]])
    desk = at_desk(marcus)
    assert "Show what Spotify finds here" in text_of(desk.look())
    assert choices(desk.look(more=1)) == [f"track:{at_last.code}", f"link:{ID}"]  # the first is the one we know
    desk.press(its, f"link:{ID}")
    assert known_as(its)[0].version == "Live"


def test_what_linking_would_add_is_said_once(at_desk, djs, monkeypatch):
    (marcus,) = djs(1)
    heard(marcus)
    told = ("With Spotify linked, it is searched here.", "/me/spotify")
    monkeypatch.setattr("tracks.suggestions.would_add", [lambda user: told])
    assert text_of(at_desk(marcus).look()).count("With Spotify linked") == 1


# --- Hash collisions, voices -------------------------------------------------------------------------------------
def test_one_file_hash_for_two_recordings_is_a_conflict_and_links_nobody(djs):
    *six, seventh = djs(7)
    one, two = recording("One"), recording("Two")
    for dj, track in zip(six, (one, two) * 3, strict=True):
        confirm(dj, track, title=track.title, file_hash="c" * 64)
    assert Identity.objects.get(kind="file").state == "conflict"
    # The file says nothing, the name does.
    assert known_as(heard(seventh, "One", file_hash="c" * 64)) == (one, "name")
    assert known_as(heard(seventh, "Two", file_hash="c" * 64)) == (two, "name")
    assert known_as(heard(seventh, "Three", file_hash="c" * 64)) is None


# --- REST -------------------------------------------------------------------------------------------------------
@pytest.fixture
def program(client, token_of):
    """`program(dj)`: get, post as the DJ's program does."""

    def of(dj):
        headers = {"Authorization": f"Bearer {token_of(dj)}"}

        def ask(path, body=None):
            if body is None:
                return client.get(f"/api/v1{path}", headers=headers)
            return client.post(f"/api/v1{path}", body, content_type="application/json", headers=headers)

        return ask

    return of


def test_a_program_asks_what_is_open_and_says_what_it_is(program, djs):
    marcus, ana = djs(2)
    at_last = recording()
    confirm(ana, at_last)
    plays = [heard(marcus, title) for title in ("At Last", "Rare", "Noise", "Never")]
    ask = program(marcus)
    where = f"/sessions/{marcus.sessions.get().code}/unverified-tracks"
    first = ask(f"{where}?limit=1").json()
    assert (first["count"], first["total"], len(first["results"])) == (4, 4, 1)
    question = first["results"][0]
    assert (question["playId"], question["track"]["title"]) == (str(plays[0].uuid), "At Last")
    offer = question["suggestions"][0]
    assert (offer["trackId"], offer["reason"], offer["djs"], question["isConflict"]) == (
        at_last.code,
        "same_name",
        1,
        False,
    )
    verdicts = [
        {"playId": str(plays[0].uuid), "verdict": "confirm", "trackId": at_last.code},
        {"playId": str(plays[1].uuid), "verdict": "confirm", "link": f"spotify:track:{ID}"},
        {"playId": str(plays[2].uuid), "verdict": "skip"},
        {"playId": str(plays[3].uuid), "verdict": "confirm", "link": f"spotify:album:{ID}"},
        {"playId": str(plays[3].uuid), "verdict": "confirm"},
        {"playId": str(plays[3].uuid), "verdict": "confirm", "trackId": "nosuch"},
        {"playId": str(plays[3].uuid), "verdict": "sing"},
        {"playId": str(ana.sessions.get().plays.get().uuid), "verdict": "skip"},
        "nonsense",
    ]
    for _ in range(2):  # the same again changes nothing
        results = ask("/tracks/verify", {"verdicts": verdicts}).json()["results"]
        codes = [its.get("code", its["status"]) for its in results]
        assert codes == ["ok"] * 3 + ["bad_link", "no_track", "track_not_found", "invalid", "play_not_found", "invalid"]
    assert results[0]["words"] == "Etta James – At Last"
    assert [its["track"]["title"] for its in ask(where).json()["results"]] == ["Never"]
    taken_back = ask("/tracks/verify", {"verdicts": [{"playId": str(plays[2].uuid), "verdict": "withdraw"}]}).json()
    assert taken_back == {"results": [{"playId": str(plays[2].uuid), "status": "ok"}]}
    assert ask(where).json()["count"] == 2


def test_too_many_verdicts_and_other_people_s_sets_are_refused(program, djs):
    marcus, ana = djs(2)
    its = heard(marcus)
    many = [{"playId": str(its.uuid), "verdict": "skip"}] * 101
    assert program(marcus)("/tracks/verify", {"verdicts": many}).status_code == 400
    assert program(ana)(f"/sessions/{marcus.sessions.get().code}/unverified-tracks").status_code == 404
    assert Verification.objects.count() == 0


def test_questions_and_counts_agree_after_every_kind_of_word(djs):
    (marcus,) = djs(1)
    track = recording()
    plays = {verdict: heard(marcus, f"Song {verdict}") for verdict in ("confirm", "reject", "skip", "nothing")}
    for verdict in ("confirm", "reject"):
        say(marcus, plays[verdict], Verdict(verdict), track)
    say(marcus, plays["skip"], Verdict.SKIP)
    session = marcus.sessions.get()
    assert {its.play.title for its in questions_of(session) if its.is_open} == {"Song reject", "Song nothing"}
    assert open_counts([session]) == {session.pk: (2, 4)}

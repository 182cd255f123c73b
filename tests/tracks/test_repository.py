"""The recordings everybody knows: found by name however it is written, with a reason, in a handful of statements."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from pika.titles import identity, parse
from stages.models import Play
from tests.load.names import read_sets, render
from tests.load.settled import linked, settle_names
from tracks.keys import play_keys, track_keys
from tracks.matching import Reason
from tracks.models import Identity, Track, TrackKey, Verification
from tracks.repository import NewTrack, add_tracks, candidates, name_of, rename

ID = "3JqjXikqS3jj8qWHs7OaLs"


def play(artist, title, remix="", **more):
    return Play(artist=artist, title=title, remix=remix, identity=identity(artist, title, remix), **more)


def linked_to(*names, **more):
    """What a play of that name is linked to where three DJs have named every recording."""
    Identity.objects.all().delete()
    settle_names()
    return Track.objects.filter(pk=linked(play(*names, **more))).first()


def told(found):
    return [(its.track.title, its.track.version, its.reason) for its in found]


@pytest.fixture
def some(db):
    names = [
        ("Sia", "Chandelier"),
        ("Sia,Four Tet", "Chandelier - Four Tet Remix"),
        ("James Bay", "Let It Go"),
        ("Idina Menzel", "Let It Go - From Frozen"),
        ("Ed Sheeran", "Perfect"),
        ("Glass Animals", "A Tear in Space (Airlock)"),
        ("సిద్ శ్రీరామ్", "మళ్ళీ మళ్ళీ"),
        ("🔥", "♥♥"),
        ("فيروز", "نسم علينا الهوى"),
    ]
    return add_tracks(NewTrack(title, artist, duration_ms=200_000) for artist, title in names)


# --- Adding ------------------------------------------------------------------------------------------------------
def test_a_track_is_kept_in_parts_with_who_told_them(db):
    [track] = add_tracks(
        [NewTrack("Dangerous - Oliver Remix", "Big Data,Joywave,Oliver", isrc="uswb11402703", spotify_ids=[ID])]
    )
    assert (track.title, track.version, track.artist) == ("Dangerous", "Oliver Remix", "Big Data, Joywave, Oliver")
    assert (track.isrc, track.identity) == ("USWB11402703", "big data + joywave – dangerous oliver remix")
    assert track.sources == {"title": "spotify", "artist": "spotify", "isrc": "spotify"}
    assert list(track.spotify_tracks.values_list("spotify_id", flat=True)) == [ID]


def test_a_name_from_the_columns_is_the_name_from_the_text(some):
    for track in some:
        assert name_of(track)[:3] == parse(track.artist, track.title, track.version)[:3]


def test_a_renamed_track_is_found_by_its_new_name_alone(some):
    track = some[4]
    track.title = "Photograph"
    rename(track)
    assert linked_to("Ed Sheeran", "Photograph") == track
    assert linked_to("Ed Sheeran", "Perfect") is None
    assert candidates(play("Ed Sheeran", "Perfect")) == []
    track.artist = "Adele"
    rename(track)
    assert linked_to("Adele", "Photograph") == track
    track.delete()
    assert not TrackKey.objects.filter(track_id=track.pk).exists()


# --- By name -----------------------------------------------------------------------------------------------------
def test_a_name_is_found_and_its_other_version_is_not(some):
    assert linked_to("SIA", "Chandelier [www.djlist.org]") == some[0]
    assert linked_to("Sia", "Chandelier", "Four Tet Remix") == some[1]
    assert linked_to("Sia", "Chandelier (Live)") is None
    assert linked_to("", "Chandelier") is None


def test_two_of_one_name_or_another_length_link_nothing(some):
    assert linked_to("Ed Sheeran", "Perfect", duration_ms=230_000) is None
    assert linked_to("Ed Sheeran", "Perfect", duration_ms=204_000) == some[4]
    add_tracks([NewTrack("Perfect", "Ed Sheeran")])
    assert linked_to("Ed Sheeran", "Perfect") is None


def test_a_merged_track_leads_to_the_one_it_became(some):
    twin = add_tracks([NewTrack("Perfect (Single Version)", "Ed Sheeran")])[0]
    twin.merged_into = some[4]
    twin.save()
    assert linked_to("Ed Sheeran", "Perfect (Single Version)") == some[4]
    assert {its.track for its in candidates(play("Ed Sheeran", "Perfect (Single Version)"))} == {some[4]}


@pytest.mark.parametrize(
    ("artist", "title", "best"),
    [
        ("Sia", "Chandelier", ("Chandelier", "", Reason.SAME_NAME)),
        ("Sia", "Chandelier (Kygo Remix)", ("Chandelier", "", Reason.OTHER_VERSION)),
        ("Sai", "Chandelier", None),  # three letters, one wrong way round: nobody knows
        ("Sia", "Chandeleir (Official Video)", ("Chandelier", "", Reason.SIMILAR)),
        ("Ed Sheran", "Perfect", ("Perfect", "", Reason.OTHER_ARTISTS)),
        ("Ed Sheeran", "Perfct", ("Perfect", "", Reason.SIMILAR)),
        ("Perfect", "Ed Sheeran", ("Perfect", "", Reason.SAME_NAME)),
        ("", "ed sheeran perfect", ("Perfect", "", Reason.SIMILAR)),
        ("", "Perfect", ("Perfect", "", Reason.SIMILAR)),
        ("Nobody", "Perfect", None),
        ("సిద్ శ్రీరామ్", "మళ్ళీ మళ్ళీ (Live)", ("మళ్ళీ మళ్ళీ", "", Reason.OTHER_VERSION)),
        ("🔥", "♥♥", ("♥♥", "", Reason.SAME_NAME)),
        ("فيروز", "نسم علينا الهوي", ("نسم علينا الهوى", "", Reason.SIMILAR)),
    ],
)
def test_what_is_suggested_first(some, artist, title, best):
    found = candidates(play(artist, title))
    assert (told(found)[0] if found else None) == best
    assert all(its.words and its.reason in Reason for its in found)


def test_another_artist_with_that_title_is_not_suggested(some):
    assert told(candidates(play("James Bay", "Let It Go (Acoustic)"))) == [("Let It Go", "", Reason.OTHER_VERSION)]
    assert len(candidates(play("", "Let It Go"))) == 2


def test_no_more_than_asked_for_however_many_there_are(db):
    add_tracks(NewTrack("Love", f"Singer {number}") for number in range(200))
    assert len(candidates(play("", "Love"))) == 5
    assert len(candidates(play("", "Love"), count=8)) == 8
    assert candidates(play("Singer 177", "Love"))[0].track.artist == "Singer 177"


# --- By what DJs said ----------------------------------------------------------------------------------------------
def test_the_stronger_reason_comes_first_and_says_how_many_djs(some, marcus, ana):
    audio = Identity.objects.create(kind="audio", value="a" * 64, track=some[2], state="settled")
    name = Identity.objects.create(kind="name", value=identity("Someone", "Something"))
    for dj in (marcus, ana):
        Verification.objects.create(dj=dj, identity=name, verdict="confirm", track=some[5]).identities.add(name)
    asked = play("Someone", "Something", audio_hash=audio.value)
    assert [(its.track, its.reason, its.djs) for its in candidates(asked)] == [
        (some[2], Reason.SAME_AUDIO, 0),
        (some[5], Reason.SAME_NAME, 2),
    ]
    Verification.objects.filter(dj=ana).update(verdict="reject", track=None)
    assert [its.djs for its in candidates(asked)] == [0, 1]


def test_an_isrc_is_a_reason_whatever_the_name(some):
    Track.objects.filter(pk=some[4].pk).update(isrc="GBAHS1700024")
    asked = play("ed sheran", "prefect", isrc="gbahs1700024")
    assert told(candidates(asked)) == [("Perfect", "", Reason.SAME_ISRC)]


def test_as_many_statements_for_one_recording_as_for_a_thousand(some):
    def statements():
        with CaptureQueriesContext(connection) as asked:
            candidates(play("Sia", "Chandelier (Live)", isrc="GBAHS1700024", audio_hash="b" * 64))
        return len(asked)

    before = statements()
    add_tracks(NewTrack("Chandelier", f"Sia {number}") for number in range(1000))
    assert statements() == before <= 5


def test_plays_of_before_are_renamed_by_the_migration(marcus):
    from importlib import import_module

    from django.apps import apps

    from stages.models import Session

    session = Session.objects.create(dj=marcus, dj_name="Marcus")
    its = Play.objects.create(
        session=session, artist="Sia ft. Rhye", title="Hello", identity="x", played_at=timezone.now()
    )
    import_module("tracks.migrations.0004_names_as_now_read").renew(apps, None)
    its.refresh_from_db()
    assert its.identity == "rhye + sia – hello"


# --- Keys ----------------------------------------------------------------------------------------------------------
@given(st.text(max_size=60), st.text(max_size=120))
def test_a_name_shares_a_key_with_itself_and_has_not_many(artist, title):
    name = parse(artist, title)
    keys = track_keys(name)
    assert len(keys) <= 40
    assert not name.title or keys & play_keys(name)
    assert all(-(2**63) <= key < 2**63 for key in keys)


def test_real_noisy_names_link_right_or_not_at_all(shared):
    """The whole measurement is `manage.py bench match`; this is its rule, without a database."""
    import random

    dice = random.Random(5)
    recordings = read_sets(shared / "data/wcs_sets")
    names: dict[str, set[int]] = {}
    for place, one in enumerate(recordings):
        names.setdefault(identity(", ".join(one.artists), one.song), set()).add(place)
    linked = 0
    for place, one in enumerate(recordings):
        its = render(one, dice)
        found = names.get(identity(its.artist, its.title, its.remix), set())
        assert found <= {place}, its
        linked += bool(found)
    assert linked / len(recordings) > 0.8

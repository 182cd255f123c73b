"""What an admin did and takes back, in any order: every play and every vote is right again."""

import pytest
from verifying import confirm, heard, known_as, recording

from pika.errors import Problem
from pika.jobs import actions as jobs
from tracks.actions import repair
from tracks.actions.verify import say
from tracks.models import Identity, SpotifyTrack, TrackChange, Voice
from tracks.recognition import Verdict, tally
from tracks.repository import NewTrack, add_tracks

pytestmark = pytest.mark.django_db


def do():
    while jobs.run_due():
        pass


def voice_of(user):
    """(whom they speak as, whether they are banned)"""
    voice = Voice.objects.get(user=user)
    return voice.speaks_as, bool(voice.banned_at)


# --- Merges -------------------------------------------------------------------------------------------------
def test_what_was_known_by_the_isrc_of_a_merged_track_stays_known(djs, kryspin):
    [marcus] = djs(1)
    codes = ("USAAA0000001", "USBBB0000002")
    reissue, album = add_tracks([NewTrack("At Last", "Etta James", isrc=code) for code in codes])
    old = heard(marcus, isrc=codes[0])
    assert known_as(old) == (reissue, "isrc")
    merged = repair.merge(reissue, album, kryspin)
    do()
    assert known_as(old) == known_as(heard(marcus, isrc=codes[0])) == (album, "isrc")
    repair.undo(merged, kryspin)
    do()
    assert known_as(old) == (reissue, "isrc")


def test_a_split_is_not_undone_below_a_newer_merge(djs, kryspin):
    at_last, other = recording(), recording("At Last", "Etta  James")
    for dj in djs(3):
        confirm(dj, at_last, audio_hash="h")
    here = SpotifyTrack.objects.create(spotify_id="0" * 22, track=at_last)
    its = Identity.objects.get(kind="audio")
    repair.split(at_last, [its], [here], kryspin, "", title="At Last", version="Live", artist="Etta James")
    merged = repair.merge(at_last, other, kryspin)
    do()
    split = TrackChange.objects.get(kind="split")
    with pytest.raises(Problem, match="Something newer builds on it"):
        repair.undo(split, kryspin)
    for change in (merged, split):
        repair.undo(change, kryspin)
    do()
    its.refresh_from_db()
    here.refresh_from_db()
    assert (its.track, here.track) == (at_last, at_last)


# --- Decisions ------------------------------------------------------------------------------------------------
def test_a_decision_is_taken_back_only_while_it_stands(djs, kryspin):
    one, two = recording(), recording("Other", "Band")
    its = Identity.objects.create(kind="audio", value="h")
    first, second = (repair.override(its, track, kryspin) for track in (one, two))
    with pytest.raises(Problem) as refused:
        repair.undo(first, kryspin)
    assert (refused.value.status, refused.value.code) == (409, "undo_newer_first")
    repair.undo(second, kryspin)
    its.refresh_from_db()
    assert its.track == one
    repair.undo(first, kryspin)
    its.refresh_from_db()
    assert its.track is None


# --- Voices -----------------------------------------------------------------------------------------------------
def test_a_ban_that_is_over_leaves_the_join_and_its_end_leaves_no_ban(djs, kryspin):
    one, other = djs(2)
    repair.ban(other, kryspin, "jokes")
    join = repair.join_voices(other, one, kryspin)
    repair.unban(other, kryspin)
    assert voice_of(other) == (one, False)
    repair.undo(join, kryspin)
    assert voice_of(other) == (None, False)


def test_banned_twice_somebody_counts_again_after_one_press(djs, kryspin):
    [one] = djs(1)
    repair.ban(one, kryspin, "jokes")
    second = repair.ban(one, kryspin, "more jokes")
    repair.undo(second, kryspin)
    assert voice_of(one) == (None, True)
    repair.ban(one, kryspin, "still")
    repair.unban(one, kryspin)
    assert voice_of(one) == (None, False)


def test_who_spoke_as_somebody_is_joined_along_counted_again_and_comes_back(djs, kryspin):
    root, middle, last, fourth = djs(4)
    at_last = recording()
    repair.join_voices(last, middle, kryspin)
    for dj in (root, last, fourth):  # the one in the middle said nothing of it
        confirm(dj, at_last, audio_hash="h")
    its = Identity.objects.get(kind="audio")
    assert its.state == "settled"
    join = repair.join_voices(middle, root, kryspin)
    do()
    its.refresh_from_db()
    assert (its.state, its.track, tally(its).votes) == ("open", None, {at_last.pk: 2})
    repair.undo(join, kryspin)
    do()
    its.refresh_from_db()
    assert (voice_of(last), its.state) == ((middle, False), "settled")


def test_a_join_is_not_undone_below_a_newer_one(djs, kryspin):
    one, two, three = djs(3)
    first = repair.join_voices(three, one, kryspin)
    second = repair.join_voices(three, two, kryspin)
    with pytest.raises(Problem, match="Something newer"):
        repair.undo(first, kryspin)
    repair.undo(second, kryspin)
    repair.undo(first, kryspin)
    assert voice_of(three) == (None, False)


# --- A DJ's own word ----------------------------------------------------------------------------------------------
def test_each_not_this_one_of_a_dj_stands(djs):
    *three, fourth = djs(4)
    one, two = recording(), recording("Other", "Band")
    for dj in three:
        confirm(dj, one, audio_hash="h")
    its = heard(fourth, audio_hash="h")
    for track in (one, two):
        say(fourth, its, Verdict.REJECT, track)
        assert known_as(its) is None
    say(fourth, its, Verdict.CONFIRM, one)
    assert known_as(its) == (one, "own")


def test_a_word_on_one_file_links_no_other_edit_of_that_name(djs):
    [marcus] = djs(1)
    at_last = recording(duration_ms=180_000)
    short = confirm(marcus, at_last, audio_hash="h", duration_ms=180_000)
    assert known_as(heard(marcus, audio_hash="other", duration_ms=182_000)) == (at_last, "own")
    extended = heard(marcus, audio_hash="extended", duration_ms=320_000)
    assert (known_as(extended), known_as(short)) == (None, (at_last, "own"))
    say(marcus, extended, Verdict.CONFIRM, at_last)  # of exactly this one he says so
    assert known_as(extended) == (at_last, "own")

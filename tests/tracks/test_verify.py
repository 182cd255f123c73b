"""DJs say what their plays were; three of them settle it for everyone."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from verifying import confirm, heard, known_as, recording

from pika.jobs import actions as jobs
from pika.live.messages import iso
from stages.forms import TrackForm
from stages.models import Play
from tracks.actions import recordings, repair
from tracks.actions.linking import link_new
from tracks.actions.verify import say, withdraw
from tracks.models import Identity, PlayLink, SpotifyTrack, TrackChange, Verification
from tracks.questions import questions_of
from tracks.recognition import Verdict, tally
from tracks.repository import NewTrack
from tracks.suggestions import suggest

pytestmark = pytest.mark.django_db


def test_three_djs_with_three_files_settle_it_for_the_fourth(djs):
    *three, fourth = djs(4)
    at_last = recording()
    for dj in three:
        assert known_as(heard(fourth, file_hash=f"f{dj.pk}")) is None
        confirm(dj, at_last, audio_hash=f"a{dj.pk}", file_hash=f"b{dj.pk}")
    assert known_as(heard(fourth, audio_hash="another", artist="ETTA JAMES")) == (at_last, "name")


def test_plays_from_before_are_linked_once_it_is_settled(djs):
    *three, fourth = djs(4)
    early = heard(fourth)
    at_last = recording()
    for dj in three:
        confirm(dj, at_last)
    assert known_as(early) is None
    jobs.run_due()
    assert known_as(early) == (at_last, "name")


def test_one_and_two_are_not_enough_and_one_dj_is_one_however_often(djs):
    one, two, other = djs(3)
    at_last = recording()
    for n in range(10):
        confirm(one, at_last, file_hash=f"f{n}")
    confirm(two, at_last)
    jobs.run_due()
    assert known_as(heard(other)) is None
    assert tally(Identity.objects.get(kind="name")).votes == {at_last.pk: 2}


def test_a_dj_s_own_word_is_enough_for_that_dj(djs):
    marcus, ana = djs(2)
    at_last = recording()
    before = heard(marcus)
    confirm(marcus, at_last)
    assert known_as(before) == (at_last, "own")
    assert known_as(heard(marcus)) == (at_last, "own")
    assert known_as(heard(ana)) is None


def test_a_wrong_answer_is_outvoted_and_until_then_it_is_a_conflict(djs):
    wrong, *others = djs(6)
    at_last, cover = recording(), recording("At Last (cover)", "Celine")
    confirm(wrong, cover)
    for dj in others[:3]:
        confirm(dj, at_last)
    name = Identity.objects.get(kind="name")
    assert (name.state, name.track) == ("settled", at_last)
    confirm(others[3], cover)
    name.refresh_from_db()
    assert (name.state, name.track) == ("conflict", None)
    confirm(others[4], at_last)
    jobs.run_due()
    name.refresh_from_db()
    assert (name.state, name.track) == ("settled", at_last)
    assert known_as(wrong.sessions.get().plays.get()) == (cover, "own")


def test_a_word_that_is_withdrawn_counts_no_more(djs):
    *three, fourth = djs(4)
    at_last = recording()
    plays = [confirm(dj, at_last) for dj in three]
    later = heard(fourth)
    assert known_as(later) == (at_last, "name")
    withdraw(three[0], plays[0])
    withdraw(three[0], plays[0])
    jobs.run_due()
    assert known_as(later) is None
    assert known_as(plays[0]) is None
    assert known_as(plays[1]) == (at_last, "own")


def test_changing_ones_mind_moves_the_word(djs):
    (marcus,) = djs(1)
    at_last, cover = recording(), recording("At Last", "Celine")
    its = confirm(marcus, cover)
    say(marcus, its, Verdict.CONFIRM, at_last)
    assert known_as(its) == (at_last, "own")
    assert tally(Identity.objects.get()).votes == {at_last.pk: 1}
    assert Verification.objects.count() == 1


def test_the_stronger_identity_decides(djs):
    *three, fourth = djs(4)
    original, remix = recording(), recording("At Last", "Etta James", version="Remix")
    for dj in three:
        confirm(dj, original)
        confirm(dj, remix, audio_hash="untagged remix")
    jobs.run_due()
    assert known_as(heard(fourth, audio_hash="untagged remix")) == (remix, "audio")
    assert Identity.objects.get(kind="name").state == "conflict"  # one name, two recordings: it links nobody any more


def test_a_remix_is_another_recording(djs):
    *three, fourth = djs(4)
    at_last = recording()
    for dj in three:
        confirm(dj, at_last)
    assert known_as(heard(fourth, remix="Tall Paul Remix")) is None


def test_what_the_dj_rejected_is_not_linked_for_that_dj(djs):
    *three, fourth = djs(4)
    at_last = recording()
    for dj in three:
        confirm(dj, at_last)
    its = heard(fourth)
    say(fourth, its, Verdict.REJECT, at_last)
    assert known_as(its) is None
    assert known_as(heard(fourth)) is None
    say(fourth, its, Verdict.SKIP)
    assert known_as(its) == (at_last, "name")


def test_an_isrc_links_at_once_where_somebody_who_knows_said_so(djs):
    (marcus,) = djs(1)
    known = recording(isrc="USMC16046323", sources={"isrc": "spotify"})
    recording("Other", isrc="GBAAA0000001", sources={"isrc": "file"})
    assert known_as(heard(marcus, "ATL", "EJ", isrc="USMC16046323")) == (known, "isrc")
    assert known_as(heard(marcus, "Other", "Who", isrc="GBAAA0000001")) is None


def test_an_isrc_that_becomes_known_links_what_was_played_before(djs, monkeypatch):
    marcus, ana = djs(2)
    old = heard(marcus, isrc="USAAA0000001")
    monkeypatch.setattr(
        recordings, "lookups", [lambda dj, spotify_id: NewTrack("At Last", "Etta James", isrc="USAAA0000001")]
    )
    hers = heard(ana, title="Somewhere else")
    say(ana, hers, Verdict.CONFIRM, recordings.track_for_link("0" * 22, hers))
    jobs.run_due()
    assert known_as(old) == (known_as(hers)[0], "isrc")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("us-mc1-60-46323", "USMC16046323"), (" usmc16046323 ", "USMC16046323"), ("none", ""), ("", "")],
)
def test_an_isrc_counts_however_it_is_written_and_none_costs_no_track(written, meant):
    form = TrackForm(data={"title": "At Last", "isrc": written})
    assert form.is_valid(), form.errors
    assert form.validated_data["isrc"] == meant


def test_a_name_alone_links_nothing_of_another_length_but_a_file_does(djs):
    *three, fourth = djs(4)
    at_last = recording(duration_ms=180_000)
    for dj in three:
        confirm(dj, at_last, file_hash="f")
    assert known_as(heard(fourth)) == (at_last, "name")
    assert known_as(heard(fourth, duration_ms=185_000)) == (at_last, "name")
    edit = heard(fourth, duration_ms=320_000)
    assert known_as(edit) is None
    assert [offer.code for offer in suggest(edit)] == [at_last.code]
    assert known_as(heard(fourth, duration_ms=320_000, file_hash="f")) == (at_last, "file")


def test_a_suggestion_counts_people_not_accounts_and_what_was_merged_as_one(djs, kryspin):
    one, two, other = djs(3)
    at_last, twin = recording(), recording()
    confirm(one, at_last)
    confirm(two, twin)
    repair.merge(twin, at_last, kryspin, "the same")
    assert [(offer.code, offer.djs) for offer in suggest(heard(other))] == [(at_last.code, 2)]
    repair.join_voices(two, one, kryspin, "the same person")
    assert [(offer.code, offer.djs) for offer in suggest(heard(other))] == [(at_last.code, 1)]


def test_a_play_without_any_name_is_known_for_itself_alone(djs):
    (marcus,) = djs(1)
    at_last = recording()
    its = confirm(marcus, at_last, artist="")
    assert known_as(its) == (at_last, "own")
    assert known_as(heard(marcus, artist="")) is None


# --- Repair ---------------------------------------------------------------------------------------------------
def test_a_merge_adds_the_voices_up_and_its_undo_takes_them_apart(djs, kryspin):
    *four, fifth = djs(5)
    one, same = recording(), recording()
    spotify = SpotifyTrack.objects.create(track=same, spotify_id="x" * 22)
    plays = [confirm(dj, track) for dj, track in zip(four, (one, one, same, same), strict=True)]
    later = heard(fifth)
    change = repair.merge(same, one, kryspin)
    jobs.run_due()
    assert [known_as(play) for play in (*plays, later)] == [(one, "own")] * 4 + [(one, "name")]
    spotify.refresh_from_db()
    assert spotify.track == one
    repair.undo(change, kryspin)
    jobs.run_due()
    answers = [known_as(play) for play in (*plays, later)]
    assert answers == [(one, "own")] * 2 + [(same, "own")] * 2 + [None]
    spotify.refresh_from_db()
    assert spotify.track == same


def test_a_split_moves_the_words_and_plays_of_the_chosen_files(djs, kryspin):
    *three, fourth = djs(4)
    both = recording()
    theirs = [(confirm(dj, both), confirm(dj, both, audio_hash="live one")) for dj in three]
    jobs.run_due()
    wrongly = heard(fourth, audio_hash="live one")
    assert known_as(wrongly) == (both, "audio")
    live = repair.split(both, [Identity.objects.get(kind="audio")], [], kryspin, "the live one", version="Live")
    jobs.run_due()
    assert (live.version, live.artist) == ("Live", "Etta James")
    assert known_as(wrongly) == (live, "admin")
    assert {known_as(other) for _, other in theirs} == {(live, "own")}
    assert {known_as(first) for first, _ in theirs} == {(both, "own")}
    repair.undo(TrackChange.objects.get(), kryspin)
    jobs.run_due()
    assert known_as(wrongly) == (both, "audio")


def test_an_admins_word_stands_until_it_is_undone(djs, kryspin):
    *three, fourth = djs(4)
    at_last, other = recording(), recording("Other")
    for dj in three:
        confirm(dj, at_last)
    change = repair.override(Identity.objects.get(), other, kryspin, "they are all wrong")
    assert known_as(heard(fourth)) == (other, "admin")
    repair.undo(change, kryspin)
    assert known_as(heard(fourth)) == (at_last, "name")


def test_whoever_is_banned_counts_no_more_and_two_accounts_are_one_voice(djs, kryspin):
    one, two, three, other = djs(4)
    at_last = recording()
    for dj in (one, two, three):
        confirm(dj, at_last)
    name = Identity.objects.get()
    joined = repair.join_voices(two, one, kryspin)
    jobs.run_due()
    assert tally(name).votes == {at_last.pk: 2}
    assert known_as(heard(other)) is None
    repair.undo(joined, kryspin)
    banned = repair.ban(three, kryspin, "nonsense")
    jobs.run_due()
    assert tally(name).votes == {at_last.pk: 2}
    repair.undo(banned, kryspin)
    jobs.run_due()
    assert known_as(heard(other)) == (at_last, "name")


def test_a_broken_repository_does_not_stop_the_music(djs, monkeypatch):
    (marcus,) = djs(1)
    Play.objects.create(session=marcus.sessions.get(), uuid=uuid4(), title="x", played_at=timezone.now())
    monkeypatch.setattr("tracks.actions.linking.known_of", None)
    link_new(list(Play.objects.select_related("session")))
    assert PlayLink.objects.count() == 0


# --- Through the front door ----------------------------------------------------------------------------------
def test_a_play_is_linked_as_it_starts_and_the_repeat_guard_knows_it(server, dj, djs, marcus, ana, stage):
    at_last = recording()
    for other in djs(3):
        confirm(other, at_last, audio_hash="a" * 64)
    his = dj(marcus, stage)
    his.play("01 track", "unknown", track={"audioHash": "a" * 64}, playedAt="2026-03-14T20:00:00Z")
    hers = dj(ana, stage)
    hers.play("At Last", "Etta James")
    first, second = Play.objects.filter(session__stage=stage).order_by("played_at")
    assert (known_as(first), known_as(second)) == ((at_last, "audio"), (at_last, "name"))
    assert hers.hear("REPEAT_WARNING")["djName"] == "Marcus"


# --- What a DJ may still say of a set ---------------------------------------------------------------------------
def test_what_comes_next_is_known_before_it_starts(server, dj, dancer, djs, marcus, ana, stage, other_stage):
    """By what three DJs say that it is, and by its name until then; nobody hears of it."""
    at_last = recording()
    for other in djs(3):
        confirm(other, at_last, audio_hash="a" * 64)
    his, hers, sarah = dj(marcus, stage), dj(ana, other_stage), dancer(stage)
    sarah.ask("PING")
    at = timezone.now() - timedelta(hours=1)
    hers.play("01 track", "unknown", playedAt=iso(at), track={"audioHash": "a" * 64})
    hers.play("White Label", "Nobody", playedAt=iso(at))
    before = Play.objects.count()

    def ahead(**track):
        return his.ask("NEXT_TRACK", sessionId=his.session_id, track=track).get("repeat")

    local = at.astimezone(stage.event.zone)
    told = ahead(title="At Last", artist="Etta James")
    assert told == {
        "playedAt": iso(at),
        "stageName": "Blues Room",
        "djName": "Ana",
        "words": f"played {local:%A %H:%M} on Blues Room by Ana",
    }
    assert ahead(title="WHITE LABEL [HQ]", artist="Nobody")["djName"] == "Ana"
    assert ahead(title="White Label (Some Remix)", artist="Nobody") is None  # another recording
    assert ahead(title="Something Else", artist="Nobody") is None
    assert (Play.objects.count(), [m["type"] for m in sarah.all_heard() if "NEXT" in str(m)]) == (before, [])
    assert [m for m in his.all_heard() if m["type"] == "REPEAT_WARNING"] == []


def test_without_an_event_nothing_was_played_before(server, dj, marcus):
    his = dj(marcus)
    his.play("At Last", "Etta James", playedAt=iso(timezone.now() - timedelta(hours=1)))
    asked = his.ask("NEXT_TRACK", sessionId=his.session_id, track={"title": "At Last", "artist": "Etta James"})
    assert (asked["type"], asked.get("repeat")) == ("ACK", None)


def test_a_set_asks_once_for_each_recording_the_most_played_first(djs):
    marcus, *others = djs(4)
    known, often = recording("Known"), recording("Often")
    for dj in others:
        confirm(dj, known, title="Known")
        heard(dj, title="Often")
    say(others[0], others[0].sessions.get().plays.get(title="Often"), Verdict.CONFIRM, often)
    for title in ("Known", "Rare", "Often", "Often"):
        heard(marcus, title=title)
    skipped = heard(marcus, title="Skipped")
    say(marcus, skipped, Verdict.SKIP)
    asked = questions_of(marcus.sessions.get())
    told = [(its.play.title, its.times, its.heard, its.is_open) for its in asked]
    assert told == [("Often", 2, 5, True), ("Rare", 1, 1, True), ("Known", 1, 4, False), ("Skipped", 1, 1, False)]
    assert [offer.code for offer in suggest(asked[0].play)] == [often.code]


def test_a_long_set_costs_as_many_queries_as_a_short_one(djs):
    short, long = djs(2)
    confirm(short, recording())
    confirm(long, recording("Another"), title="Another")
    for n in range(30):
        heard(long, title=f"Song {n}")
    asked = []
    for dj in (short, long):
        session = dj.sessions.get()
        with CaptureQueriesContext(connection) as queries:
            asked.append((len(questions_of(session)), len(queries)))
    assert asked == [(1, 3), (31, 3)]

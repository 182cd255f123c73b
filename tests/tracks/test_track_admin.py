"""What Kryspin puts right: merge, split, decide, ban, join voices, correct; and the log that takes it back."""

import pytest
from verifying import confirm, heard, known_as, recording

from accounts.models import Activity
from pika.jobs import actions as jobs
from tracks.models import Identity, SpotifyTrack, Track, TrackChange, Voice
from tracks.recognition import tally
from tracks.repository import NewTrack, add_tracks, candidates

pytestmark = pytest.mark.django_db
ADMIN = "/admin/tracks"


@pytest.fixture
def desk(client, kryspin):
    client.force_login(kryspin)
    return client


def text_of(response):
    return " ".join(response.content.decode().split())


def act(client, where, action, rows, **more):
    return client.post(
        f"{ADMIN}/{where}/", {"action": action, "_selected_action": [row.pk for row in rows], **more}, follow=True
    )


def noted():
    return list(Activity.objects.order_by("pk").values_list("verb", flat=True))


@pytest.mark.django_db(transaction=True)
def test_what_is_one_is_merged_after_a_look_and_the_log_takes_it_back(desk, djs):
    *four, fifth = djs(5)
    one, same = recording(), recording(version="Live")
    for dj, track in zip(four, (one, one, same, same), strict=True):
        confirm(dj, track)
    later = heard(fifth)
    page = text_of(act(desk, "track", "merge", [one, same]))
    assert "They are not the same version." in page
    assert "Say why: it stands in the log." in text_of(act(desk, "track", "merge", [one, same], into=one.pk, reason=""))
    assert "Choose the one that stays." in text_of(act(desk, "track", "merge", [one, same], reason="one"))
    assert known_as(later) is None
    assert "Merged into" in text_of(act(desk, "track", "merge", [one, same], into=one.pk, reason="the same"))
    jobs.run_due()
    assert known_as(later) == (one, "name")
    again = text_of(act(desk, "track", "merge", [one, same], into=one.pk, reason="again"))
    assert "Choose two or more that were not merged before." in again
    assert "Undone: 1." in text_of(act(desk, "trackchange", "undo", TrackChange.objects.all()))
    jobs.run_due()
    assert known_as(later) is None
    assert "This was undone already." in text_of(act(desk, "trackchange", "undo", TrackChange.objects.all()))
    assert noted() == ["merge_track", "undo_track_change"]


def test_what_is_two_is_split_and_both_are_found_again(desk, djs):
    *three, fourth = djs(4)
    [both] = add_tracks([NewTrack("At Last", "Etta James", spotify_ids=["1" * 22, "2" * 22])])
    for dj in three:
        confirm(dj, both)
        confirm(dj, both, audio_hash="live one")
    wrongly = heard(fourth, audio_hash="live one")
    where = f"{ADMIN}/track/{both.pk}/split/"
    page = text_of(desk.get(where))
    assert "live one" in page and "Etta James – At Last" in page
    assert "Choose what belongs to the other recording." in text_of(
        desk.post(where, {"title": "At Last", "reason": "x"})
    )
    chosen = Identity.objects.get(kind="audio")
    body = {"identities": chosen.pk, "spotify": SpotifyTrack.objects.get(spotify_id="2" * 22).pk}
    body |= {"title": "At Last", "version": "Live", "artist": "Etta James", "reason": "the live one"}
    assert "Split:" in text_of(desk.post(where, body, follow=True))
    jobs.run_due()
    live = Track.objects.get(version="Live")
    assert known_as(wrongly) == (live, "admin")
    assert live.spotify_tracks.get().spotify_id == "2" * 22
    assert candidates(heard(fourth, "At Last (Live)"))[0].track == live


def test_a_conflict_shows_who_says_what_and_is_decided(desk, djs):
    *five, last = djs(6)
    one, other = recording(), recording("At Last", "Celine Dion")
    for dj, track in zip(five, (one, one, one, other, other), strict=True):
        confirm(dj, track)
    its = Identity.objects.get()
    assert its.state == "conflict"
    assert "etta james – at last" in text_of(desk.get(f"{ADMIN}/identity/?state__exact=conflict"))
    where = f"{ADMIN}/identity/{its.pk}/change/"
    page = text_of(desk.get(where))
    assert [dj.name for dj in five if dj.name not in page] == []
    refused = text_of(desk.post(where, {"reason": "x"}))
    assert "Choose an answer, or type a recording" in refused
    assert "No recording has this code." in text_of(desk.post(where, {"track": "nosuch", "reason": "x"}))
    desk.post(where, {"track": other.code, "reason": "I heard it"})
    jobs.run_due()
    its.refresh_from_db()
    assert (its.state, its.track) == ("overridden", other)
    assert known_as(heard(last)) == (other, "admin")


def test_two_accounts_become_one_voice_and_a_ban_is_lifted(desk, djs):
    one, two, three, _ = djs(4)
    at_last = recording()
    for dj in (one, two, three):
        confirm(dj, at_last)
    its = Identity.objects.get()
    assert "This is the same account." in text_of(
        desk.post(f"{ADMIN}/voice/add/", {"user": two.pk, "speaks_as": two.pk, "reason": "x"})
    )
    desk.post(f"{ADMIN}/voice/add/", {"user": two.pk, "speaks_as": one.pk, "reason": "one person"})
    jobs.run_due()
    assert tally(its).votes == {at_last.pk: 2}
    again = desk.post(f"{ADMIN}/voice/add/", {"user": one.pk, "speaks_as": two.pk, "reason": "x"}, follow=True)
    assert "These two have one voice already." in text_of(again)
    desk.post(f"{ADMIN}/voice/add/", {"user": three.pk, "reason": "nonsense"})
    jobs.run_due()
    assert tally(its).votes == {at_last.pk: 1}
    act(desk, "voice", "unban", Voice.objects.filter(user=three))
    jobs.run_due()
    assert tally(its).votes == {at_last.pk: 2}
    assert "Their word counts already." in text_of(act(desk, "voice", "unban", Voice.objects.filter(user=three)))
    page = text_of(desk.get(f"{ADMIN}/trackchange/"))
    assert str(two) in page and str(three) in page
    assert sorted(TrackChange.objects.values_list("target", flat=True)) == sorted([f"@{two.pk}", f"@{three.pk}"])


def test_what_needs_an_eye_is_what_is_played_most_and_not_settled(desk, djs):
    *three, fourth = djs(4)
    at_last = recording()
    for dj in three:
        confirm(dj, at_last)
    for dj in three:
        heard(dj, "Often", "Band")
    heard(fourth, "Rare", "Band")
    heard(fourth)
    page = text_of(desk.get(f"{ADMIN}/identity/eye/"))
    assert page.index("band – often") < page.index("band – rare")
    assert "etta james – at last" not in page


def test_what_djs_do_not_agree_about_needs_an_eye_though_each_has_said_a_word(desk, djs):
    one, two = recording("Often"), recording("Seldom")
    for dj, track in zip(djs(4), (one, two) * 2, strict=True):
        for _ in range(2):
            confirm(dj, track, title="Untagged", artist="Band")
    heard(djs(1, "other")[0], "Rare", "Band")
    page = text_of(desk.get(f"{ADMIN}/identity/eye/"))
    row = "band – untagged</a></td><td>8</td><td>4</td><td>4</td><td>Conflict</td>"
    assert page.index(row) < page.index("band – rare")


def test_tracks_are_found_by_isrc_and_spotify_id_and_corrected(desk, djs):
    (marcus,) = djs(1)
    [its] = add_tracks([NewTrack("At Lats", "Etta James", isrc="USMC16046323", spotify_ids=["1" * 22])])
    add_tracks([NewTrack("Other", "Band")])
    for query in ("usmc16046323", "1" * 22, "At Lats"):
        page = text_of(desk.get(f"{ADMIN}/track/?q={query}"))
        assert ("At Lats" in page, "Other" in page) == (True, False)
    body = {"title": "At Last", "version": "", "artist": "Etta James", "album": "", "isrc": "USMC16046323"}
    prefix = "spotify_tracks"
    body |= {
        f"{prefix}-TOTAL_FORMS": 1,
        f"{prefix}-INITIAL_FORMS": 1,
        f"{prefix}-0-id": its.spotify_tracks.get().pk,
        f"{prefix}-0-track": its.pk,
    }
    answer = desk.post(f"{ADMIN}/track/{its.pk}/change/", body)
    assert answer.status_code == 302
    its.refresh_from_db()
    assert (its.title, its.sources["title"], its.sources["isrc"]) == ("At Last", "admin", "spotify")
    assert candidates(heard(marcus))[0].track == its


def test_the_lists_cost_as_many_queries_for_one_row_as_for_many(desk, djs, django_assert_max_num_queries):
    confirm(djs(1)[0], recording())
    for where in ("track", "identity", "verification", "voice", "trackchange"):
        with django_assert_max_num_queries(20):
            assert desk.get(f"{ADMIN}/{where}/").status_code == 200

"""A playlist's rows are changed with nothing lost, whatever happens on the way."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pika.errors import Problem
from pika.gateways import spotify
from playlists import rewriting
from playlists.models import Rewrite
from playlists.rewriting import Conflict, DeadTracks, Move, Put, least_calls, plan
from tests.spotify.standin import CUT, SILENCE, Fault, an_id

LOCAL = "spotify:local:Artist:Album:My+Bootleg:201"


def songs(*numbers: int) -> list[str]:
    return [f"spotify:track:{an_id(number)}" for number in numbers]


def many(count: int, first: int = 0) -> list[str]:
    return songs(*range(first, first + count))


def rewrite(standin, marcus, playlist, target, most=60):
    """As a job would: come back after everything that says so. The journal, and how often one came back."""
    client = spotify.connect(standin.token())
    its = known = None
    for visits in range(most):
        try:
            if its is None:
                its, known = rewriting.begin(marcus, client, playlist.id, target)
            if rewriting.go_on(its, client, known):
                return its, visits
        except (spotify.Away, spotify.Unknown):
            pass
        known = None
        if its is not None:
            its = Rewrite.objects.get(pk=its.pk)
    raise AssertionError("not done")


# --- The plan ------------------------------------------------------------------------------------------------
def played(before, steps):
    for step in steps:
        before = step.after(before)
    return before


@settings(max_examples=150, deadline=None)
@given(st.permutations([*range(12), 3, 3, 7]).map(lambda order: songs(*order)))
def test_a_permutation_is_moves_alone_and_few_of_them(target):
    before = songs(*range(12), 3, 3, 7)
    steps = plan(before, target)
    assert played(before, steps) == target
    assert all(isinstance(step, Move) for step in steps)
    assert len(steps) < len(before)


def test_a_row_that_is_moved_is_one_call_and_so_is_a_block():
    before = many(50)
    for target in (
        [*before[1:], before[0]],
        [*before[40:], *before[:40]],
        [*before[:10], *before[20:], *before[10:20]],
    ):
        assert len(plan(before, target)) == 1
        assert played(before, plan(before, target)) == target
    assert plan(before, before) == []


def test_otherwise_a_hundred_are_put_and_the_rest_follows_with_positions():
    steps = plan(many(5), many(250, 10))
    assert [type(step).__name__ for step in steps] == ["Put", "Post", "Post"]
    assert [step.position for step in steps[1:]] == [100, 200]
    assert played(many(5), steps) == many(250, 10)


def test_rows_that_could_not_be_put_back_are_only_moved_or_kept():
    before = [*many(3), LOCAL]
    assert played(before, plan(before, [LOCAL, *many(3)])) == [LOCAL, *many(3)]
    assert played(before, plan(before, [*before, *many(2, 7)])) == [*before, *many(2, 7)]
    with pytest.raises(Problem, match="1 row of this playlist is a file of your own") as problem:
        plan(before, many(3))
    assert problem.value.code == "cannot_put_back"


def test_more_than_ten_thousand_are_refused():
    with pytest.raises(Problem, match=r"room for 10,000 songs\. These are 10001"):
        plan([], many(10_001))
    assert len(plan([], many(10_000))) == 100


# --- Nothing fails -------------------------------------------------------------------------------------------
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("before", "target", "checked"),
    [
        (many(0), many(1), 0),
        (many(0), many(250), 0),
        (many(120), many(3, 500), 3),
        (many(30), many(40), 10),
        (many(60), list(reversed(many(60))), 0),
        (many(60), many(60), 0),
    ],
)
def test_it_takes_no_call_more_than_it_must(standin, mode, marcus, before, target, checked):
    playlist = standin.playlist(before)
    spotify.connect(standin.token()).page(playlist.id, 0)  # which kind of app it is, is found out once
    standin.calls.clear()
    its, _ = rewrite(standin, marcus, playlist, target)
    assert playlist.uris == target
    assert len(standin.calls) == least_calls(before, target, checked=checked)
    assert its.state == "done"
    assert [row["uri"] for row in its.backup] == before


@pytest.mark.django_db
def test_local_and_empty_rows_survive_a_new_order(standin, marcus):
    playlist = standin.playlist([*many(6), LOCAL, "", *many(4, 20)])
    before = [rewriting.key_of(row) for row in spotify.connect(standin.token()).page(playlist.id, 0)[0]]
    rows = list(playlist.rows)
    target = list(reversed(before))
    rewrite(standin, marcus, playlist, target)
    assert playlist.rows == list(reversed(rows))  # with their moments
    assert standin.count("POST") == 0


@pytest.mark.django_db
def test_undo_is_the_same_way_back_and_can_be_undone_itself(standin, marcus):
    playlist = standin.playlist(many(130))
    first, _ = rewrite(standin, marcus, playlist, many(20, 300))
    client = spotify.connect(standin.token())
    second, known = rewriting.undo(first, client)
    assert rewriting.go_on(second, client, known)
    assert playlist.uris == many(130)
    assert second.undoes == first
    third, known = rewriting.undo(second, client)
    assert rewriting.go_on(third, client, known)
    assert playlist.uris == many(20, 300)


@pytest.mark.django_db
def test_two_thousand_songs(standin, marcus):
    standin._contract = None  # it would take longer than the rest
    playlist = standin.playlist([])
    rewrite(standin, marcus, playlist, many(2000))
    assert playlist.uris == many(2000)


# --- Everything fails ----------------------------------------------------------------------------------------
FAULTS = [
    Fault(429, headers={"Retry-After": "7200"}),
    Fault(500),
    Fault(502, is_after=True),
    Fault(503),
    Fault(CUT),
    Fault(CUT, is_after=True),
]


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(12))
def test_whatever_fails_and_whenever_the_end_is_exact(standin, mode, marcus, seed):
    rng = random.Random(seed)
    is_order = seed % 3 == 0
    before = many(rng.randrange(2, 25) if is_order else rng.randrange(0, 230))
    target = rng.sample(before, len(before)) if is_order else many(rng.randrange(1, 320), 150)
    playlist = standin.playlist(before)
    standin.fault_for = lambda call: rng.choice(FAULTS) if rng.random() < 0.2 and "/tracks/" not in call.path else None
    its, _ = rewrite(standin, marcus, playlist, target, most=400)
    assert playlist.uris == target
    assert its.state == "done"
    assert [row["uri"] for row in its.backup] == before


@pytest.mark.django_db
@pytest.mark.parametrize("is_after", [False, True])
def test_silence_is_not_an_answer(standin, marcus, settings, is_after):
    settings.SPOTIFY_TIMEOUT = 0.3
    playlist = standin.playlist([])
    client = spotify.connect(standin.token())
    its, known = rewriting.begin(marcus, client, playlist.id, many(150))
    standin.faults = [None, Fault(SILENCE, is_after)]
    with pytest.raises(spotify.Unknown, match="did not say whether it did it"):
        rewriting.go_on(its, client, known)
    settings.SPOTIFY_TIMEOUT = 20
    assert rewriting.go_on(its, spotify.connect(standin.token()))
    assert playlist.uris == many(150)


@pytest.mark.django_db
@pytest.mark.parametrize("when", ["between", "at the end"])
def test_somebody_elses_edit_is_left_alone_and_the_backup_is_kept(standin, marcus, when):
    playlist = standin.playlist(many(120))
    client = spotify.connect(standin.token())
    its, known = rewriting.begin(marcus, client, playlist.id, many(250, 300))

    def edit(call):
        if call.method == ("GET" if when == "at the end" else "POST") and len(playlist.rows) >= 200:
            playlist.rows.insert(3, type(playlist.rows[0])(songs(999)[0]))
            playlist.version += 1
            standin.before_effect = lambda call: None

    standin.before_effect = edit
    with pytest.raises(Conflict, match="It was left as it is; the 120 rows from before are kept for 30 days"):
        rewriting.go_on(its, client, known)
    its = Rewrite.objects.get(pk=its.pk)
    assert its.state == "conflict"
    assert [row["uri"] for row in its.backup] == many(120)
    assert songs(999)[0] in playlist.uris
    again, known = rewriting.undo(its, client)  # on the person's word
    assert rewriting.go_on(again, client, known)
    assert playlist.uris == many(120)


@pytest.mark.django_db
def test_a_playlist_that_moves_while_it_is_read_is_read_again(standin, marcus):
    playlist = standin.playlist(many(120))
    reads = Counter()

    def edit(call):
        reads[call.path] += 1
        if call.path.endswith("/items") and sum(reads.values()) == 3:
            playlist.rows.pop(0)
            playlist.version += 1

    standin.before_effect = edit
    rows, snapshot = rewriting.read(spotify.connect(standin.token()), playlist.id)
    assert [row.uri for row in rows] == playlist.uris
    assert snapshot == playlist.snapshot_id


@pytest.mark.django_db
def test_dead_tracks_are_found_before_anything_is_written(standin, marcus):
    playlist = standin.playlist(many(5))
    standin.dead = set(songs(101))
    with pytest.raises(DeadTracks) as dead:
        rewriting.begin(marcus, spotify.connect(standin.token()), playlist.id, many(3, 100))
    assert dead.value.ids == [an_id(101)]
    assert playlist.uris == many(5)
    assert not Rewrite.objects.exists()


@pytest.mark.django_db
def test_one_writer_a_playlist(standin, marcus):
    playlist = standin.playlist(many(5))
    client = spotify.connect(standin.token())
    rewriting.begin(marcus, client, playlist.id, many(2))
    with pytest.raises(Problem, match="is being written right now"):
        rewriting.begin(marcus, client, playlist.id, many(3))


@pytest.mark.django_db
def test_somebody_elses_playlist_is_refused_in_words(standin, mode, marcus):
    playlist = standin.playlist(many(5), owner="ana")
    with pytest.raises(spotify.Forbidden, match="Spotify does not let this app do that"):
        rewriting.begin(marcus, spotify.connect(standin.token()), playlist.id, many(2))


def test_the_states_of_a_change_lead_from_one_to_the_other():
    before, target = many(10), many(250, 50)
    steps = plan(before, target)
    assert isinstance(steps[0], Put)
    assert [rewriting._place(before, steps, state) for state in (before, target[:100], target[:200], target)] == [
        0,
        1,
        2,
        3,
    ]
    assert rewriting._place(before, steps, target[:150]) is None

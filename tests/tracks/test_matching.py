"""Two names compared: what it amounts to, and what differs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pika.titles import parse
from tracks.matching import Field, Reason, artist_likeness, compare, is_other_length, other_words

TEXT = st.text(max_size=30)


def reason(play, track):
    return compare(parse(*play), parse(*track)).reason


@pytest.mark.parametrize(
    ("play", "track", "found"),
    [
        (("Sia", "Chandelier (Official Video)"), ("Sia", "Chandelier"), Reason.SAME_NAME),
        (("Sia", "Chandelier (Instrumental)"), ("Sia", "Chandelier"), Reason.OTHER_VERSION),
        (("Sia", "Chandeleer"), ("Sia", "Chandelier"), Reason.SIMILAR),
        (("Jeremy Zucker", "comethru"), ("Jeremy Zucker, Bea Miller", "comethru"), Reason.OTHER_ARTISTS),
        (("", "Chandelier"), ("Sia", "Chandelier"), Reason.SIMILAR),
        (("", "sia chandelier"), ("Sia", "Chandelier"), Reason.SIMILAR),
        (("Glass Animls", "Tear in Space"), ("Glass Animals", "A Tear in Space"), Reason.SIMILAR),
        (("Idina Menzel", "Let It Go"), ("James Bay", "Let It Go"), None),  # a title alone never matches
        (("Sia", "Titanium"), ("Sia", "Chandelier"), None),
        (("", ""), ("Sia", "Chandelier"), None),
    ],
)
def test_what_two_names_amount_to(play, track, found):
    assert reason(play, track) == found


@given(TEXT, TEXT, TEXT, TEXT)
def test_only_equal_names_are_the_same_and_scores_stay_in_bounds(artist, title, other_artist, other_title):
    one, other = parse(artist, title), parse(other_artist, other_title)
    likeness = compare(one, other)
    assert 0 <= likeness.artist <= 1 and 0 <= likeness.title <= 1 and 0 <= likeness.score <= 1
    assert (likeness.reason == Reason.SAME_NAME) == (one.identity != "" and one[:3] == other[:3])


@given(TEXT.filter(str.strip), TEXT, TEXT)
def test_another_version_is_never_the_same_name(title, artist, word):
    one, other = parse(artist, title), parse(artist, title, f"{word} remix")
    assert compare(one, other).reason != Reason.SAME_NAME


def test_artists_in_any_order_with_one_missing_and_misspelt():
    people = frozenset({"sia", "david guetta"})
    assert artist_likeness(people, frozenset({"david guetta", "sia"})) == 1
    assert artist_likeness(people, frozenset({"sia"})) > 0.84
    assert artist_likeness(people, frozenset({"david gueta"})) > 0.84
    assert artist_likeness(people, frozenset({"adele"})) < 0.5
    assert artist_likeness(people, frozenset()) == 0


def test_differences_are_told_by_field_with_the_lengths():
    play, track = parse("Sia", "Chandelier (Live) [HD]"), parse("Sia, Four Tet", "Chandelier - Four Tet Remix")
    found = compare(play, track, 200_000, 270_400).differences
    assert [(it.field, it.play, it.track) for it in found] == [
        (Field.VERSION, "Live", "Four Tet Remix"),
        (Field.DURATION, "3:20", "4:30"),
    ]
    assert compare(play, track, 200_000, 201_000).differences == found[:1]


def test_the_words_that_differ_are_marked_on_both_sides():
    found = compare(parse("Sia", "Bird Set Free"), parse("Sia", "A Bird Is Free"))
    assert other_words(found.differences[0]) == (
        [("Bird", False), ("Set", True), ("Free", False)],
        [("A", True), ("Bird", False), ("Is", True), ("Free", False)],
    )


def test_lengths_far_apart_are_a_doubt_and_an_unknown_one_is_none():
    assert is_other_length(180_000, 200_000)
    assert not is_other_length(180_000, 183_000)
    assert not is_other_length(None, 183_000)


def test_every_reason_has_words():
    assert all(str(reason.label) for reason in Reason)
    assert [str(reason.label) for reason in Reason][:2] == ["Same audio", "Same file"]

"""What a name says: artists, title, version; and when two names are one recording."""

import re
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pika.titles import fold, identity, is_all_version, parse, split_artists
from tests.load.names import read_sets

WORDS = st.text(alphabet=st.characters(codec="utf-8"), max_size=40)
PLAIN = st.text(alphabet="abcdefghijklmnop ", min_size=3, max_size=20).filter(lambda text: len(text.split()) > 0)
NAMES = ["Sia", "Ed Sheeran", "Beyoncé", "The Weeknd", "Lil Nas X", "P!nk", "H.E.R.", "A R I Z O N A", "M.A.N.D.Y."]
VERSIONS = ["Remix", "Live", "Acoustic", "Instrumental", "Cover", "Clean", "Explicit", "Radio Edit", "Extended Mix"]
VERSIONS += ["Four Tet Remix", "Piano Version", "Taylor's Version", "Original Mix", "Demo", "Karaoke", "Single Edit"]


@given(WORDS)
def test_folding_twice_is_folding_once(text):
    assert fold(fold(text)) == fold(text)


@given(WORDS.filter(lambda text: any(c.isalnum() or 0x1F300 < ord(c) < 0x1FAFF for c in text)))
def test_what_can_be_read_never_folds_to_nothing(text):
    assert fold(text)


@given(WORDS, WORDS, WORDS)
def test_no_name_is_too_strange(artist, title, remix):
    name = parse(artist, title, remix)
    assert name.identity == identity(artist, title, remix)
    assert len(name.identity) <= 400


@given(st.lists(st.sampled_from(NAMES), min_size=2, max_size=5, unique=True), st.randoms())
def test_the_order_of_artists_and_how_they_are_joined_do_not_matter(artists, dice):
    others = list(artists)
    dice.shuffle(others)
    assert identity(" & ".join(artists), "Hello") == identity(", ".join(others), "Hello")
    assert identity(" x ".join(artists), "Hello") == identity("; ".join(others), "Hello")
    assert identity(artists[0], f"Hello (feat. {' & '.join(artists[1:])})") == identity(" / ".join(others), "Hello")


@given(PLAIN, st.sampled_from(VERSIONS), st.sampled_from([" ({})", " [{}]", " - {}"]))
def test_a_version_is_never_lost_however_it_is_written(title, version, how):
    written = title.strip() + how.format(version)
    assert identity("Sia", written) != identity("Sia", title)
    assert identity("Sia", written) == identity("Sia", title, version) == identity("Sia", written, version)


@pytest.mark.parametrize(("one", "other"), combinations(VERSIONS, 2))
def test_no_version_is_another(one, other):
    assert identity("Sia", f"Hello ({one})") != identity("Sia", f"Hello ({other})")


SAME = [
    ("Doja Cat,SZA", "Kiss Me More (feat. SZA)", "", "Doja Cat ft. SZA", "KISS ME MORE", ""),
    ("Sia,Four Tet", "Chandelier - Four Tet Remix", "", "Sia", "Chandelier (Four Tet Remix)", "Four Tet Remix"),
    ("Brieuc", "Leaving - Radio Edit", "", "Brieuc", "Leaving (Radio Edit) [www.djlist.org]", "www.djlist.org"),
    ("Nina Nesbitt", "Loyal to Me - Acoustic Version", "", "Nina Nesbitt", "Loyal to me (acoustic)", ""),
    ("The Beatles", "Come Together - Remastered 2009", "", "Beatles", "Come Together", ""),
    ("Lou Rawls", "Let's Burn Down The Cornfield - 2006 Remaster", "", "lou rawls", "Lets Burn Down The Cornfield", ""),
    ("Florence + The Machine", "Shake It Out", "", "Florence & the Machine", "Shake it Out (Official Video)", ""),
    ("Maejor,Wale", "Trouble Remix (feat. Wale)", "", "Maejor ft. Wale", "Trouble (Remix)", ""),
    ("A R I Z O N A,Kiiara", "Cross My Mind, Pt. 2 (feat. Kiiara)", "", "ARIZONA & Kiiara", "Cross My Mind Part 2", ""),
    ("Jason Derulo,Ty Dolla $ign", "Swalla", "", "Jason Derulo feat. Ty Dolla Sign", "Swalla [HD]", ""),
    ("Beyoncé", "Partition", "", "BEYONCE", "partition.mp3", ""),
    ("Glass Animals", "Space Ghost (Coast To Coast)", "", "Glass Animals", "Space Ghost Coast To Coast", ""),
    ("Lil Nas X,Jack Harlow", "INDUSTRY BABY", "", "Jack Harlow x Lil Nas X", "Industry Baby (2021)", ""),
    ("Eric Nam", "You're Sexy I'm Sexy", "", "Eric Nam", "You´re Sexy I’m Sexy", ""),
    ("Ella Eyre", "L.O.V.(e).", "", "Ella Eyre", "LOVe", ""),
    ("A.Paul", "Recharged (Original Mix)", "", "", "A.Paul - Recharged (Original Mix) ZippyOn.ORG", "www.DJLIST.org"),
    ("Moby", "Natural Blues (Victor Ruiz Remix)", "", "Moby", "Moby - Natural Blues (Victor Ruiz Remix)", ""),
    (
        "Citizen Kain",
        "Zombie (The Advent & X Remix)",
        "",
        "Citizen Kain",
        "Zombie (The Advent &amp; X Remix)",
        "4clubbers.pl",
    ),
]


@pytest.mark.parametrize("one", SAME, ids=lambda one: one[1])
def test_one_recording_in_two_spellings(one):
    assert identity(*one[:3]) == identity(*one[3:]) != ""


OTHER = [
    ("Jeremy Zucker", "comethru", "", "Jeremy Zucker,Bea Miller", "comethru (with Bea Miller)", ""),
    ("Ed Sheeran", "2step", "", "Ed Sheeran,Lil Baby", "2step", ""),
    ("Lorde", "Homemade Dynamite", "", "Lorde", "Homemade Dynamite - REMIX", ""),
    ("Taylor Swift", "Love Story", "", "Taylor Swift", "Love Story (Taylor’s Version)", ""),
    ("Brieuc", "Today - Radio Mix", "", "Brieuc", "Today - Radio Edit", ""),
    ("Stevie Wonder", "Superstition", "", "Stevie Wonder", "Superstition - Single Version", ""),
    ("James Bay", "Let It Go", "", "Idina Menzel", "Let It Go", ""),
    ("Hozier", "Movement", "", "Hozier", "Movement - Recorded at Spotify Studios NYC", ""),
    ("Prince", "1999", "", "Prince", "1999", "Live"),
]


@pytest.mark.parametrize("one", OTHER, ids=lambda one: one[1])
def test_a_version_or_a_guest_makes_another_recording(one):
    assert identity(*one[:3]) != identity(*one[3:])


@pytest.mark.parametrize(
    ("artist", "title"),
    [("సిద్ శ్రీరామ్", "మళ్ళీ మళ్ళీ"), ("فيروز", "نسم علينا الهوى"), ("אייל גולן", "מי שמאמין"), ("🔥", "♥♥"), ("!!!", "???")],
)
def test_any_script_and_signs_alone_are_a_name(artist, title):
    who, _, what = identity(artist, title).partition(" – ")
    assert who and what
    assert identity(artist, title + "\u200f") == identity(artist, title)  # an unseen direction mark
    assert identity(artist, title) != identity(artist, title[:-1])


def test_telugu_vowels_are_letters_and_arabic_points_are_not():
    assert fold("మల్లి") != fold("మల్ల")
    assert fold("مُحَمَّد") == fold("محمد")


def test_a_title_without_an_artist_is_no_identity():
    assert identity("", "Hello") == ""
    assert identity("www.atozwap.in", "Hello") == ""
    assert identity("", "Hello (feat. Sia)") == ""
    assert identity("", "Capricorn - Live Acoustic") == ""  # Capricorn sings nothing here


def test_what_is_shown_is_as_it_was_written():
    name = parse("Big Data,Joywave,Oliver", "Dangerous (Official Video) - Oliver Remix", "")
    assert (name.shown_artist, name.shown_title, name.shown_version) == (
        "Big Data, Joywave, Oliver",
        "Dangerous",
        "Oliver Remix",
    )
    assert (name.version, name.noise) == ("oliver remix", ("Official Video",))


def test_artists_of_a_field():
    assert split_artists("Bob feat. Anna & Lil Nas X vs. AC/DC") == ["Bob", "Anna", "Lil Nas X", "AC", "DC"]
    assert split_artists("Beatles, The") == ["Beatles"]


def test_a_title_that_is_only_a_version():
    assert is_all_version("Acoustic") and is_all_version("Remastered 2011")
    assert not is_all_version("Hello (Acoustic)")


# --- Real names, beside the checkout -----------------------------------------------------------------------------
def test_no_two_recordings_of_real_sets_have_one_identity(shared):
    """But those that were published twice under one name and length: those are one already."""
    recordings = read_sets(shared / "data/wcs_sets")
    assert len(recordings) > 800
    named: dict[str, list[str]] = {}
    for one in recordings:
        named.setdefault(identity(", ".join(one.artists), one.song), []).append(f"{one.song} {one.seconds}")
    twice = [same for same in named.values() if len(same) > 1]
    assert twice == [], "two recordings of the same title and artists"


def test_titles_in_several_versions_are_several_identities(shared):
    """At least 20 titles of the sets exist in more than one version or with other guests."""
    versions: dict[str, set[str]] = {}
    rows: dict[str, int] = {}
    for one in read_sets(shared / "data/wcs_sets"):
        if one.has_sibling:
            name = parse(", ".join(one.artists), one.song)
            versions.setdefault(name.title, set()).add(name.identity)
            rows[name.title] = rows.get(name.title, 0) + 1
    assert len(versions) >= 20
    assert {title: len(its) for title, its in versions.items()} == rows


def test_real_files_of_virtualdj_keep_an_artist_or_say_they_have_none(shared):
    """No address and no ending of a file is left in a name."""
    from pika_dj.names import name_track

    seen = 0
    for file in (shared / "data/virtualdj").rglob("*.m3u"):
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        for line, path in pairwise(lines):
            if not line.startswith("#EXTVDJ"):
                continue
            tags = {
                tag: (re.search(f"<{tag}>(.*?)</{tag}>", line) or ["", ""])[1] for tag in ("artist", "title", "remix")
            }
            its = name_track(**tags, path=path)
            name = parse(its.artist, its.title, its.remix)
            seen += 1
            assert name.title or name.noise
            assert name.title or not name.identity
            assert not re.search(r"\bwww\b|\bzippyon\b|\bdjlist\b| mp3$", f"{name.title} {name.version}"), its
    assert seen > 400

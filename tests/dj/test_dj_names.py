"""Artist and title from tags and file names, with the noise real DJs have in theirs."""

import pytest

from pika_dj.names import file_stem, is_address, name_track


@pytest.mark.parametrize(
    ("tags", "named"),
    [
        (("Joris Voorn", "Catch Ringo", "", "x.mp3"), ("Joris Voorn", "Catch Ringo", "", "tags")),
        (("", "Punu - 2058 (Original Mix)", "", "x.mp3"), ("Punu", "2058 (Original Mix)", "", "split title")),
        (("", "Punu – 2058", "", "x.mp3"), ("Punu", "2058", "", "split title")),
        (("", "", "", "D:\\a b\\Basil - Angular.mp3"), ("Basil", "Angular", "", "file name")),
        (("", "Angular", "", "/a/Basil - Angular (Mix).flac"), ("Basil", "Angular (Mix)", "", "file name")),
        (("", "Angular", "", "/a/Basil - Other.flac"), ("", "Angular", "", "title alone")),
        (("", "", "", "D:\\x\\Bm dj tiger trance.mp3"), ("", "Bm dj tiger trance", "", "title alone")),
        (("", "", "", "C:\\a\\02 - Break The Rules.mp3"), ("", "Break The Rules", "", "title alone")),
        (("Adele", "", "", "C:\\a\\Adele - Hello.mp3"), ("Adele", "Hello", "", "file name")),
    ],
)
def test_a_name_comes_from_the_best_place_there_is(tags: tuple[str, ...], named: tuple[str, ...]) -> None:
    assert name_track(*tags) == named


def test_a_remix_is_added_only_when_the_title_does_not_say_it() -> None:
    assert name_track("A", "Song", "Dub Mix", "").title == "Song (Dub Mix)"
    assert name_track("A", "Song (dub  mix)", "Dub Mix", "").title == "Song (dub mix)"


def test_a_remix_that_is_a_web_address_is_noise() -> None:
    name = name_track("D Punxx & Lexx", "Do You Remember Me", "www.myfreemp3.cc", "")
    assert (name.title, name.remix) == ("Do You Remember Me", "")


def test_a_web_address_is_nobodys_artist() -> None:
    path = "D:\\dj songs\\Golla varame.mp3"
    assert name_track("www.atozwap.in", "Gollavarame pilla", "", path) == (
        "",
        "Gollavarame pilla",
        "",
        "title alone",
    )


def test_the_same_line_in_both_tags_is_split() -> None:
    line = "Andhim - German Summer ZippyOn.ORG"
    assert name_track(line, line, "www.DJLIST.org", "")[:2] == ("Andhim", "German Summer ZippyOn.ORG")


def test_a_song_named_after_its_band_is_left_alone() -> None:
    assert name_track("Bad Company", "Bad Company", "", "") == ("Bad Company", "Bad Company", "", "tags")


@pytest.mark.parametrize("text", ["www.atozwap.in", "Naasongs.me", "http://x.y/z", "[ClapCrate.com]"])
def test_web_addresses_are_recognised(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize("text", ["Will.i.am", "M.A.N.D.Y.", "A.Paul", "", "Get www.rich", "St. Vincent"])
def test_names_with_dots_are_not_web_addresses(text: str) -> None:
    assert not is_address(text)


def test_windows_paths_are_read_on_every_system() -> None:
    assert file_stem("D:\\dj songs\\NARI DJ\\DAAWATH_sonsg.mp3") == "DAAWATH sonsg"
    assert file_stem("/home/dj/AC\\DC.mp3") == "AC\\DC"
    assert file_stem("\\\\nas\\music\\a_b c.mp3") == "a_b c"

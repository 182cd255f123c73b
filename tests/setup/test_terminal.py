"""What `up` prints can be read, opened and scanned."""

from pathlib import Path

from pika.setup import terminal


def test_the_qr_is_left_out_where_the_terminal_cannot_show_it():
    assert terminal.qr("http://127.0.0.1:8000/s/ABCD", "ascii") == ""
    assert terminal.qr("http://127.0.0.1:8000/s/ABCD", None) == ""
    assert len(terminal.qr("http://127.0.0.1:8000/s/ABCD", "utf-8").splitlines()) > 10


def test_listening_everywhere_gives_an_address_that_phones_can_open():
    assert terminal.host_to_open("127.0.0.1") == "127.0.0.1"
    assert terminal.host_to_open("0.0.0.0") != "0.0.0.0"
    assert terminal.base_url("::1", 8000) == "http://[::1]:8000"


def test_it_says_what_is_embedded_and_never_a_password():
    embedded = terminal.what_runs(Path("/data"), "", "", 8)
    assert "SQLite file /data/pika.sqlite3" in embedded
    assert "no Redis" in embedded
    given = terminal.what_runs(Path("/data"), "postgres://pika:word@db:5432/pika", "redis://:word@redis/0", 8)
    assert "postgres://db:5432/pika" in given
    assert "redis://redis/0" in given
    assert "word" not in given


def test_a_dancers_page_is_named_once_there_is_a_stage():
    assert "/s/ABCD" in terminal.what_to_open("http://127.0.0.1:8000", "ABCD")
    assert "/s/" not in terminal.what_to_open("http://127.0.0.1:8000", None)

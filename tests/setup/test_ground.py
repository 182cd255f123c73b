"""What is in the way is said in a sentence, with the way round it."""

import os
import socket

import pytest

from pika.setup import Refused, ground, private


def test_a_taken_port_is_named_with_another_one_to_take(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Refused) as refused:
            ground.bind("127.0.0.1", port, tmp_path)
    assert f"Port {port} is taken by another program." in str(refused.value)
    assert "manage.py up --port " in str(refused.value)


def test_a_port_taken_by_this_very_house_says_so_and_where_it_is(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        held = ground.hold(tmp_path)
        ground.leave_word(held, "http://127.0.0.1:8000")
        with pytest.raises(Refused) as refused:
            ground.bind("127.0.0.1", other.getsockname()[1], tmp_path)
        held.close()
    assert f"already running on the data in {tmp_path}" in str(refused.value)
    assert f"(process {os.getpid()}, at http://127.0.0.1:8000/)" in str(refused.value)


def test_a_second_server_on_the_same_data_is_refused(tmp_path):
    held = ground.hold(tmp_path)
    with pytest.raises(Refused, match="already running"):
        ground.hold(tmp_path)
    held.close()
    ground.hold(tmp_path).close()


@pytest.mark.parametrize(
    ("host", "port", "sentence"),
    [
        ("127.0.0.1", 70000, "a number from 0 to 65535"),
        ("no.such.host.invalid", 0, "there is no such address"),
        ("203.0.113.1", 0, "this machine does not have that address"),
    ],
)
def test_an_address_that_cannot_be_is_a_sentence(host, port, sentence, tmp_path):
    with pytest.raises(Refused, match=sentence):
        ground.bind(host, port, tmp_path)


def test_a_data_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match="cannot write there"):
        ground.make_folder(tmp_path / "file" / "data")


def test_several_processes_without_redis_are_refused(monkeypatch):
    monkeypatch.setenv("WEB_CONCURRENCY", "2")
    with pytest.raises(Refused, match="would not hear each other"):
        ground.check_servers("", "")


def test_servers_from_the_environment_that_do_not_answer_are_a_sentence():
    nobody = f"127.0.0.1:{private.free_port()}"
    with pytest.raises(Refused, match="REDIS_URL is set, but no Redis answers"):
        ground.check_servers("", f"redis://{nobody}/0")
    with pytest.raises(Refused, match="DATABASE_URL is set, but the database does not answer"):
        ground.check_servers(f"postgres://pika:word@{nobody}/pika", "")

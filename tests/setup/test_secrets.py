"""Secrets are made once, for everybody, and only their owner reads them."""

import base64
import json
import os
import stat

import pytest

from pika.setup import Refused
from pika.setup.secrets import KEYS, load_or_create

CREATE = "import sys; from pathlib import Path; from pika.setup.secrets import load_or_create; "
CREATE_WHEN_TOLD = CREATE + "print('ready', flush=True); input(); print(load_or_create(Path(sys.argv[1])))"


def test_secrets_are_made_once_and_stay(tmp_path):
    first = load_or_create(tmp_path / "data")
    assert set(first) == set(KEYS)
    assert load_or_create(tmp_path / "data") == first
    assert load_or_create(tmp_path / "other") != first


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such bits")
def test_only_the_owner_reads_them_even_if_somebody_opened_them_up(tmp_path):
    load_or_create(tmp_path)
    file = tmp_path / "secrets.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)
    load_or_create(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_keys_are_what_fernet_and_web_push_expect(tmp_path):
    from cryptography.fernet import Fernet
    from py_vapid import Vapid

    made = load_or_create(tmp_path)
    assert Fernet(made["FIELD_KEYS"]).decrypt(Fernet(made["FIELD_KEYS"]).encrypt(b"word")) == b"word"
    point = Vapid.from_string(made["VAPID_PRIVATE_KEY"]).public_key.public_numbers()
    expected = b"\x04" + point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")
    assert base64.urlsafe_b64decode(made["VAPID_PUBLIC_KEY"] + "=") == expected
    assert len(made["SECRET_KEY"]) >= 50


def test_processes_that_start_together_get_the_same_secrets(tmp_path, child):
    racers = [child("-c", CREATE_WHEN_TOLD, tmp_path, PYTHONDONTWRITEBYTECODE="1") for _ in range(4)]
    said = {racer.communicate("go\n")[0] for racer in racers}
    assert said == {f"ready\n{load_or_create(tmp_path)}\n"}


def test_a_key_that_a_later_version_needs_is_added_and_the_others_stay(tmp_path):
    made = load_or_create(tmp_path)
    kept = {key: value for key, value in made.items() if key != "FIELD_KEYS"}
    (tmp_path / "secrets.json").write_text(json.dumps(kept))
    added = load_or_create(tmp_path)
    assert {key: added[key] for key in kept} == kept
    assert set(added) == set(KEYS)


def test_a_broken_file_is_never_replaced_silently(tmp_path):
    (tmp_path / "secrets.json").write_text('{"SECRET_KEY": ')
    with pytest.raises(Refused, match="Bring the file back from a backup"):
        load_or_create(tmp_path)
    assert (tmp_path / "secrets.json").read_text() == '{"SECRET_KEY": '


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match="cannot write there"):
        load_or_create(tmp_path / "file" / "data")


def test_reading_them_loads_nothing_heavy(tmp_path, child):
    load_or_create(tmp_path)
    read = child("-c", CREATE + "load_or_create(Path(sys.argv[1])); print('cryptography' in sys.modules)", tmp_path)
    assert read.communicate()[0] == "False\n"

"""From a checkout to an environment that has everything: once, checked, and with a word when it cannot be."""

import ast
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pika.setup import Refused, install, installers, pip_settings, private, trouble

# Ends where Django would begin.
MANAGE = """
import sys
from pika.setup import install
install.enter(sys.argv[1], ["manage.py", *sys.argv[2:]])
import partytune
print("inside", sys.prefix, partytune.__name__)
"""


@pytest.fixture
def requirements(tmp_path) -> Path:
    folder = tmp_path / "requirements"
    folder.mkdir()
    for kind in install.KINDS:
        (folder / f"{kind}.txt").write_text(f"# {kind}\n")
    return folder


@pytest.fixture
def venv(tmp_path) -> Path:
    folder = tmp_path / ".venv"
    install.python_of(folder).parent.mkdir(parents=True)
    shutil.copy(sys.executable, install.python_of(folder))
    return folder


@pytest.mark.parametrize("installed", install.KINDS)
def test_what_is_installed_covers_every_smaller_kind_and_no_larger_one(installed, venv, requirements):
    install.stamp(venv, requirements, installed)
    covered = [kind for kind in install.KINDS if install.is_installed(venv, requirements, kind)]
    assert covered == list(install.KINDS[: install.KINDS.index(installed) + 1])


def test_a_changed_lock_file_is_installed_again_and_takes_the_larger_kinds_along(venv, requirements):
    install.stamp(venv, requirements, "dev")
    (requirements / "base.txt").write_text("# base, newer\n")
    assert not install.is_installed(venv, requirements, "base")
    install.stamp(venv, requirements, "base")
    assert install.is_installed(venv, requirements, "base")
    assert not install.is_installed(venv, requirements, "test")


def test_an_environment_whose_python_is_gone_does_not_count(venv, requirements):
    install.stamp(venv, requirements, "base")
    install.python_of(venv).unlink()
    assert not install.is_installed(venv, requirements, "base")


def test_a_half_made_environment_does_not_count(venv, requirements):
    assert not install.is_installed(venv, requirements, "base")
    (venv / "pika-installed.json").write_text('{"python": ')
    assert not install.is_installed(venv, requirements, "base")


def test_tests_need_more_than_serving_and_more_can_be_asked_for(monkeypatch):
    monkeypatch.delenv("PIKA_REQUIREMENTS", raising=False)
    assert [install.wanted(command) for command in ("up", "migrate", "test")] == ["base", "base", "test"]
    monkeypatch.setenv("PIKA_REQUIREMENTS", "dev")
    assert [install.wanted(command) for command in ("up", "test")] == ["dev", "dev"]
    monkeypatch.setenv("PIKA_REQUIREMENTS", "everything")
    with pytest.raises(Refused, match="base, test, dev"):
        install.wanted("up")


def test_a_python_that_is_said_to_have_everything_and_has_not_is_told_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PIKA_NO_VENV", "1")
    install.enter(tmp_path, ["manage.py", "up"])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Refused, match="Django is not there"):
        install.enter(tmp_path, ["manage.py", "up"])


def test_everything_before_the_environment_is_standard_library(root, child):
    modules = "install, installers, trouble, pip_settings, lock, browser"
    loaded = child("-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(root)!r}); from pika.setup import {modules}")
    assert loaded.communicate()[0] == ""


def test_an_old_python_can_read_manage_py_as_far_as_the_sentence_for_it(root):
    ast.parse((root / "manage.py").read_text(), feature_version=(3, 4))


# --- A real install, from a folder of wheels and without any network -----------------------------------------------


def wheel(folder: Path) -> str:
    """A package of one empty module; its locked line."""
    import hashlib

    file = folder / "partytune-1.0-py3-none-any.whl"
    info = "partytune-1.0.dist-info"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("partytune.py", "")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: partytune\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "partytune.py,,\n")
    return f"partytune==1.0 --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n"


def start(root: Path, checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Start a command in `checkout` with the Python outside of every environment, and pip told only what is given."""
    told = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "PIKA_"))}
    quiet = {"PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1", "UV_NO_CONFIG": "1"}
    quiet |= {"UV_HTTP_RETRIES": "0", "UV_NO_CACHE": "1"}
    return subprocess.run(
        [sys._base_executable, "-c", MANAGE, checkout, "version"],
        env={**told, **quiet, "PYTHONPATH": str(root), **environment},
        capture_output=True,
        text=True,
    )


def path_without_uv() -> str:
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if not shutil.which("uv", path=folder))


def path_with_uv() -> str:
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if not uv:
        pytest.skip("no uv on this machine")
    return str(Path(uv).parent) + os.pathsep + os.environ["PATH"]


@pytest.fixture(params=[path_without_uv, path_with_uv])
def path(request) -> str:
    return request.param()


def test_the_first_start_installs_and_the_second_does_not(tmp_path, requirements, root, path):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (requirements / "base.txt").write_text(wheel(wheels))
    told = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PATH": path}
    first = start(root, tmp_path, **told)
    assert first.stdout == f"inside {tmp_path / '.venv'} partytune\n", first.stderr
    assert "Installing the libraries" in first.stderr
    second = start(root, tmp_path, **told)
    assert (second.stdout, second.stderr) == (first.stdout, "")


def test_a_file_that_is_not_the_locked_one_is_not_installed(tmp_path, requirements, root):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel(wheels)
    (requirements / "base.txt").write_text(f"partytune==1.0 --hash=sha256:{'0' * 64}\n")
    told = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PATH": path_without_uv()}
    refused = start(root, tmp_path, **told)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "not the one that was locked" in refused.stderr
    assert not install.is_installed(tmp_path / ".venv", requirements, "base")


def test_without_a_network_there_is_a_sentence_and_nothing_counts_as_installed(tmp_path, requirements, root, path):
    locked = f"partytune==1.0 --hash=sha256:{'0' * 64}\n"
    (requirements / "base.txt").write_text(locked)
    (requirements / "dev.txt").write_text(locked.replace("partytune", "uv"))
    told = {"PIP_INDEX_URL": f"http://127.0.0.1:{private.free_port()}/simple", "PATH": path}
    refused = start(root, tmp_path, **told)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "The libraries could not be installed. The package index could not be reached" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not install.is_installed(tmp_path / ".venv", requirements, "base")


# --- Words ----------------------------------------------------------------------------------------------------------


def test_only_the_lines_that_lock_uv_are_taken(root):
    lines = installers.locked_lines("uv", root / "requirements" / "dev.txt").splitlines()
    assert lines[0].startswith("uv==")
    assert all(line.strip().startswith("--hash=sha256:") for line in lines[1:])
    assert len(lines) > 2


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("NewConnectionError: [Errno 111] Connection refused", "could not be reached"),
        ("error: Failed to fetch: https://somewhere/simple/django/", "could not be reached"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))", "PIP_CERT"),
        ("ERROR: No matching distribution found for uv==1.0 (from versions: none)", "or it does not have"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "not the one that was locked"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("error: Microsoft Visual C++ 14.0 is required", "lines above"),
    ],
)
def test_each_trouble_has_its_own_advice(said, sentence):
    assert sentence in trouble.explained("pip", said)


def test_uv_hears_what_pip_was_told_and_its_own_words_win(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_")) or name in ("SSL_CERT_FILE",)]:
        monkeypatch.delenv(name)
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = http://index.example/simple\nfind-links = /one\n  /two\n[install]\ntimeout = 9\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_TIMEOUT", "60")
    monkeypatch.setenv("PIP_CERT", "/ca.pem")
    heard = pip_settings.uv_environment()
    assert heard["UV_INDEX_URL"] == "http://index.example/simple"
    assert heard["UV_FIND_LINKS"] == "/one,/two"
    assert heard["UV_HTTP_TIMEOUT"] == "60"
    assert heard["SSL_CERT_FILE"] == "/ca.pem"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://mine.example/simple")
    assert "UV_INDEX_URL" not in pip_settings.uv_environment()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    assert "UV_INDEX_URL" not in pip_settings.uv_environment()


def test_the_stamp_is_readable(venv, requirements):
    install.stamp(venv, requirements, "test")
    assert sorted(json.loads((venv / "pika-installed.json").read_text())["sha256"]) == ["base", "test"]

"""`.venv` beside manage.py with the locked libraries in it. Standard library only: it runs before anything is there."""

import hashlib
import importlib.util
import json
import os
import sys
from pathlib import Path

from pika.setup import Refused

# Each holds the ones before it.
KINDS = ("base", "test", "dev")
_NEEDS_TEST = {"test", "bench", "words"}
_STAMP = "pika-installed.json"
_GUARD = "PIKA_ENTERING_VENV"


def enter(root: str | Path, argv: list[str]) -> None:
    """Return only inside an environment that holds all this command needs; on the way install it and start again there.

    PIKA_NO_VENV=1 says that this Python has everything (Docker). PIKA_REQUIREMENTS=test|dev asks for more than the
    command needs. Refused, with a sentence, when it cannot be done.
    """
    if os.environ.get("PIKA_NO_VENV") == "1":
        if importlib.util.find_spec("django") is None:
            raise Refused("PIKA_NO_VENV=1 says that this Python has every library, but Django is not there. Unset it.")
        return
    root = Path(root)
    venv, requirements = root / ".venv", root / "requirements"
    kind = wanted(argv[1] if len(argv) > 1 else "")
    if not is_installed(venv, requirements, kind):
        _install(venv, requirements, kind)
    started_there = os.environ.pop(_GUARD, None)
    if Path(sys.prefix).resolve() == venv.resolve():
        return
    if started_there:
        raise Refused(f"{venv} leads to another Python ({sys.prefix}). Delete that folder and start again.")
    _start_again(python_of(venv))


def wanted(command: str) -> str:
    """The kind of requirements: what the command needs, or more if PIKA_REQUIREMENTS asks for more."""
    asked = os.environ.get("PIKA_REQUIREMENTS", "base")
    if asked not in KINDS:
        raise Refused(f"PIKA_REQUIREMENTS is {asked!r}; it can be one of: {', '.join(KINDS)}.")
    return max(asked, "test" if command in _NEEDS_TEST else "base", key=KINDS.index)


def is_installed(venv: Path, requirements: Path, kind: str) -> bool:
    """Whether what was last installed covers `kind` as it is locked today, for the Python that is there today."""
    try:
        stamp = json.loads((venv / _STAMP).read_text(encoding="utf-8"))
        return bool(
            stamp["python"] == _identity(venv) and stamp["sha256"].get(kind) == _hash(requirements / f"{kind}.txt")
        )
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return False


def stamp(venv: Path, requirements: Path, kind: str) -> None:
    """Remember that `kind`, and with it every smaller kind, is installed as locked now."""
    covered = KINDS[: KINDS.index(kind) + 1]
    said = {
        "python": _identity(venv),
        "sha256": {name: _hash(requirements / f"{name}.txt") for name in covered},
    }
    draft = venv / f"{_STAMP}.new"
    draft.write_text(json.dumps(said, indent=2), encoding="utf-8")
    os.replace(draft, venv / _STAMP)


def python_of(venv: Path) -> Path:
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _identity(venv: Path) -> str:
    # The environment breaks when the Python it was made from is replaced; its real path then changes.
    return str(python_of(venv).resolve(strict=True))


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _install(venv: Path, requirements: Path, kind: str) -> None:
    # Loaded here: a start with nothing to install does not pay for them.
    import time

    from pika.setup import installers, lock

    file = requirements / f"{kind}.txt"
    if not file.exists():
        raise Refused(f"{file} is missing, and with it the list of libraries to install. Is the checkout whole?")
    began = time.monotonic()
    try:
        with lock.hold(requirements / "base.txt", wait=True):  # type: ignore[union-attr]
            if is_installed(venv, requirements, kind):
                return  # another command did it while this one waited
            _say(f"Installing the libraries into {venv} (only when they changed; about half a minute) ...")
            (venv / _STAMP).unlink(missing_ok=True)
            make_venv(venv)
            tool = installers.install_locked(python_of(venv), file)
            stamp(venv, requirements, kind)
    except KeyboardInterrupt:
        raise Refused("Stopped. Nothing half-installed counts: the next start goes on from here.") from None
    except OSError as error:
        raise Refused(
            f"The libraries could not be installed into {venv}: {error.strerror or error}"
            f"{f' ({error.filename})' if error.filename else ''}.\n"
            "That folder must be writable; or set PIKA_NO_VENV=1 if this Python already has them."
        ) from error
    _say(f"Installed with {tool} in {time.monotonic() - began:.1f} s.")


def make_venv(venv: Path) -> None:
    """A virtual environment without pip (ensurepip may be missing); a broken one is made anew."""
    import subprocess

    try:
        check = "import sys; sys.exit(sys.prefix == sys.base_prefix or sys.version_info < (3, 11))"
        if subprocess.run([str(python_of(venv)), "-c", check], capture_output=True).returncode == 0:
            return
    except OSError:
        pass
    try:
        import venv as maker
    except ImportError:
        raise Refused(
            "This Python came without its venv module, so the libraries have nowhere to go.\n"
            "Debian, Ubuntu: apt install python3-venv. Then run the same command again."
        ) from None
    # `clear` would follow a link out of the checkout; a broken link is simply replaced.
    if venv.is_symlink():
        venv.unlink()
    maker.create(venv, clear=True, symlinks=os.name != "nt", with_pip=False)


def _start_again(python: Path) -> None:
    environment = {**os.environ, _GUARD: "1"}
    # orig_argv keeps what was said to Python itself, such as -X dev.
    command = [str(python), *sys.orig_argv[1:]]
    if os.name != "nt":
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(command[0], command, environment)
    import subprocess

    # Windows has no exec: the new one gets its own Ctrl-C, this one waits for it to finish.
    child = subprocess.Popen(command, env=environment)
    while True:
        try:
            sys.exit(child.wait())
        except KeyboardInterrupt:
            continue


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)

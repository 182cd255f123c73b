"""Uv or pip, whichever this machine can bring: one promise, every locked library in the virtual environment."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from pika.setup import Refused, trouble
from pika.setup.pip_settings import uv_environment


def install_locked(python: Path, requirements: Path) -> str:
    """Install the locked `requirements` into the environment of `python`; the name of the tool that did it.

    Uv on the PATH, else uv fetched by whatever pip there is, else that pip alone. Every file is checked against
    its hash. Raises Refused with what failed and what to do; the environment may then be half full.
    """
    pip: list[str] | None = None
    uv = _uv(python)
    if uv is None:
        pip = _pip(python)
        if pip is None:
            raise Refused(trouble.no_installer(python.parent.parent))
        said = _fetch_uv(pip, requirements)
        if trouble.is_lasting(said):
            raise Refused(trouble.explained("pip", said))
        uv = _uv(python)
    said = ""
    if uv:
        command = [uv, "pip", "install", "--python", str(python), "--require-hashes", "-r", str(requirements)]
        worked, said = _run(command, uv_environment())
        if worked:
            return "uv"
    pip = pip or _pip(python)
    if pip:
        worked, pip_said = _run([*pip, "install", "--require-hashes", "-r", str(requirements)])
        if worked:
            return "pip"
        raise Refused(trouble.explained("pip", pip_said))
    raise Refused(trouble.explained("uv", said))


def _uv(python: Path) -> str | None:
    inside = shutil.which("uv", path=str(python.parent))
    for found in (inside, shutil.which("uv")):
        # A name on the PATH may be a shim that leads nowhere.
        if found and _run([found, "--version"])[0]:
            return found
    return None


def _pip(python: Path) -> list[str] | None:
    """The first pip that works on that environment: its own, one outside it, Python's bundled one, a wheel."""
    own = [str(python), "-m", "pip"]
    outside = [[sys.executable, "-m", "pip", "--python", str(python)]]
    outside += [[name, "--python", str(python)] for name in ("pip3", "pip") if shutil.which(name)]
    for command in (own, *outside):
        if _run([*command, "--version"])[0]:
            return command
    # Debian leaves ensurepip out of python3; some put pip's wheel in a folder of its own.
    if _run([str(python), "-m", "ensurepip"])[0]:
        return own
    for wheel in _pip_wheels():
        command = [str(python), str(wheel / "pip")]
        if _run([*command, "--version"])[0]:
            return command
    return None


def _pip_wheels() -> list[Path]:
    folders = [sysconfig.get_config_var("WHEEL_PKG_DIR"), "/usr/share/python-wheels"]
    return [wheel for folder in folders if folder for wheel in sorted(Path(folder).glob("pip-*.whl"))]


def _fetch_uv(pip: list[str], requirements: Path) -> str:
    """Install the locked uv; what pip said when it could not, else nothing."""
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder, "uv.txt")
        lines.write_text(locked_lines("uv", requirements.with_name("dev.txt")), encoding="utf-8")
        worked, said = _run([*pip, "install", "--require-hashes", "--only-binary", ":all:", "-r", str(lines)])
    return "" if worked else said


def locked_lines(name: str, requirements: Path) -> str:
    """The lines that lock one package: its version, its marker and its hashes."""
    lines: list[str] = []
    for line in requirements.read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{name}==") or (lines and lines[-1].endswith("\\")):
            lines.append(line)
    return "\n".join(lines) + "\n"


def _run(command: list[str], environment: dict[str, str] | None = None) -> tuple[bool, str]:
    try:
        done = subprocess.run(
            command,
            env={**(environment or os.environ), "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        return False, str(error)
    return done.returncode == 0, done.stdout

"""The secrets of a house that was given none: made once, kept in its data folder, readable by its owner only."""

import base64
import contextlib
import json
import os
import secrets
from pathlib import Path

from pika.setup import Refused, lock

KEYS = ("SECRET_KEY", "FIELD_KEYS", "VAPID_PRIVATE_KEY", "VAPID_PUBLIC_KEY")
FILE = "secrets.json"


def load_or_create(data: Path) -> dict[str, str]:
    """The same four secrets for every process on this data folder, from the first call on.

    SECRET_KEY: Django's. FIELD_KEYS: one Fernet key (more may be put before it, with commas, to rotate).
    VAPID_PRIVATE_KEY: the 32 bytes of a P-256 key, VAPID_PUBLIC_KEY: its uncompressed point, both base64url
    without padding as RFC 8292 and browsers want them. Raises Refused when the folder cannot be written or the
    file cannot be read.
    """
    path = data / FILE
    found = _read(path)
    if found.keys() >= set(KEYS):
        return found
    try:
        data.mkdir(parents=True, exist_ok=True)
        # Web, worker and tests start together: the first makes them, the others wait and read.
        with lock.hold(data / "secrets.lock", wait=True):  # type: ignore[union-attr]
            found = _read(path)
            if not found.keys() >= set(KEYS):
                found = _fresh() | found
                _write(path, found)
    except OSError as error:
        raise Refused(
            f"Pika! keeps its secret keys in {path}, and cannot write there: {error.strerror}.\n"
            "Give it another data folder (up --data FOLDER, or PIKA_DATA) or make this one writable."
        ) from error
    return found


def _read(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError("not a JSON object")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise Refused(
            f"The secret keys in {path} cannot be read ({error}).\n"
            "Bring the file back from a backup. Without it everybody is logged out, linked accounts and push "
            "notifications are lost; if that is all right, delete the file and start again."
        ) from error
    if os.name == "posix" and path.stat().st_mode & 0o077:
        with contextlib.suppress(OSError):  # someone else's file, e.g. mounted read-only
            path.chmod(0o600)
    return {str(key): str(value) for key, value in found.items()}


def _write(path: Path, values: dict[str, str]) -> None:
    # Whole or not at all: a reader without the lock never sees half a file, nor does a power cut leave one.
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(values, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)


def _fresh() -> dict[str, str]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    point = private.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FIELD_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "VAPID_PRIVATE_KEY": _base64url(private.private_numbers().private_value.to_bytes(32, "big")),
        "VAPID_PUBLIC_KEY": _base64url(point),
    }


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

"""Short public codes: what people read from a poster, say aloud and type with cold fingers."""

import re
import secrets

ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # without 0 O 1 I L


def new_code(length: int = 6) -> str:
    """A random code, 31**length possibilities; not a secret."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def new_long_code() -> str:
    """A random code for what nobody types: 10 letters."""
    return new_code(10)


def clean_code(typed: str) -> str:
    """What a person typed, as we would have written it: `ab-c d2` becomes `ABCD2`."""
    return re.sub(r"[^A-Z0-9]", "", typed.upper())

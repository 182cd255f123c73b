"""Every topic name. A topic is something phones listen to; names are legal Channels group names."""

SYSTEM = "system"


def stage(code: str) -> str:
    """What everybody following the stage hears, whoever the DJ is."""
    return f"stage.{code}"


def session(code: str) -> str:
    """What the listeners of one DJ's session hear (Quick Start, and 0.3 clients)."""
    return f"session.{code}"


def event(slug: str) -> str:
    """What everybody at the event hears."""
    return f"event.{slug}"


def booth(session_code: str) -> str:
    """What only the DJ of the session hears: likes, tempo, thanks, warnings."""
    return f"booth.{session_code}"


def split(topic: str) -> tuple[str, str]:
    """`stage.AB12` → (`stage`, `AB12`)."""
    kind, _, code = topic.partition(".")
    return kind, code

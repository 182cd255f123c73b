"""How the rest of the house speaks: `publish`, after the facts are committed."""

from django.db import transaction

from pika.live.broker import broker
from pika.live.messages import Message, encode


def publish(topic: str, message: Message, keep: bool = True) -> None:
    """Say `message` on `topic` once the surrounding transaction is committed (at once without one).

    Never raises: a lost message is counted and healed by the next snapshot. Without `keep` it has no seq and
    no place in the history: for totals that a later message replaces.
    """
    body = encode(message)
    transaction.on_commit(lambda: broker().publish(topic, body, keep), robust=True)

"""A repository of which everything was said: what a name alone then links."""

from typing import Any


def settle_names() -> None:
    """As if three DJs had named every recording: each name is settled, what two recordings are called is a conflict."""
    from django.db import connection
    from django.utils import timezone

    from tracks.models import Identity, Track

    state = Identity.State
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {Identity._meta.db_table} (kind, value, track_id, state, changed_at)
            SELECT %s, identity, CASE WHEN COUNT(DISTINCT root) = 1 THEN MIN(root) END,
                   CASE WHEN COUNT(DISTINCT root) = 1 THEN %s ELSE %s END, %s
            FROM (SELECT identity, COALESCE(merged_into_id, id) AS root FROM {Track._meta.db_table}) AS known
            WHERE identity <> ''
            GROUP BY identity
            """,
            [Identity.Kind.NAME, state.SETTLED, state.CONFLICT, timezone.now()],
        )


def linked(play: Any) -> int | None:
    """The recording that the product links the play to as it starts, for a DJ who never said anything."""
    from tracks.recognition import known_of

    found = known_of([play], 0).recognise(play)
    return found[0] if found else None

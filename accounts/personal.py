"""What of a person lies where: handed out on request, erased with the account. Each app registers its own.

An app's `personal.py` is imported when the app is ready; that of `accounts` is in `accounts.handing_out` and
`accounts.erasing`.
"""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import Model, Q, QuerySet, TextField
from django.db.models.functions import Cast

from accounts.models import User

Rows = Iterable[dict[str, Any]]
# name of the file in the export (without ending) → the rows in it, flat dicts of texts, numbers and times
sections: dict[str, Callable[[User], Rows]] = {}
# table → the section it is handed out in, or (in parentheses) why in none
tables: dict[str, str] = {}
# why the account cannot go right now, in words with what to do; empty: it can
hindrances: list[Callable[[User], str]] = []
# take the person out of what stays; in the transaction that deletes the account, the rightmost app first
erasers: list[Callable[[User], None]] = []


def section(name: str, *of: type[Model]) -> Callable[[Callable[[User], Rows]], Callable[[User], Rows]]:
    """`rows(user)` is a file of the person's data export; it tells what these tables hold."""

    def register(rows: Callable[[User], Rows]) -> Callable[[User], Rows]:
        sections[name] = rows
        tables.update((model._meta.label, name) for model in of)
        return rows

    return register


def not_handed_out(why: str, *of: type[Model]) -> None:
    """These tables know a person or their devices, and the export leaves them out."""
    tables.update((model._meta.label, f"({why})") for model in of)


def rows_of(found: QuerySet[Any], **columns: str) -> Rows:
    """A section's rows: `columns` says which field of `found` is called how; never all of them in memory."""
    values = found.order_by("pk").values_list(*columns.values()).iterator(chunk_size=2000)
    return (dict(zip(columns, row, strict=True)) for row in values)


def hindrance(why_not: Callable[[User], str]) -> Callable[[User], str]:
    """`why_not(user)` is asked before an account is deleted."""
    hindrances.append(why_not)
    return why_not


def eraser(erase: Callable[[User], None]) -> Callable[[User], None]:
    """`erase(user)` is called when an account is deleted."""
    erasers.insert(0, erase)
    return erase


# --- Names in what stays ----------------------------------------------------------------------------------------
SHORTEST_NAME = 3  # letters; a shorter one is in too many words to be looked for in texts


def forget_names(found: QuerySet[Any], fields: Iterable[str], names: Iterable[str], instead: str) -> None:
    """Say `instead` wherever one of `names` stands by itself in these texts (or JSON) of `found`."""
    wanted = [name for name in names if len(name) >= SHORTEST_NAME]
    # JSON is kept with letters of all languages by one database, and with \u escapes by another.
    spelled = sorted({one for name in wanted for one in (name, json.dumps(name)[1:-1])}, key=len, reverse=True)
    if not spelled:
        return
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, spelled))})(?!\w)", re.IGNORECASE)
    fields = list(fields)
    texts = {f"{field}_text": Cast(field, TextField()) for field in fields}
    holds = Q(*(Q((f"{text}__icontains", one)) for text in texts for one in spelled), _connector=Q.OR)
    for row in found.annotate(**texts).filter(holds).iterator(chunk_size=500):
        before = {field: getattr(row, field) for field in fields}
        after = {field: _without(value, pattern, instead) for field, value in before.items()}
        if after != before:
            type(row)._base_manager.filter(pk=row.pk).update(**after)


def _without(value: Any, pattern: re.Pattern[str], instead: str) -> Any:
    if isinstance(value, str):
        return pattern.sub(instead, value)
    if isinstance(value, list):
        return [_without(one, pattern, instead) for one in value]
    return {name: _without(one, pattern, instead) for name, one in value.items()} if isinstance(value, dict) else value

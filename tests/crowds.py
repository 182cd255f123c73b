"""Thousands of rows, made by the database itself: a test of large numbers is about what comes after them."""

from django.db import connection
from django.db.models import Model, UUIDField


def copies(row: Model, number: int, **differ: str) -> None:
    """So many more rows like `row`; `differ` says in SQL what is another in each, where `n` counts from 1.

    Keys follow on one another: where `row` was the newest of its table, the copy `n` has its key + n.
    """
    new_uuid = "gen_random_uuid()" if connection.vendor == "postgresql" else "lower(hex(randomblob(16)))"
    columns = {}
    for field in row._meta.concrete_fields:
        if not field.primary_key:
            is_new = isinstance(field, UUIDField) and field.unique
            columns[field.column] = differ.pop(field.column, new_uuid if is_new else f'"{field.column}"')
    assert not differ, f"no such columns: {differ}"
    table, names, values = row._meta.db_table, ", ".join(f'"{name}"' for name in columns), ", ".join(columns.values())
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < %s) "
            f"INSERT INTO {table} ({names}) SELECT {values} FROM {table}, counted WHERE id = %s",
            [number, row.pk],
        )

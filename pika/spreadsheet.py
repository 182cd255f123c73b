"""Cells that a spreadsheet shows and never computes."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe(cell: object) -> str:
    """As a cell of a CSV file: a text that would be a formula gets an apostrophe, a number stays one."""
    words = "" if cell is None else str(cell)
    return f"'{words}" if isinstance(cell, str) and words.startswith(FORMULA) else words

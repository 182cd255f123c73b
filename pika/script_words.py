"""What a script says to people, `tr("…")` and `many(n, "{n} one", "{n} more")`, and the same in the page's language.

The script's side is pika/static/pika/words.js.
"""

import re

from django.utils.translation import gettext, ngettext

_SAID = re.compile(r'\btr\(\s*"((?:[^"\\]|\\.)+)"|\bmany\(\s*[^"\n]+,\s*"((?:[^"\\]|\\.)+)",\s*"((?:[^"\\]|\\.)+)"')
# One of each form that a language may have: one, a few, many.
_NUMBERS = (1, 2, 5)


def texts_of(script: str) -> list[tuple[str, str]]:
    """(words, words for more than one, or nothing) as they stand in the script."""
    return [(words or one, more) for words, one, more in _SAID.findall(script)]


def translated(script: str) -> dict[str, str | list[str]]:
    """What it says in the language of this moment, by the English words; those that are English anyway are left out."""
    known: dict[str, str | list[str]] = {}
    for words, more in texts_of(script):
        if more:
            forms = [ngettext(words, more, number) for number in _NUMBERS]
            if forms != [words, more, more]:
                known[words] = forms
        elif (its := gettext(words)) != words:
            known[words] = its
    return known

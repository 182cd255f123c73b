"""How hard a password is to guess, and what to do about one that is easy."""

import re
from typing import Any

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from zxcvbn import zxcvbn

ENOUGH = 3  # of zxcvbn's 0 to 4: ten to the eighth guesses, with whatever a guesser knows of the person
MOST = 72  # what is longer than that is not looked at further: estimating takes its time


class GuessingValidator:
    """Refuses what stands in the lists of leaked passwords, and what a program guesses soon."""

    def __init__(self) -> None:
        self._leaked = CommonPasswordValidator().passwords

    def validate(self, password: str, user: Any = None) -> None:
        if password.lower().strip() in self._leaked:
            raise ValidationError(self._words("leaked"), code="password_too_common")
        about = [str(it) for it in (getattr(user, "email", ""), getattr(user, "name", "")) if it]
        parts = {part for it in about for part in re.split(r"\W+", it) if len(part) > 2}
        rest = _without(parts, password[:MOST])
        found = zxcvbn(rest or "pika", user_inputs=["pika", *about, *parts])
        if found["score"] < ENOUGH:
            longest: dict[str, Any] = max(found["sequence"], key=lambda part: len(part["token"]), default={})
            is_personal = len(rest) < len(password[:MOST]) / 2
            raise ValidationError(self._words("personal" if is_personal else _kind(longest)), code="password_too_easy")

    def get_help_text(self) -> str:
        return gettext("Four words that have nothing to do with each other are easy to remember and hard to guess.")

    def _words(self, kind: str) -> str:
        why = {
            "leaked": gettext("This password, or most of it, is in the lists of leaked ones that guessers try first."),
            "personal": gettext("This password is made of your name or email, which guessers try first."),
            "repeat": gettext("This password repeats itself, and programs guess that soon."),
            "sequence": gettext(
                "This password follows the alphabet, the numbers or the keyboard, and is guessed soon."
            ),
            "date": gettext("This password is mostly a date, and there are not many of them."),
        }.get(kind, gettext("This password is guessed soon."))
        return f"{why} {gettext('Take four words that have nothing to do with each other.')}"


def _without(parts: set[str], password: str) -> str:
    """What somebody who knows the person still has to guess."""
    longest_first = sorted(map(re.escape, parts), key=len, reverse=True)
    return re.sub("|".join(longest_first), "", password, flags=re.IGNORECASE) if parts else password


def _kind(part: dict[str, Any]) -> str:
    """Which of our reasons fits the part of a password that zxcvbn found easiest to guess."""
    pattern = part.get("pattern", "")
    if pattern == "dictionary":
        return {"passwords": "leaked", "user_inputs": "personal"}.get(part.get("dictionary_name", ""), "")
    return {"repeat": "repeat", "sequence": "sequence", "spatial": "sequence", "date": "date"}.get(pattern, "")

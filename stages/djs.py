"""Whom somebody means who types a DJ: an account by e-mail, a known DJ by name, or just a name."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.models import User
from pika.errors import Problem

_EMAIL = r"[^<>\s@]+@[^<>\s@]+\.[^<>\s@]+"
_NAMED = re.compile(rf"(.*?)\s*<({_EMAIL})>\Z")
_ALONE = re.compile(rf"{_EMAIL}\Z")


def _parts(typed: str) -> tuple[str, str]:
    """(name, e-mail) of `Ana <ana@example.com>`, `ana@example.com` or `Ana`."""
    typed = typed.strip()
    if found := _NAMED.match(typed):
        return found[1], found[2].lower()
    return ("", typed.lower()) if _ALONE.match(typed) else (typed, "")


def emails_in(typed: Iterable[str]) -> set[str]:
    """Every e-mail in these."""
    return {email for one in typed if (email := _parts(one)[1])}


@dataclass(frozen=True)
class Djs:
    """Accounts one may mean: `known` to the house by name, others by their whole e-mail."""

    known: list[User]
    by_email: Mapping[str, User]

    def meant(self, typed: str) -> tuple[int | None, str]:
        """(the account, the name shown); Problem (`dj`) for an e-mail without an account."""
        name, email = _parts(typed)
        user = self.by_email.get(email)
        if email and user is None:
            words = _("Nobody has an account with %s. Type the name instead; an account can be bound later.")
            raise Problem(words % email[:80], "invalid", field="dj")
        if user and not (name or user.name):
            words = _("This account has no name yet. Type it like this: Ana <%s>")
            raise Problem(words % email[:80], "invalid", field="dj")
        if len(name) > 80:
            raise Problem(_("A name has at most 80 characters."), "invalid", field="dj")
        if user is None:
            same = [one for one in self.known if name and one.name.casefold() == name.casefold()]
            return (same[0].pk, same[0].name) if len(same) == 1 else (None, name)
        return user.pk, name or user.name

    def typed(self, dj_id: int | None, name: str) -> str:
        """What to type to mean this one."""
        if dj_id is None:
            return name
        its = next((user for user in self.known if user.pk == dj_id), None)
        return f"{name} <{its.email}>" if its and self.meant(name)[0] != dj_id else name

"""What we say to people, found in the source, and the files that say it in other languages; see docs/words.md."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polib
from django.conf import settings
from django.utils.translation import templatize

from pika.script_words import texts_of

CALLS = {  # name of a function: which of its arguments are the context, the words, the words for many
    "_": (None, 0, None),
    "gettext": (None, 0, None),
    "gettext_lazy": (None, 0, None),
    "gettext_noop": (None, 0, None),
    "ngettext": (None, 0, 1),
    "ngettext_lazy": (None, 0, 1),
    "pgettext": (0, 1, None),
    "pgettext_lazy": (0, 1, None),
    "npgettext": (0, 1, 2),
}
PLURALS = {
    "de": "nplurals=2; plural=(n != 1);",
    "fr": "nplurals=2; plural=(n > 1);",
    "hu": "nplurals=2; plural=(n != 1);",
    "pl": "nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);",
}
LANGUAGES = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
_APPS = ["accounts", "events", "pika", "playlists", "stages", "tracks"]
_CALL = re.compile(rf"(?<!\w)(?:{'|'.join(CALLS)})\(")


class Said(NamedTuple):
    """One text as it stands in the source."""

    context: str | None
    words: str
    many: str | None


def everything_said() -> dict[Said, list[str]]:
    """Every text with the files it stands in, in the order of the files."""
    found: dict[Said, list[str]] = {}
    for path in _sources():
        name = path.relative_to(settings.BASE_DIR).as_posix()
        for said in said_in(path):
            places = found.setdefault(said, [])
            if name not in places:
                places.append(name)
    return found


def _sources() -> Iterator[Path]:
    """Python of the apps, scripts, and whatever lies in a folder of templates."""
    for app in _APPS:
        for path in sorted((settings.BASE_DIR / app).rglob("*")):
            is_source = path.suffix == ".py" and "migrations" not in path.parts
            is_script = path.suffix == ".js" and "static" in path.parts
            if path.is_file() and (is_source or is_script or "templates" in path.parts):
                yield path


def said_in(path: Path) -> list[Said]:
    """The texts of one file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return [said for node in ast.walk(ast.parse(text)) if (said := _said(node))]
    if "templates" not in path.parts:
        return [Said(None, words, more or None) for words, more in texts_of(text)]
    code = templatize(text, origin=str(path))
    return [said for match in _CALL.finditer(code) if (said := _said(_call_at(code, match.start())))]


def _call_at(code: str, start: int) -> ast.AST:
    """The call that begins here: what Django makes of a template is Python only in these places."""
    for end in (match.end() for match in re.finditer(r"\)", code[start:])):
        try:
            return ast.parse(code[start : start + end], mode="eval").body
        except SyntaxError:
            continue
    raise ValueError(f"no call: {code[start : start + 60]}")


def _said(node: ast.AST) -> Said | None:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
        return None
    name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
    if name not in CALLS:
        return None
    texts = [arg.value if isinstance(arg, ast.Constant) and isinstance(arg.value, str) else None for arg in node.args]
    context, words, many = (texts[at] if at is not None and at < len(texts) else None for at in CALLS[name])
    return Said(context, words, many) if words else None


# --- The files ------------------------------------------------------------------------------------------
def catalog(language: str) -> polib.POFile:
    """What is translated so far."""
    path = _path(language)
    return polib.pofile(str(path), wrapwidth=110) if path.exists() else polib.POFile(wrapwidth=110)


def _path(language: str) -> Path:
    return Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / "django.po"


def renewed(language: str) -> polib.POFile:
    """The catalog with every text of the source and no other; what was translated stays."""
    old = {(entry.msgctxt, entry.msgid, entry.msgid_plural or None): entry for entry in catalog(language)}
    new = polib.POFile(wrapwidth=110)
    new.metadata = {
        "Project-Id-Version": "Pika!",
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": PLURALS[language],
    }
    for said, places in everything_said().items():
        entry = old.get(said) or polib.POEntry(msgctxt=said.context, msgid=said.words, msgid_plural=said.many or "")
        if said.many and not entry.msgstr_plural:
            count = int(PLURALS[language][len("nplurals=")])
            entry.msgstr_plural = dict.fromkeys(range(count), "")
        entry.occurrences = [(place, "") for place in places]
        entry.flags = ["python-format"] if "%(" in said.words or "%s" in said.words else []
        new.append(entry)
    return new


def save(words: polib.POFile, language: str) -> None:
    """Both files: the one people edit, and the one Django reads."""
    path = _path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(str(words) + "\n", encoding="utf-8")
    path.with_suffix(".mo").write_bytes(words.to_binary())

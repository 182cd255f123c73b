"""Every word we say can be said in another language, and on dancers' pages it is: docs/words.md."""

import ast
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.template.base import Lexer, TokenType
from polib import POEntry

from pika import words
from pika.script_words import texts_of

ROOT = Path(settings.BASE_DIR)
APPS = ("accounts", "events", "pika", "playlists", "stages", "tracks")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def templates(*endings: str) -> list[Path]:
    found = [path for app in APPS for path in (ROOT / app).rglob("*") if "templates" in path.parts]
    return sorted(path for path in found if path.suffix in endings)


# --- Templates ------------------------------------------------------------------------------------------
LETTERS = re.compile(r"[^\W\d_]{2}")
SAME_IN_EVERY_LANGUAGE = re.compile(r"\b(Pika|QR|Spotify|DJ|BPM|ISRC|CSV)\b")
CLASSES = {"main_class", "modules", "scheme"}  # blocks that hold names for style sheets and scripts
READ_ALOUD = {"aria-label", "alt", "title", "placeholder", "aria-description"}


class Literals(HTMLParser):
    """Collects the texts of a page that somebody would read or hear."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag, attrs):
        self._inside.append(tag)
        self.found += [value or "" for name, value in attrs if name in READ_ALOUD]

    def handle_endtag(self, tag):
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass

    def handle_data(self, data):
        if not {"script", "style", "pre", "code", "kbd"} & set(self._inside):
            self.found.append(data)


def untranslated(template: str, is_html: bool = True) -> list[str]:
    """What a template says by itself, whatever the language."""
    rest, is_skipped, blocks = "", False, []
    for token in Lexer(template).tokenize():
        if token.token_type == TokenType.BLOCK:
            tag = token.contents.split()[0]
            if tag in {"blocktranslate", "blocktrans", "comment"}:
                is_skipped = True
            elif tag in {"endblocktranslate", "endblocktrans", "endcomment"}:
                is_skipped = False
            elif tag == "block":
                blocks.append(token.contents.split()[1])
            elif tag == "endblock":
                blocks.pop()
        elif token.token_type == TokenType.TEXT and not is_skipped and not CLASSES & set(blocks):
            rest += token.contents
    if not is_html:
        return [line.strip() for line in rest.splitlines() if LETTERS.search(SAME_IN_EVERY_LANGUAGE.sub("", line))]
    parser = Literals()
    parser.feed(rest)
    texts = [re.sub(r"\s+", " ", text).strip() for text in parser.found]
    return [text for text in texts if LETTERS.search(SAME_IN_EVERY_LANGUAGE.sub("", text))]


@pytest.mark.parametrize(
    ("template", "seen"),
    [
        ("<p>Hello</p>", ["Hello"]),
        ('<p>{% translate "Hello" %}</p>', []),
        ("<p>{% blocktranslate %}Hello <b>you</b>{% endblocktranslate %}</p>", []),
        ('<a aria-label="Open it">{{ name }}</a>', ["Open it"]),
        ("<style>a{color:red}</style><script>let x</script>", []),
        ("{% comment %}Why{% endcomment %}{# How #}<i>·</i>", []),
    ],
)
def test_a_text_that_cannot_be_translated_would_be_seen(template, seen):
    assert untranslated(template) == seen


def test_every_text_of_a_template_can_be_translated():
    found = [
        f"{name_of(path)}: {text}"
        for path in templates(".html", ".txt")
        for text in untranslated(path.read_text(encoding="utf-8"), path.suffix == ".html")
    ]
    assert found == []


# --- Python ---------------------------------------------------------------------------------------------
TRANSLATING = {"gettext", "_", "ngettext", "pgettext", "npgettext", "gettext_lazy", "ngettext_lazy", "pgettext_lazy"}
REFUSALS = {"Problem", "HangUp", "Rejected", "Twice", "ValidationError"}
TOLD = {"success", "info", "warning", "error"}


def is_bare(said: ast.expr, names: dict[str, list[ast.expr]]) -> bool:
    """Whether these words went through no gettext. What comes from elsewhere is judged there."""
    match said:
        case ast.Constant():
            return isinstance(said.value, str) and bool(LETTERS.search(said.value))
        case ast.JoinedStr():  # words put together of others: `field: words`
            return any(isinstance(part, ast.Constant) and LETTERS.search(part.value) for part in said.values)
        case ast.BinOp():
            return is_bare(said.left, names) or (isinstance(said.op, ast.Add) and is_bare(said.right, names))
        case ast.IfExp():
            return is_bare(said.body, names) or is_bare(said.orelse, names)
        case ast.Call(func=ast.Attribute(attr="format", value=value)):
            return is_bare(value, names)
        case ast.Name():
            return any(is_bare(value, {}) for value in names.get(said.id, []))
    return False


def bare_words(tree: ast.Module) -> list[str]:
    """Where a refusal or a message of a page speaks English only."""
    found: list[str] = []

    def look(node: ast.AST, names: dict[str, list[ast.expr]]) -> None:
        for child in ast.iter_child_nodes(node):
            known = names
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                known = names | assigned(ast.walk(child))
            if isinstance(child, ast.Call) and (said := what_is_said(child)) and is_bare(said, known):
                found.append(f"{child.lineno}: {ast.unparse(said)}")
            look(child, known)

    look(tree, assigned(tree.body))
    return found


def assigned(nodes) -> dict[str, list[ast.expr]]:
    names: dict[str, list[ast.expr]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    names.setdefault(target.id, []).append(node.value)
    return names


def what_is_said(call: ast.Call) -> ast.expr | None:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in REFUSALS and call.args:
            return call.args[0]
        case ast.Attribute(value=ast.Name(id="messages"), attr=name) if name in TOLD and len(call.args) > 1:
            return call.args[1]
    return None


@pytest.mark.parametrize(
    ("code", "is_seen"),
    [
        ('Problem("No", "x")', True),
        ('Problem(gettext("No"), "x")', False),
        ('Problem(f"No {x}", "x")', True),
        ('Problem(gettext("No %s") % x, "x")', False),
        ('def f():\n words = "No"\n raise Problem(words, "x")', True),
        ('def f():\n words = _("No")\n raise Problem(words, "x")', False),
        ('messages.success(request, "Done")', True),
        ("messages.success(request, _('Done'))", False),
    ],
)
def test_bare_words_would_be_seen(code, is_seen):
    assert bool(bare_words(ast.parse(code))) == is_seen


def test_every_refusal_and_message_of_a_page_can_be_translated():
    sources = [path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts]
    found = [f"{name_of(path)}:{bare}" for path in sources for bare in bare_words(ast.parse(path.read_text("utf-8")))]
    assert found == []


# --- Scripts --------------------------------------------------------------------------------------------
# Reasons for programmers, which no page shows.
UNSAID = {"No connection", "No answer", "Connection lost"}


def sentences(script: str) -> list[str]:
    """The texts of a script that look like something said to people."""
    code = re.sub(r"//.*?$|/\*.*?\*/", "", script, flags=re.MULTILINE | re.DOTALL)
    texts = re.findall(r""""((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`""", code)
    known = {words for pair in texts_of(script) for words in pair}
    plain = [re.sub(r"\$\{[^}]*\}", "…", one or two) for one, two in texts if one not in known]
    return [
        text for text in plain if re.search(r"[A-Z][\w’']*[,:.…]? \w|\w\w+ \w\w+ \w\w+", text) and text not in UNSAID
    ]


def test_no_script_speaks_by_itself():
    scripts = sorted((ROOT / "pika" / "static" / "pika").glob("*.js"))
    found = [f"{path.name}: {text}" for path in scripts for text in sentences(path.read_text(encoding="utf-8"))]
    assert found == []


# --- Translations ---------------------------------------------------------------------------------------
# Files of organizers, DJs, programs and the platform's own people: what stands in no other may stay English.
NOT_FOR_DANCERS = re.compile(
    r"accounts/(actions|admin|admin_site|push)\.py"
    r"|accounts/templates/(admin/|accounts/(_standing|apply|join|members|organizers|tokens|mail/decision))"
    r"|accounts/(models/(organizers|tokens)|views/(organizers|tokens))\.py"
    r"|events/"
    r"|pika/(api\.py|static/pika/(booth|words)|gateways/|live/|metrics|openapi|spotify_links)"
    r"|playlists/(catalogue|exporting|rewriting)\.py"
    r"|stages/(admin|api|board|dashboard|djs|timetable|timetable_access|timetable_csv|timetable_forms|wall_time)\.py"
    r"|stages/actions/(announcements|events|notifying|plays|releases|sessions|stages|timetable)\.py"
    r"|stages/consumers/"
    r"|stages/templates/stages/(organize/|_?booth)"
    r"|stages/templatetags/booth\.py"
    r"|stages/views/(announcements|events|posters|releases|sheets|timetable)\.py"
    r"|tracks/(admin/|actions/(recordings|repair|verify)|matching|models/(recordings|verification)|suggestions|views/verify)"
    r"|tracks/templates/(admin/|tracks/(_question|export_event|export_set|sets|verify))"
)
GAPS = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}|</?\w+[^>]*>")


def is_for_dancers(entry: POEntry) -> bool:
    return not all(NOT_FOR_DANCERS.match(place) for place, _ in entry.occurrences)


def forms(entry: POEntry) -> list[str]:
    return [entry.msgstr_plural[n] for n in sorted(entry.msgstr_plural)] if entry.msgid_plural else [entry.msgstr]


def named(entry: POEntry, words: str = "") -> str:
    return f"{entry.msgid!r} ({entry.occurrences[0][0]}) {words}".strip()


every_language = pytest.mark.parametrize("language", words.LANGUAGES)


@every_language
def test_the_catalog_knows_what_the_source_says_and_nothing_else(language):
    known = {(entry.msgctxt, entry.msgid, entry.msgid_plural or None) for entry in words.catalog(language)}
    said = set(words.everything_said())
    assert (sorted(map(str, said - known)), sorted(map(str, known - said))) == ([], []), "run `manage.py words`"


@every_language
def test_nothing_that_dancers_read_lacks_a_translation(language):
    missing = [named(entry) for entry in words.catalog(language) if is_for_dancers(entry) and not all(forms(entry))]
    assert missing == []


@every_language
def test_no_translation_is_a_guess(language):
    assert [named(entry) for entry in words.catalog(language) if entry.fuzzy or entry.obsolete] == []


@every_language
def test_a_translation_has_the_gaps_of_the_english_words(language):
    wrong = [
        named(entry, form)
        for entry in words.catalog(language)
        for form in filter(None, forms(entry))
        if sorted(GAPS.findall(form)) != sorted(GAPS.findall(entry.msgid_plural or entry.msgid))
    ]
    assert wrong == []


@every_language
def test_a_translation_cannot_break_the_page_around_it(language):
    """Django puts translations of literals into pages, attributes and scripts as they are."""
    wrong = [
        named(entry, form)
        for entry in words.catalog(language)
        for form in filter(None, forms(entry))
        if re.search(r"[\"`\\]|\$\{|<(?!/?\w)", re.sub(r"</?\w+[^>]*>", "", form))
    ]
    assert wrong == []


@every_language
def test_what_django_reads_is_what_people_wrote(language):
    binary = Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / "django.mo"
    assert binary.read_bytes() == words.catalog(language).to_binary(), "run `manage.py words`"

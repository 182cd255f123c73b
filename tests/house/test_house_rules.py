"""The house keeps its own rules: docs/map.md is true, and what it says of the code holds."""

import ast
import re
import subprocess
import warnings
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver

ROOT = Path(settings.BASE_DIR)
APPS = ["accounts", "events", "stages", "tracks", "playlists"]
MAP = (ROOT / "docs" / "map.md").read_text(encoding="utf-8")
MOST_LINES = 400
VERBS = {
    "add",
    "apply",
    "archive",
    "cancel",
    "change",
    "choose",
    "copy",
    "delete",
    "duplicate",
    "edit",
    "end",
    "export",
    "find",
    "finish",
    "import",
    "join",
    "link",
    "list",
    "mute",
    "new",
    "notify",
    "preview",
    "publish",
    "remove",
    "retry",
    "revoke",
    "shift",
    "show",
    "undo",
    "unmute",
    "unpublish",
    "verify",
}
NOUNS_ALONE = {  # pages that everybody calls by one word, and files whose names browsers give
    "stages:welcome",
    "stages:booth",
    "stages:announce",
    "stages:service_worker",
    "stages:manifest",
}
UNUSUAL_TIMES = {"jobs.Job.lease_until"}


def tracked(*endings: str) -> list[Path]:
    """The files git knows and that are still there, by ending."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        warnings.warn("no git checkout: the house's files cannot be listed", stacklevel=1)
        pytest.skip("no git checkout: the house's files cannot be listed")
    names = [name for name in listed.stdout.decode().split("\0") if name.endswith(endings or ("",))]
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def is_made_by_machine(path: Path) -> bool:
    return "migrations" in path.parts


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


# --- The map ------------------------------------------------------------------------------------------
def tree() -> list[str]:
    block = re.search(r"^```tree\n(.*?)^```$", MAP, flags=re.MULTILINE | re.DOTALL)
    assert block, "docs/map.md has a ```tree block"
    return [line.split()[0] for line in block[1].splitlines() if line.strip()]


def named_paths(text: str) -> set[str]:
    """What stands in backticks and looks like a path of ours."""
    spans = re.findall(r"`([\w./-]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))
    tops = ("docs/", "pika/", "tests/", "clients/", "requirements/", *(f"{app}/" for app in APPS))
    return {span for span in spans if span.startswith(tops)}


@pytest.mark.parametrize("page", ["map.md", "live.md"])
def test_every_path_that_is_named_exists(page):
    text = text_of(ROOT / "docs" / page)
    paths = named_paths(text) | (set(tree()) if page == "map.md" else set())
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []


def test_every_line_of_the_tree_is_a_place_once():
    assert len(tree()) == len(set(tree()))


def test_every_package_is_on_the_map():
    packages = {path.parent for path in tracked("__init__.py")}
    tops = {name_of(path) for path in packages if path.parent in {ROOT, ROOT / "pika"}}
    named = {path.split("/")[0] for path in tree()} | {"/".join(path.split("/")[:2]) for path in tree()}
    assert sorted(tops - named) == [], "say in docs/map.md what this is for"


def test_every_module_of_the_live_floor_is_on_the_map():
    names = {name_of(path) for path in tracked(".py") if path.name != "__init__.py"}
    modules = {name for name in names if name.startswith(("pika/live/", "stages/actions/"))}
    assert sorted(modules - set(tree())) == [], "say in docs/map.md what this is for"


# --- Python -------------------------------------------------------------------------------------------
def python() -> list[Path]:
    return [path for path in tracked(".py") if not is_made_by_machine(path)]


def test_every_module_opens_with_a_sentence():
    silent = [name_of(path) for path in python() if text_of(path) and not ast.get_docstring(ast.parse(text_of(path)))]
    assert silent == []


def test_no_module_is_a_drawer_for_everything():
    drawers = {"util", "utils", "helper", "helpers", "common", "core", "manager", "managers", "service", "services"}
    assert [name_of(path) for path in python() if {path.stem, path.parent.name} & drawers] == []


def test_no_file_is_longer_than_one_can_keep_in_mind():
    sources = [path for path in tracked(".py", ".js", ".css", ".html") if not is_made_by_machine(path)]
    long = [path for path in sources if len(text_of(path).splitlines()) > MOST_LINES]
    assert [name_of(path) for path in long if "tests" not in path.parts] == []


def test_nobody_uses_signals_for_our_own_business():
    signals = re.compile(r"django\.(db\.models|dispatch|core)(\.signals| import (receiver|signals|Signal))")
    its_own = {"pika/http.py", "tests/house/test_http.py"}  # says when a request begins, as Django's own handler does
    assert {name_of(path) for path in python() if signals.search(text_of(path))} <= its_own


def our_fields() -> list[tuple[str, models.Field]]:
    ours = [model for model in apps.get_models() if model.__module__.split(".")[0] in {"pika", *APPS}]
    theirs = {"User.date_joined", "User.last_login"}
    fields = [(model._meta.label, field) for model in ours for field in model._meta.concrete_fields]
    return [
        (f"{label}.{field.name}", field) for label, field in fields if not f"{label}.{field.name}".endswith((*theirs,))
    ]


def test_times_end_in_at_days_in_on_and_booleans_begin_with_is():
    wrong = []
    for name, field in our_fields():
        last = name.split(".")[-1]
        is_right = {
            "DateTimeField": last.endswith("_at") or name in UNUSUAL_TIMES,
            "DateField": last.endswith("_on"),
            "BooleanField": last.startswith("is_"),
        }
        if not is_right.get(field.get_internal_type(), True):
            wrong.append(name)
    assert wrong == []


def test_every_model_says_what_it_is():
    ours = [model for model in apps.get_models() if model.__module__.split(".")[0] in {"pika", *APPS}]
    made_up_by_django = [model._meta.label for model in ours if (model.__doc__ or "").startswith(f"{model.__name__}(")]
    assert made_up_by_django == []


# --- Addresses ------------------------------------------------------------------------------------------
def url_names(resolver: URLResolver | None = None, space: str = "") -> list[str]:
    """`app:name` of every named address of ours; the admin's and allauth's are their own."""
    names = []
    for it in (resolver or get_resolver()).url_patterns:
        if isinstance(it, URLResolver) and (it.app_name in APPS or not it.app_name):
            if getattr(it.urlconf_name, "__name__", "") != "allauth.urls":
                names += url_names(it, it.namespace or space)
        elif isinstance(it, URLPattern) and it.name and not it.name.startswith("account_"):  # allauth's, wrapped
            names.append(f"{space}:{it.name}")
    return names


def test_url_names_are_app_verb_noun():
    wrong = []
    for name in url_names():
        app, _, words = name.partition(":")
        verb, _, noun = words.partition("_")
        if not (app in APPS and verb in VERBS and noun) and name not in NOUNS_ALONE:
            wrong.append(name)
    assert wrong == [], "name it app:verb_noun; a verb that is new here goes into VERBS"


def test_every_exception_is_still_needed():
    fields = {name for name, _ in our_fields()}
    assert sorted(NOUNS_ALONE - set(url_names())) == sorted(UNUSUAL_TIMES - fields) == []


# --- Pages ------------------------------------------------------------------------------------------------
INLINE = {
    "a script without nonce": re.compile(r"<script(?![^>]*\b(?:src|nonce)=)", re.IGNORECASE),
    "a style without nonce": re.compile(r"<style(?![^>]*\bnonce=)", re.IGNORECASE),
    "style=": re.compile(r"""<[^>]*\sstyle\s*=\s*["']""", re.IGNORECASE),
    "an on...= handler": re.compile(r"""<[^>]*\son[a-z]+\s*=\s*["']""", re.IGNORECASE),
    "a javascript: address": re.compile(r"""=\s*["']javascript:""", re.IGNORECASE),
}


def offences(html: str) -> list[str]:
    # `{% ... %}` may hold a `>`, and what is no script by its type (JSON) is data.
    plain = re.sub(r"""<script[^>]*type=["']application/json["'][^>]*>""", "", re.sub(r"\{%.*?%\}", "", html))
    return [words for words, pattern in INLINE.items() if pattern.search(plain)]


@pytest.mark.parametrize(
    "html",
    ["<script>1</script>", "<style>a{}</style>", '<p style="x">', "<a onclick='x'>", '<a href="javascript:x">'],
)
def test_an_offence_would_be_seen(html):
    assert len(offences(html)) == 1


def test_no_page_has_inline_script_or_style_without_nonce():
    found = {name_of(path): offences(text_of(path)) for path in tracked(".html")}
    assert {name: what for name, what in found.items() if what} == {}


def test_every_script_and_stylesheet_is_used():
    texts = {path: text_of(path) for path in tracked(".html", ".js", ".css", ".py", ".webmanifest")}
    unused = []
    for path in (ROOT / "pika" / "static").rglob("*.*"):
        if path.suffix in {".js", ".css"}:
            own = path.relative_to(ROOT / "pika" / "static").as_posix()
            if not any(own in text or f"./{path.name}" in text for other, text in texts.items() if other != path):
                unused.append(own)
    assert unused == []


# --- What must not be in the repository ---------------------------------------------------------------------
def test_nothing_tells_of_the_machine_it_was_written_on():
    patterns = [re.compile(r"""(?<![\w./-])(/home/(?!dj/)\w+|/Users/\w+|/root)/\w""")]
    if len(ROOT.parts) > 2:  # a checkout at /app is a name that an image may use, too
        patterns.append(re.compile(rf"(?<![\w./-]){re.escape(str(ROOT))}(?=[/\s\"'`:]|$)", re.MULTILINE))
    found = []
    for path in tracked():
        try:
            text = text_of(path)
        except UnicodeDecodeError:
            continue  # a picture
        found += [f"{name_of(path)}: {hit[0]}" for pattern in patterns for hit in pattern.finditer(text)]
    assert found == []


def test_nothing_names_a_package_registry():
    """Where packages come from is the business of the machine that installs them."""
    host = re.compile(r"https?://[\w.-]*(pypi|pythonhosted|npmjs|yarnpkg|artifactory|jfrog|nexus)[\w.-]*")
    index = re.compile(r"https?://(?![\w.-]*\.example\b)[\w-]+(\.[\w-]+)+(:\d+)?/(\w+/)*simple\b")
    option = re.compile(r"^\s*(-i|--(extra-)?index-url|--find-links|--trusted-host)\b", re.MULTILINE)
    found = []
    for path in tracked(".py", ".toml", ".in", ".txt", ".md", ".yml", ".yaml", ".sh", "run", "Dockerfile", ".cfg"):
        hits = [hit for pattern in (host, index, option) for hit in pattern.finditer(text_of(path))]
        found += [f"{name_of(path)}: {hit[0].strip()}" for hit in hits]
    assert found == []


def requirement_files() -> list[Path]:
    return sorted((ROOT / "requirements").glob("*.in"))


@pytest.mark.parametrize("wanted", requirement_files(), ids=lambda path: path.name)
def test_every_locked_library_has_its_version_and_hash(wanted):
    locked = text_of(wanted.with_suffix(".txt")).replace("\\\n", " ")
    lines = [line for line in locked.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    loose = [
        line.split()[0] for line in lines if not re.match(r"^[\w.\[\],-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)
    ]
    assert lines
    assert loose == []

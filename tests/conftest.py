"""The cast, the real server, the real browser."""

import asyncio
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, connection, transaction
from django.test import Client, TransactionTestCase
from django.utils import timezone, translation

from accounts.actions import make_token
from accounts.models import Membership, Organizer, User
from events.models import Event
from pika.live.consumer import open_sockets
from pika.live.hub import hub
from pika.setup.testservers import chromium
from stages.consumers.announcements import write_seen
from stages.consumers.chores import write_follows
from stages.models import Stage
from tests.cast import APP_SECRET, PATIENCE, Dancer, Dj

PASSWORD = "correct horse battery"
SHARED = Path(settings.BASE_DIR).parent / "shared"


@pytest.fixture(autouse=True)
def _english_again():
    """A page leaves its language to the thread, and here all tests share one."""
    yield
    translation.deactivate()


# What every database has after it was migrated; no test writes there.
KEPT = {"django_migrations", "django_content_type", "auth_permission"}


@pytest.fixture(scope="session", autouse=True)
def _quickly_emptied() -> Iterator[None]:
    """After a test with committed data most tables are empty: only the others are emptied.

    Django truncates all of them, which takes Postgres fifty times as long, and fills those of `KEPT` again.
    """

    def empty(test: TransactionTestCase) -> None:
        tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
        asked = [f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in tables if name not in KEPT]
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(" UNION ALL ".join(asked))
                for (name,) in cursor.fetchall():
                    cursor.execute(f"DELETE FROM {name}")
        except IntegrityError:  # a process on its way out wrote meanwhile; the locks of truncating keep it out
            truncate(test)

    truncate = TransactionTestCase._fixture_teardown
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


@pytest.fixture
def analyze(db: None) -> Callable[[], None]:
    """The database counts its rows, as it does by itself a minute after very many came: it plans by that."""

    def count() -> None:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    return count


# --- People and places ---------------------------------------------------------------------------------
@cache
def _hashed() -> str:
    """Hashing is slow on purpose: once for everybody, not for each person of each test."""
    return make_password(PASSWORD)


@pytest.fixture
def make_user(db: None) -> Callable[..., User]:
    def make(name: str, is_dj: bool = False) -> User:
        fields = {"name": name.capitalize(), "is_dj": is_dj}
        user = User.objects.create(email=f"{name}@example.com", password=_hashed(), **fields)
        user.emailaddress_set.create(email=user.email, verified=True, primary=True)  # type: ignore[attr-defined]
        return user

    return make


@pytest.fixture
def marcus(make_user: Callable[[str], User]) -> User:
    return make_user("marcus", is_dj=True)


@pytest.fixture
def ana(make_user: Callable[[str], User]) -> User:
    return make_user("ana", is_dj=True)


@pytest.fixture
def elena(make_user: Callable[[str], User]) -> User:
    return make_user("elena")


@pytest.fixture
def stranger(make_user: Callable[[str], User]) -> User:
    """Runs another event and must see nothing of ours."""
    user = make_user("stranger")
    other = Organizer.objects.create(name="Other", slug="other", approved_at=timezone.now())
    Membership.objects.create(organizer=other, user=user, role="owner")
    return user


@pytest.fixture
def organizer(elena: User) -> Organizer:
    it = Organizer.objects.create(name="WCS Budapest", slug="wcs-budapest", approved_at=timezone.now())
    Membership.objects.create(organizer=it, user=elena, role="owner")
    return it


@pytest.fixture
def crew(make_user: Callable[[str], User], organizer: Organizer) -> User:
    """Jonas helps at elena's weekend: sees, and changes nothing."""
    user = make_user("jonas")
    Membership.objects.create(organizer=organizer, user=user, role="crew")
    return user


@pytest.fixture
def kryspin(make_user: Callable[[str], User]) -> User:
    """Owns the platform, and has an app with codes (`tests.cast.app_code`)."""
    user = make_user("kryspin")
    user.is_staff = user.is_superuser = True
    user.save()
    TOTP.activate(user, APP_SECRET)
    return user


class Browser(Client):
    """Django's; whom a test logs in, and has a second factor, has shown it."""

    def force_login(self, user: Any, backend: str | None = None) -> None:
        super().force_login(user, backend)
        if user.authenticator_set.exists():
            session = self.session
            session["account_authentication_methods"] = [{"method": "mfa", "at": time.time()}]
            session["account_authentication_methods_user"] = str(user.pk)
            session.save()


@pytest.fixture
def client() -> Client:
    return Browser()


@pytest.fixture
def event(organizer: Organizer) -> Event:
    today = timezone.now().date()
    return Event.objects.create(
        organizer=organizer,
        name="WCS Budapest",
        slug="wcs-budapest",
        time_zone="Europe/Budapest",
        starts_on=today,
        ends_on=today + timedelta(days=2),
        status="published",
    )


@pytest.fixture
def stage(event: Event) -> Stage:
    return Stage.objects.create(event=event, name="Main Floor")


@pytest.fixture
def other_stage(event: Event) -> Stage:
    return Stage.objects.create(event=event, name="Blues Room", position=1)


@pytest.fixture
def token_of() -> Callable[[User], str]:
    tokens: dict[int, str] = {}

    def get(user: User) -> str:
        if user.pk not in tokens:
            tokens[user.pk] = make_token(user, "test", ["live", "events"])[1]
        return tokens[user.pk]

    return get


# --- The server ----------------------------------------------------------------------------------------
class Server:
    """A real uvicorn on a free port, in a thread of this process."""

    def __init__(self) -> None:
        self.listening = socket.socket()
        self.listening.bind(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.ws = f"ws://127.0.0.1:{self.port}/ws"
        config = uvicorn.Config("pika.asgi:application", log_config=None, **settings.UVICORN)
        self.uvicorn = uvicorn.Server(config)
        self.uvicorn.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self.thread = threading.Thread(target=self.uvicorn.run, args=([self.listening],), daemon=True)

    def start(self) -> None:
        self.thread.start()
        deadline = time.monotonic() + 20
        while not self.uvicorn.started:
            assert self.thread.is_alive() and time.monotonic() < deadline, "the server did not start"
            self.thread.join(0.01)

    def stop(self) -> None:
        self.uvicorn.should_exit = True
        self.thread.join(15)


@pytest.fixture(scope="session")
def _server(django_db_setup: None, django_db_blocker: Any) -> Iterator[Server]:
    with django_db_blocker.unblock():
        server = Server()
        server.start()
        yield server
        server.stop()


@pytest.fixture
def server(_server: Server, transactional_db: None) -> Iterator[Server]:
    """The real server over the test's own committed data; when it is idle again the data goes."""
    yield _server
    _wait_until_idle()


def _wait_until_idle() -> None:
    """Emptying the tables while a closing socket still writes to them would be a deadlock."""
    deadline = time.monotonic() + 10
    while open_sockets and time.monotonic() < deadline:
        time.sleep(0.005)
    assert not open_sockets, "a socket was not cleared up"
    if hub.loop is not None:
        for write in (write_follows, write_seen):
            asyncio.run_coroutine_threadsafe(write(), hub.loop).result(10)


@pytest.fixture
def dj(server: Server, token_of: Callable[[User], str]) -> Iterator[Callable[..., Dj]]:
    """`dj(marcus, stage=stage)`: a program of his, live."""
    open_ones: list[Dj] = []

    def go(user: User, stage: Stage | None = None, **fields: Any) -> Dj:
        User.objects.filter(pk=user.pk).update(is_dj=True)
        one = Dj(server.ws)
        open_ones.append(one)
        where = {"stageId": stage.code} if stage else {}
        answer = one.go_live(token_of(user), **where, **{"djName": user.name, **fields})
        assert answer["type"] == "ACK", answer
        return one

    yield go
    for one in open_ones:
        one.close()


@pytest.fixture
def dancer(server: Server) -> Iterator[Callable[..., Dancer]]:
    """`dancer(stage=stage)`: a phone that follows the stage (or `session="CODE"`, or nothing yet)."""
    open_ones: list[Dancer] = []

    def come(stage: Stage | None = None, session: str | None = None, **fields: Any) -> Dancer:
        one = Dancer(server.ws)
        open_ones.append(one)
        if stage or session:
            answer = one.follow(stage.code if stage else None, session, **fields)
            assert answer["type"] == "ACK", answer
        return one

    yield come
    for one in open_ones:
        one.close()


# --- The browser ---------------------------------------------------------------------------------------
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# Per module: while it runs, Playwright keeps an event loop in this thread, which Django and asyncio.run refuse.
@pytest.fixture(scope="module")
def _chromium() -> Iterator[Any]:
    path = chromium()
    if path is None:
        warnings.warn("NO CHROMIUM: the browser journeys are not run", stacklevel=1)
        pytest.skip("no Chromium on this machine: the browser journeys are not run")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE * 1500)  # ms; a busy machine is not a broken product
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(executable_path=str(path), args=CHROMIUM_ARGS)
        yield browser
        browser.close()


@pytest.fixture
def browser(_chromium: Any, server: Server) -> Iterator[Any]:
    """A real Chromium; every context made with it is closed after the test."""
    yield _chromium
    for context in _chromium.contexts:
        context.close()


@pytest.fixture
def phone(browser: Any) -> Callable[[], Any]:
    """`phone()`: a page of a fresh device, 360×740."""

    def take() -> Any:
        page = browser.new_context(viewport={"width": 360, "height": 740}, locale="en-GB").new_page()
        page.set_default_timeout(10_000)
        return page

    return take


@pytest.fixture
def log_in(server: Server) -> Callable[[Any, User], None]:
    """`log_in(page, marcus)` through the login page, as he would."""

    def log_in(page: Any, user: User) -> None:
        page.goto(f"{server.url}/accounts/login/")
        page.fill("input[name=login]", user.email)
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        page.wait_for_url(lambda url: "/accounts/login" not in url)

    return log_in


@pytest.fixture
def shared() -> Path:
    """The folder of real DJ data beside the checkout; the test says loudly when it is not there."""
    if not (SHARED / "data").is_dir():
        warnings.warn("../shared is not there: real DJ files are not tested", stacklevel=1)
        pytest.skip("../shared is not there: real DJ files are not tested")
    return SHARED

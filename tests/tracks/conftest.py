"""Songs that were played and loved."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts.access import guest_key, guest_of
from accounts.actions import new_guest_secret
from accounts.claim import claim
from accounts.models import Guest, User
from stages.models import Play, Session, Stage
from tracks.models import Like

LOGIN = "allauth.account.auth_backends.AuthenticationBackend"
EVENING = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)  # 23:00 in Budapest


class Phone(Client):
    """A device with its cookie."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.secret = new_guest_secret()
        self.key = guest_key(self.secret)
        self.cookies[settings.GUEST_COOKIE] = self.secret

    @property
    def guest(self) -> Guest:
        return guest_of(self.key)

    def log_in(self, user: User) -> None:
        """As after the login page: the device is theirs."""
        self.force_login(user, backend=LOGIN)
        self.cookies[settings.GUEST_COOKIE] = self.secret
        claim(user, self.key)


@pytest.fixture
def phone_of(db: None) -> Callable[[], Phone]:
    return Phone


@pytest.fixture
def sarah(db: None) -> Phone:
    return Phone()


@pytest.fixture
def user(make_user: Callable[..., User]) -> User:
    return make_user("sarah")


@pytest.fixture
def a_set(marcus: User) -> Callable[..., Session]:
    """`a_set(stage)`: a session of marcus, or of `dj`; without a stage a Quick Start."""

    def make(stage: Stage | None = None, dj: User | None = None, at: datetime = EVENING) -> Session:
        its = dj or marcus
        code = f"SET{Session.objects.count()}"
        name = f"DJ {its.name}"
        return Session.objects.create(code=code, dj=its, dj_name=name, stage=stage, started_at=at, active_at=at)

    return make


@pytest.fixture
def a_play() -> Callable[..., Play]:
    """`a_play(session, "Title", "Artist", minutes=5)`: heard that long after the evening began."""

    def make(session: Session, title: str = "Song", artist: str = "Band", minutes: float = 0, **more: Any) -> Play:
        at = more.pop("at", EVENING + timedelta(minutes=minutes))
        return Play.objects.create(
            session=session, title=title, artist=artist, played_at=at, published_at=at, received_at=at, **more
        )

    return make


@pytest.fixture
def love() -> Callable[..., Like]:
    """`love(phone, play)`"""

    def make(phone: Phone, play: Play, **more: Any) -> Like:
        return Like.objects.create(guest=phone.guest, play=play, **{"liked_at": play.played_at, **more})

    return make


@pytest.fixture
def djs(make_user: Callable[..., User]) -> Callable[..., list[User]]:
    """djs(5): so many people with a session each."""

    def make(count: int, prefix: str = "dj") -> list[User]:
        users = [make_user(f"{prefix}{n}", is_dj=True) for n in range(count)]
        for user in users:
            Session.objects.create(code=f"S{user.pk}", dj=user, dj_name=user.name)
        return users

    return make

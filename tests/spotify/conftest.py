"""Spotify on this machine, and marcus' account there."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.cache import cache
from django.utils import timezone

from accounts.models import User
from pika.crypto import seal
from pika.gateways.spotify import SCOPES, real
from pika.jobs import actions as jobs
from pika.jobs.models import Job
from playlists.models import SpotifyLink
from tests.spotify.standin import CLIENT, SECRET, Standin


@pytest.fixture(params=["development", "extended"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def standin(request: pytest.FixtureRequest, settings: Any) -> Iterator[Standin]:
    """The product is told that this is Spotify. A test that asks for `mode`, too, is run with both kinds of apps."""
    is_extended = "mode" in request.fixturenames and request.getfixturevalue("mode") == "extended"
    its = Standin(is_extended)
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    settings.SPOTIFY, settings.SPOTIFY_CLIENT_ID, settings.SPOTIFY_SECRET = "", CLIENT, SECRET
    settings.SPOTIFY_API_URL, settings.SPOTIFY_ACCOUNTS_URL = f"{its.url}/v1", its.url
    settings.SPOTIFY_TIMEOUT = 20.0  # a busy machine is not a silent Spotify
    real._is_new.clear()
    cache.clear()
    yield its
    its.close()
    assert its.violations == []


@pytest.fixture
def unconfigured(settings: Any) -> None:
    settings.SPOTIFY = settings.SPOTIFY_CLIENT_ID = settings.SPOTIFY_SECRET = ""


@pytest.fixture
def linked(standin: Standin, marcus: User) -> SpotifyLink:
    """Marcus has linked his account."""
    return link(standin, marcus)


def link(standin: Standin, user: User, name: str = "marcus", scopes: str = " ".join(SCOPES)) -> SpotifyLink:
    refresh = f"refresh-of-{name}"
    standin.refreshes[refresh] = {"user": name, "scopes": scopes}
    return SpotifyLink.objects.create(
        user=user,
        account_id=name if standin.is_extended else f"acc-{name}",
        login=name,
        name=name.capitalize(),
        access_token=seal(standin.token(name, scopes)),
        refresh_token=seal(refresh),
        scopes=scopes,
        expires_at=timezone.now() + timedelta(hours=1),
    )


@pytest.fixture
def work() -> Callable[..., None]:
    """Do what is due until nothing is; `work(most)`: as if nobody had to wait, so many times."""

    def run(most: int = 0) -> None:
        while jobs.run_due():
            pass
        for _ in range(most):
            Job.objects.filter(state="queued").update(due_at=timezone.now())
            if not jobs.run_due():
                return

    return run

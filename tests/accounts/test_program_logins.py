"""A program that logged in is a device like any other: seen among the logins, signed out there, over in its time."""

import pytest
from django.core.cache import cache
from django.utils import timezone

from accounts.actions import revoke_token
from accounts.leaving import forget_logins
from accounts.models import LoginEvent
from tests.conftest import PASSWORD
from tests.tracks.conftest import LOGIN

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_counted():
    cache.clear()


@pytest.fixture
def sarah(make_user):
    return make_user("sarah")


@pytest.fixture
def tokens(client, sarah):
    """Of two programs that logged in as sarah, by their names."""

    def log_in(name):
        form = {"email": sarah.email, "password": PASSWORD, "deviceName": name}
        return client.post("/api/v1/auth/login/dancer", form, "application/json").json()["token"]

    return {name: log_in(name) for name in ("Floor app", "Watch")}


def may(client, token):
    return client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def ends():
    return dict(LoginEvent.objects.filter(how="program").values_list("device", "ended_how"))


def test_each_is_seen_and_signed_out_alone(client, sarah, tokens):
    client.force_login(sarah, backend=LOGIN)
    login = LoginEvent.objects.get(device="Floor app")
    now_open, history = client.get("/me/logins").content.decode().split('id="history"')
    assert [now_open.count(f"<strong>{name}</strong>") for name in tokens] == [1, 1]
    assert history.count("still logged in") == 2
    for _ in range(2):
        said = client.post(f"/me/logins/{login.pk}/end", follow=True).content.decode()
        assert "Floor app is signed out." in said
    assert "<strong>Floor app</strong>" not in said.split('id="history"')[0]
    assert [may(client, token) for token in tokens.values()] == [False, True]
    assert ends() == {"Floor app": "everywhere", "Watch": ""}


def test_everywhere_ends_them_and_so_does_taking_back_the_token(client, sarah, tokens):
    revoke_token(sarah.api_tokens.get(name="Watch"))
    client.force_login(sarah, backend=LOGIN)
    client.post("/me/logins/end")
    assert ends() == {"Floor app": "everywhere", "Watch": "signed_out"}
    assert [may(client, token) for token in tokens.values()] == [False, False]


def test_the_clock_knows_whose_token_ran_out(sarah, tokens):
    sarah.api_tokens.filter(name="Watch").update(expires_at=timezone.now())
    forget_logins()
    assert ends() == {"Floor app": "", "Watch": "expired"}


def test_nobody_else_ends_one(client, stranger, tokens):
    client.force_login(stranger, backend=LOGIN)
    login = LoginEvent.objects.get(device="Floor app")
    assert client.post(f"/me/logins/{login.pk}/end").status_code == 404
    assert [may(client, token) for token in tokens.values()] == [True, True]

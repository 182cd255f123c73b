"""A second step at login: an app, recovery codes; and no admin without one."""

import re

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client

from accounts.models import Letter, LoginEvent, User
from pika.crypto import is_sealed
from pika.jobs import actions as jobs
from tests.cast import app_code
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_counted():
    cache.clear()


def log_in(client, user, onward="/"):
    return client.post("/accounts/login/", {"login": user.email, "password": PASSWORD, "next": onward})


def set_up_app(client):
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    assert 'src="data:image/svg+xml;base64,' in page
    secret = re.search(r'id="secret" value="(\w+)"', page)[1]
    return secret, client.post("/accounts/2fa/totp/activate/", {"code": app_code(secret)})


def test_a_newcomer_sets_up_an_app_and_comes_into_the_admin(client):
    owner = User.objects.create_superuser("owner@example.com", PASSWORD)
    login = client.get("/admin/accounts/user/", follow=True)
    assert login.redirect_chain[-1][0].startswith("/accounts/login/?next=")
    assert log_in(client, owner, "/admin/accounts/user/").url == "/admin/accounts/user/"
    led = client.get("/admin/accounts/user/", follow=True)
    assert led.redirect_chain[-1][0] == "/accounts/2fa/"
    assert "The admin needs a second step at login" in led.content.decode()
    _, done = set_up_app(client)
    codes = client.get(done.url).content.decode()
    assert (
        len(re.findall(r"^\d{8}$", codes.replace('spellcheck="false">', "\n").replace("</textarea>", "\n"), re.M)) == 10
    )
    assert 'href="/admin/accounts/user/">On to the admin' in codes
    assert client.get("/admin/accounts/user/").status_code == 200


def test_its_secret_lies_encrypted_and_outlives_a_change_of_the_key(client, make_user, settings):
    old, new, other = (Fernet.generate_key().decode() for _ in range(3))
    settings.FIELD_KEYS = [old]
    sarah = make_user("sarah")
    log_in(client, sarah)
    secret, _ = set_up_app(client)
    rows = Authenticator.objects.filter(user=sarah)
    assert sorted(rows.values_list("type", flat=True)) == ["recovery_codes", "totp"]
    assert secret not in str(list(rows.values_list("data", flat=True)))
    assert all(is_sealed(row.data.get("secret") or row.data["seed"]) for row in rows)
    settings.FIELD_KEYS = [new, old]
    call_command("reseal")

    def comes_in(keys, ahead):
        settings.FIELD_KEYS = keys
        cache.clear()
        browser = Client()
        log_in(browser, sarah)
        answer = browser.post("/accounts/2fa/authenticate/", {"code": app_code(secret, ahead)})
        return answer.status_code, "a key of this server is missing" in answer.content.decode()

    assert comes_in([new], 1) == (302, False)
    assert comes_in([other], 2) == (503, True)


def test_the_next_login_asks_for_the_code_and_the_history_knows(client, kryspin):
    assert log_in(client, kryspin, "/admin/").url == "/accounts/2fa/authenticate/"
    assert "_auth_user_id" not in client.session
    wrong = client.post("/accounts/2fa/authenticate/", {"code": "000000"}).content.decode()
    assert "This is not the code." in wrong
    assert client.post("/accounts/2fa/authenticate/", {"code": app_code()}).url == "/admin/"
    assert client.get("/admin/").status_code == 200
    assert [event.how for event in LoginEvent.objects.all()] == ["password"]


def test_a_recovery_code_works_once(client, kryspin):
    client.force_login(kryspin)
    client.post("/accounts/2fa/recovery-codes/generate/", {})
    assert client.get("/accounts/2fa/recovery-codes/download/").status_code in (200, 404)
    reauthenticated = client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert reauthenticated.status_code == 302
    client.post("/accounts/2fa/recovery-codes/generate/", {})
    codes = client.get("/accounts/2fa/recovery-codes/download/").content.decode().split()
    assert len(codes) == 10
    for expected in (302, 200):
        other = Client()
        log_in(other, kryspin)
        assert other.post("/accounts/2fa/authenticate/", {"code": codes[0]}).status_code == expected


def test_a_session_that_showed_no_second_factor_is_asked_for_it(kryspin):
    old = Client()
    old.force_login(kryspin)
    answer = old.get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0] == "/accounts/2fa/reauthenticate/?next=/admin/"
    assert old.post("/accounts/2fa/reauthenticate/?next=/admin/", {"code": app_code()}).url == "/admin/"
    assert old.get("/admin/").status_code == 200


def test_admins_way_in_is_nothing_for_others_and_leads_nowhere_else(client, marcus, kryspin):
    client.force_login(marcus)
    assert client.get("/admin/", follow=True).status_code == 404
    client.force_login(kryspin)
    for onward in ("https://evil.example/", "//evil.example", "/admin/login/?next=/admin/login/"):
        assert client.get("/admin/login/", {"next": onward}).url == "/admin/"


def test_guessing_codes_is_stopped(client, kryspin):
    log_in(client, kryspin)
    tries = [
        client.post("/accounts/2fa/authenticate/", {"code": f"{n:06}"}).content.decode().count("many tries")
        for n in range(12)
    ]
    assert tries[0] == 0 and tries[-1] == 1


def test_signing_out_of_the_admin_is_signing_out(client, kryspin):
    client.force_login(kryspin)
    client.post("/admin/logout/")
    assert "_auth_user_id" not in client.session


def test_switching_the_app_off_closes_the_admin_and_is_told_by_mail(client, kryspin):
    log_in(client, kryspin)
    client.post("/accounts/2fa/authenticate/", {"code": app_code()})
    client.post("/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.exists()
    text = Letter.objects.get().text
    assert "If this was not you" in text and "127.0.0.1" not in text
    assert jobs.run_due() == 1


@pytest.mark.parametrize("path", ["", "totp/activate/", "webauthn/", "webauthn/add/"])
def test_a_dancer_may_have_a_second_step_too(client, marcus, path):
    log_in(client, marcus)
    assert client.get(f"/accounts/2fa/{path}").status_code == 200


def test_a_strangers_passkey_is_not_there(client, marcus, kryspin):
    hers = Authenticator.objects.create(user=kryspin, type="webauthn", data={"name": "Key", "credential": {}})
    log_in(client, marcus)
    for path in ("edit", "remove"):
        assert client.get(f"/accounts/2fa/webauthn/keys/{hers.pk}/{path}/").status_code == 404


def test_nonsense_as_a_passkey_is_refused_in_words(client, marcus):
    for credential in ("", "{}", "[]", "nonsense", '{"id":"x","rawId":"eA","type":"public-key","response":{}}'):
        answer = client.post("/accounts/2fa/webauthn/login/", {"credential": credential})
        assert answer.status_code == 302, credential
    log_in(client, marcus)
    client.get("/accounts/2fa/webauthn/add/")
    for credential in ("", "{}", "[]", "nonsense"):
        answer = client.post("/accounts/2fa/webauthn/add/", {"credential": credential})
        assert (answer.status_code, b'class="error"' in answer.content) == (200, True), credential

"""Programs register, confirm and log in people, and take along what their devices collected."""

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.cache import cache
from django.utils import timezone

from accounts.access import guest_key, guest_of
from accounts.actions import make_token, new_guest_secret
from accounts.claim import claim, rotate
from accounts.models import ApiToken, EmailCode, Guest, Letter, LoginEvent, User
from stages.models import Play, Session
from tests.conftest import PASSWORD
from tracks.actions.likes import like
from tracks.models import Like

pytestmark = pytest.mark.django_db
SARAH = "sarah@example.com"
WORDS = "four words of nobody else"


@pytest.fixture(autouse=True)
def _fresh():
    cache.clear()


@pytest.fixture
def ask(client):
    """`ask("auth/confirm", token="", **body)`: (status, answer)."""

    def ask(path, token="", method="post", address="192.0.2.7", **body):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        options = {"content_type": "application/json", "headers": headers, "REMOTE_ADDR": address}
        answer = getattr(client, method)(f"/api/v1/{path}", body, **options)
        return answer.status_code, answer.json() if answer.content else None

    return ask


@pytest.fixture
def register(ask):
    def register(email=SARAH, password=WORDS, **more):
        return ask("auth/register/dancer", email=email, password=password, **more)

    return register


@pytest.fixture
def confirmed(make_user):
    def make(name="sarah"):
        user = make_user(name)
        EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
        return user

    return make


@pytest.fixture
def songs(marcus, stage):
    session = Session.objects.create(code="SET", dj=marcus, dj_name="DJ Marcus", stage=stage)
    now = timezone.now()
    return [Play.objects.create(session=session, title=f"Song {n}", played_at=now, published_at=now) for n in range(7)]


@pytest.fixture
def liking(songs):
    """`liking(5)`: the secret of a device that likes the first five songs."""

    def make(*numbers):
        secret = new_guest_secret()
        for n in numbers:
            like(guest_of(guest_key(secret)), songs[n])
        return secret

    return make


def code_of(email=SARAH):
    """The code in the newest letter."""
    return re.search(r"^    (\w+)$", Letter.objects.filter(to=email).latest("pk").text, flags=re.MULTILINE)[1]


def code_and_words(answer):
    return answer[0], answer[1]["error"]["code"]


# --- Register and confirm ------------------------------------------------------------------------------------
def test_who_registers_confirms_with_the_code_of_the_letter_and_has_her_songs(ask, register, liking):
    phone = liking(0, 1, 2, 3, 4)
    assert register(name="Sarah", guestToken=phone) == (202, {"status": "confirm", "email": SARAH})
    assert Like.objects.filter(guest__user__isnull=False).count() == 0
    its = {"email": SARAH, "code": code_of().lower(), "password": WORDS}
    status, her = ask("auth/confirm", **its, guestToken=phone, deviceName="Her phone")
    assert (status, her["name"], her["roles"], her["isGuestRefused"]) == (200, "Sarah", ["dancer"], False)
    assert her["claimed"] == {"moved": {"likes": 5}, "known": {}}
    assert her["message"] == "5 songs moved to your account."
    assert set(Like.objects.values_list("guest__user__email", flat=True)) == {SARAH}
    assert ask("me", token=her["token"], method="get")[1]["scopes"] == ["songs"]
    assert list(LoginEvent.objects.values_list("how", "device")) == [("program", "Her phone")]
    assert (EmailCode.objects.count(), EmailAddress.objects.get(email=SARAH).verified) == (0, True)


def test_an_address_in_use_is_answered_the_same_and_its_owner_gets_a_letter(register, confirmed):
    confirmed()
    new = register(email="nobody@example.com")
    assert new == (202, {"status": "confirm", "email": "nobody@example.com"})
    assert register(password="another one of four words") == (202, {"status": "confirm", "email": SARAH})
    letters = {letter.to: letter.text for letter in Letter.objects.all()}
    assert "it has an account already" in letters[SARAH]
    assert "/accounts/password/reset/" in letters[SARAH]
    assert User.objects.get(email=SARAH).check_password(PASSWORD)


def test_as_many_hashes_for_an_address_in_use_as_for_a_new_one(ask, register, confirmed, monkeypatch):
    """None to register, one to confirm."""
    confirmed()
    hashed = []
    encode = Argon2PasswordHasher.encode
    monkeypatch.setattr(Argon2PasswordHasher, "encode", lambda *its: hashed.append(1) or encode(*its))
    counts = []
    for email in (SARAH, "new@example.com", "new@example.com"):
        hashed.clear()
        register(email=email)
        counts.append(len(hashed))
        assert ask("auth/confirm", email=email, code="AAAAAA", password=WORDS)[0] == 400
        counts.append(len(hashed))
    assert counts == [0, 1] * 3


def test_an_address_in_use_is_not_mailed_by_strangers_without_end(register, confirmed, settings):
    confirmed()
    for _ in range(settings.LETTERS_PER_EMAIL + 3):
        assert register()[0] == 202
    assert Letter.objects.count() == settings.LETTERS_PER_EMAIL
    for _ in range(8):
        register(email="new@example.com")
    assert Letter.objects.filter(to="new@example.com").count() == 5


def test_a_code_is_guessed_five_times_and_no_more(ask, register):
    register()
    code = code_of()
    wrong = [code_and_words(ask("auth/confirm", email=SARAH, code="AAAAAA", password=WORDS)) for _ in range(5)]
    assert wrong == [(400, "wrong_code")] * 5
    assert code_and_words(ask("auth/confirm", email=SARAH, code=code, password=WORDS)) == (400, "wrong_code")
    assert ask("auth/confirm/resend", email=SARAH) == (202, {"status": "confirm", "email": SARAH})
    assert ask("auth/confirm", email=SARAH, code=code_of(), password=WORDS)[0] == 200


def test_a_code_that_is_too_old_is_refused_as_a_wrong_one_and_as_one_for_nobody(ask, register):
    register()
    EmailCode.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    old = ask("auth/confirm", email=SARAH, code=code_of(), password=WORDS)
    assert old == ask("auth/confirm", email="nobody@example.com", code="AAAAAA", password=WORDS)
    assert code_and_words(old) == (400, "wrong_code")


def test_asking_again_says_the_same_of_any_address_and_mails_only_those_who_wait(ask, register, confirmed):
    confirmed("tom")
    register()
    for email in ("tom@example.com", "nobody@example.com", SARAH):
        assert ask("auth/confirm/resend", email=email) == (202, {"status": "confirm", "email": email})
    assert list(Letter.objects.values_list("to", flat=True)) == [SARAH, SARAH]


def test_what_a_stranger_typed_is_in_no_letter(register):
    register(name="Visit https://evil.example")
    assert "evil" not in Letter.objects.get().text


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"email": "sarah"}, "invalid", "email"),
        ({"email": "sarah@example.com\x00"}, "invalid", "email"),
        ({"email": f"{'x' * 250}@example.com"}, "invalid", "email"),
        ({"password": "short"}, "weak_password", "password"),
        ({"password": "password1234"}, "weak_password", "password"),
        ({"password": "sarah@example.com"}, "weak_password", "password"),
        ({"password": "x" * 201}, "invalid", "password"),
        ({"name": "x" * 81}, "invalid", "name"),
        ({"guestToken": "x" * 201}, "invalid", "guestToken"),
    ],
)
def test_bad_input_is_refused_by_its_field_and_leaves_nothing(register, body, code, field):
    status, answer = register(**body)
    assert (status, answer["error"]["code"], list(answer["error"]["fields"])) == (400, code, [field])
    assert (User.objects.count(), Letter.objects.count()) == (0, 0)


@pytest.mark.parametrize("path", ["auth/register/dancer", "auth/login/dancer", "auth/confirm"])
@pytest.mark.parametrize("token", ["me:forged", "x", "é" * 9])
def test_a_forged_guest_is_refused_everywhere(ask, path, token):
    answer = ask(path, email=SARAH, password=WORDS, code="ABCDEF", guestToken=token)
    assert code_and_words(answer) == (401, "bad_guest")
    assert User.objects.count() == 0


def test_who_registers_on_somebody_elses_device_is_told_so(register, confirmed, liking):
    phone = liking(0)
    claim(confirmed("tom"), guest_key(phone))
    assert code_and_words(register(guestToken=phone)) == (409, "guest_of_another")
    assert not User.objects.filter(email=SARAH).exists()


# --- Log in ------------------------------------------------------------------------------------------------------
def test_each_login_from_a_further_device_brings_its_songs_and_counts(ask, confirmed, liking):
    confirmed()
    first, second = liking(0, 1, 2), liking(2, 3)
    her = ask("auth/login/dancer", email=SARAH.upper(), password=PASSWORD, guestToken=first)
    assert (her[0], her[1]["claimed"]) == (200, {"moved": {"likes": 3}, "known": {}})
    again = ask("auth/login/dancer", email=SARAH, password=PASSWORD, guestToken=second)[1]
    assert again["claimed"] == {"moved": {"likes": 1}, "known": {"likes": 1}}
    assert again["message"] == "1 song moved to your account, 1 you had already."
    assert again["token"] != her[1]["token"]


def test_a_wrong_password_and_an_unknown_address_are_answered_the_same_after_the_same_work(ask, confirmed, monkeypatch):
    confirmed()
    done = []
    for name in ("encode", "verify"):
        real = getattr(Argon2PasswordHasher, name)
        monkeypatch.setattr(Argon2PasswordHasher, name, lambda *its, real=real: done.append(1) or real(*its))
    wrong = ask("auth/login/dancer", email=SARAH, password="not her password")
    assert (code_and_words(wrong), len(done)) == ((401, "wrong_login"), 1)
    assert ask("auth/login/dancer", email="nobody@example.com", password="not her password") == wrong
    assert len(done) == 2
    assert ApiToken.objects.count() == 0


def test_who_was_made_in_the_admin_and_has_not_confirmed_is_sent_a_code(ask):
    User.objects.create_user(SARAH, PASSWORD)
    assert code_and_words(ask("auth/login/dancer", email=SARAH, password=PASSWORD)) == (403, "confirm_first")
    assert ask("auth/confirm", email=SARAH, code=code_of(), password=WORDS)[0] == 200
    assert ask("auth/login/dancer", email=SARAH, password=WORDS)[0] == 200


def test_an_account_with_a_second_factor_gets_no_token_for_a_password(ask, confirmed):
    Authenticator.objects.create(user=confirmed(), type="totp", data={})
    admin = confirmed("kryspin")
    admin.is_staff = True
    admin.save()
    for email in (SARAH, "kryspin@example.com"):
        refused = ask("auth/login/dancer", email=email, password=PASSWORD)
        assert code_and_words(refused) == (403, "second_factor")
    assert ApiToken.objects.count() == 0


def test_nobody_logs_in_to_a_closed_account(ask, confirmed):
    user = confirmed()
    user.is_active = False
    user.save()
    assert code_and_words(ask("auth/login/dancer", email=SARAH, password=PASSWORD)) == (401, "wrong_login")


def test_a_guesser_of_one_account_is_slowed_down_and_told_for_how_long(ask, confirmed, settings):
    settings.LOGINS_PER_EMAIL = 2
    confirmed()
    tries = [ask("auth/login/dancer", email=SARAH, password="not her password") for _ in range(3)]
    assert [status for status, _ in tries] == [401, 401, 429]
    error = tries[-1][1]["error"]
    assert error["message"] == f"That was a lot at once. Try again in {error['retryAfter']} s."


def test_a_login_holds_on_a_device_of_somebody_else_and_its_songs_stay_theirs(ask, confirmed, liking):
    phone = liking(0)
    claim(confirmed("tom"), guest_key(phone))
    confirmed()
    status, her = ask("auth/login/dancer", email=SARAH, password=PASSWORD, guestToken=phone)
    assert (status, her["isGuestRefused"], her["claimed"]) == (200, True, {"moved": {}, "known": {}})
    assert "another account" in her["message"]
    assert Like.objects.get().guest.user.email == "tom@example.com"


@pytest.mark.parametrize(
    "broken", ["accounts.logins.LoginEvent.objects.create", "accounts.letters.Letter.objects.create"]
)
def test_a_login_needs_neither_the_history_nor_the_mail(ask, register, confirmed, monkeypatch, broken):
    def fail(*its, **more):
        raise RuntimeError("the plug is pulled")

    confirmed()
    monkeypatch.setattr(broken, fail)
    assert ask("auth/login/dancer", email=SARAH, password=PASSWORD)[0] == 200
    assert register(email="new@example.com")[0] == 202


# --- Claim -------------------------------------------------------------------------------------------------------
def test_a_program_claims_a_device_once_however_often_it_asks(ask, confirmed, liking):
    token = make_token(confirmed(), "app", ["songs"])[1]
    phone = liking(0, 1)
    first = ask("auth/claim-guest", token=token, guestToken=phone)
    assert first == (
        200,
        {"claimed": {"moved": {"likes": 2}, "known": {}}, "message": "2 songs moved to your account."},
    )
    assert ask("auth/claim-guest", token=token, guestToken=phone)[1]["claimed"] == {"moved": {}, "known": {}}


def test_a_claim_of_somebody_elses_device_is_refused(ask, confirmed, liking):
    phone = liking(0)
    claim(confirmed("tom"), guest_key(phone))
    token = make_token(confirmed(), "app", ["songs"])[1]
    assert code_and_words(ask("auth/claim-guest", token=token, guestToken=phone)) == (409, "guest_of_another")


@pytest.mark.parametrize(
    ("token", "status", "code"), [("", 400, "invalid"), ("x" * 201, 400, "invalid"), ("me:x", 401, "bad_guest")]
)
def test_a_claim_of_no_device_is_refused(ask, confirmed, token, status, code):
    its = make_token(confirmed(), "app", ["songs"])[1]
    assert code_and_words(ask("auth/claim-guest", token=its, guestToken=token)) == (status, code)


def test_only_a_token_for_songs_claims(ask, confirmed, liking):
    token = make_token(confirmed(), "booth", ["live"])[1]
    assert code_and_words(ask("auth/claim-guest", token=token, guestToken=liking(0))) == (403, "no_scope")
    assert ask("auth/claim-guest", guestToken=liking(0))[0] == 401


# --- A device's secret -------------------------------------------------------------------------------------------
def test_a_new_secret_keeps_everything_and_the_old_one_opens_nothing(ask, liking, songs):
    old = liking(0, 1)
    status, answer = ask("guests/rotate", guestToken=old)
    new = answer["guestToken"]
    assert status == 200
    assert Guest.objects.speaking(guest_key(new)).get().likes.count() == 2
    assert list(Guest.objects.speaking(guest_key(old)).filter(likes__isnull=False)) == []
    for path in ("guests/rotate", "auth/claim-guest", "auth/login/dancer"):
        assert ask(path, guestToken=old, email=SARAH, password=WORDS)[0] == 401
    assert ask("guests", method="delete", guestToken=old)[1]["error"]["code"] == "bad_guest"


def test_a_stolen_secret_that_was_changed_cannot_be_claimed(ask, confirmed, liking):
    old = liking(0, 1)
    ask("guests/rotate", guestToken=old)
    status, thief = ask("auth/login/dancer", email=confirmed("tom").email, password=PASSWORD, guestToken=old)
    assert (status, thief["isGuestRefused"], thief["claimed"]["moved"]) == (200, True, {})
    assert Like.objects.filter(guest__user=None).count() == 2


def test_a_claimed_device_with_a_new_secret_is_still_its_users(ask, confirmed, liking, songs):
    phone, sarah = liking(0), confirmed()
    claim(sarah, guest_key(phone))
    new = ask("guests/rotate", guestToken=phone)[1]["guestToken"]
    assert guest_of(guest_key(new)).user == sarah


def test_a_secret_that_is_given_up_takes_its_things_along_but_no_accounts(ask, confirmed, liking):
    alone, hers = liking(0, 1), liking(2)
    claim(confirmed(), guest_key(hers))
    assert [ask("guests", method="delete", guestToken=secret)[0] for secret in (alone, hers)] == [204, 204]
    assert list(Like.objects.values_list("guest__user__email", "play__title")) == [(SARAH, "Song 2")]
    assert ask("guests", method="delete", guestToken=alone)[0] == 401


def test_a_page_changes_its_cookie_without_ever_seeing_it(client, settings):
    client.cookies[settings.GUEST_COOKIE] = old = new_guest_secret()
    answer = client.post("/api/v1/guests/rotate", {}, "application/json", headers={"Origin": "http://testserver"})
    assert (answer.status_code, answer.json()) == (200, {"guestToken": ""})
    new = client.cookies[settings.GUEST_COOKIE]
    assert new.value != old and new["httponly"]
    foreign = client.post("/api/v1/guests/rotate", {}, "application/json", headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 401


# --- Passwords ---------------------------------------------------------------------------------------------------
def test_an_old_hash_is_made_anew_at_the_next_login(ask, confirmed):
    user = confirmed()
    before = Argon2PasswordHasher()
    before.time_cost, before.memory_cost, before.parallelism = 1, 47104, 1
    User.objects.filter(pk=user.pk).update(password=before.encode(PASSWORD, before.salt()))
    assert ask("auth/login/dancer", email=SARAH, password=PASSWORD)[0] == 200
    user.refresh_from_db()
    assert "$m=19456,t=2,p=1$" in user.password
    assert user.check_password(PASSWORD)


def test_a_browser_whose_secret_was_changed_elsewhere_gets_another_one_at_login(client, confirmed, settings):
    client.cookies[settings.GUEST_COOKIE] = old = new_guest_secret()
    rotate(guest_key(old))
    user = confirmed()
    assert client.post("/accounts/login/", {"login": user.email, "password": PASSWORD}).status_code == 302
    new = client.cookies[settings.GUEST_COOKIE].value
    assert (new != old, guest_of(guest_key(new)).user) == (True, user)

"""A stranger signs up with her address before she does: their password opens nothing, and no answer tells of her."""

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.models import EmailCode, Letter, User
from accounts.registration import MOST_CODES, forget_unconfirmed
from tests.cast import code_for
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
SARAH = "sarah@example.com"
HERS, THEIRS = "four words of nobody else", "the guess of a stranger"
LATER = "completely different horses"


@pytest.fixture(autouse=True)
def nothing_counted():
    cache.clear()


@pytest.fixture
def stranger():
    return Client()


def ask(path, **body):
    answer = Client().post(f"/api/v1/auth/{path}", body, "application/json")
    return answer.status_code, answer.json().get("error", {}).get("code", "")


def mailed():
    """The codes for programs, in the order in which they were mailed."""
    texts = Letter.objects.filter(to=SARAH).order_by("pk").values_list("text", flat=True)
    return [found[1] for text in texts if (found := re.search(r"^    (\w+)$", text, flags=re.MULTILINE))]


def sign_up(browser, password, email=SARAH):
    return browser.post("/accounts/signup/", {"email": email, "password1": password})


def confirm(browser, code):
    return browser.post("/accounts/confirm-email/", {"code": code})


def log_in(browser, password, email=SARAH):
    return browser.post("/accounts/login/", {"login": email, "password": password})


def opens(password):
    """What opens her account: on the web and for programs."""
    browser = Client()
    log_in(browser, password)
    return "_auth_user_id" in browser.session, ask("login/dancer", email=SARAH, password=password)[0]


def without_tokens(page, email):
    words = re.sub(r'(name="csrfmiddlewaretoken" value|nonce)="[^"]*"', "", page.content.decode())
    return page.status_code, page.headers.get("Location"), words.replace(email, "X")


def use_reset_link(browser, password):
    browser.post("/accounts/password/reset/", {"email": SARAH})
    text = Letter.objects.filter(to=SARAH, text__contains="/password/reset/key/").latest("pk").text
    link = re.search(r"http\S+/accounts/password/reset/key/\S+", text)[0]
    form = browser.get(link.partition("testserver")[2], follow=True)
    return browser.post(form.redirect_chain[-1][0], {"password1": password, "password2": password})


# --- Programs ------------------------------------------------------------------------------------------------
def test_a_code_mailed_for_a_stranger_opens_the_account_with_the_password_she_types_in():
    for _ in range(MOST_CODES):
        ask("register/dancer", email=SARAH, password=THEIRS)
    ask("register/dancer", email=SARAH, password=HERS)
    assert len(mailed()) == MOST_CODES  # there is none of her own
    assert ask("confirm", email=SARAH, code=mailed()[0], password=HERS) == (200, "")
    assert (opens(HERS), opens(THEIRS)) == ((True, 200), (False, 401))


def test_another_code_does_not_bring_the_password_of_whoever_registered_last():
    ask("register/dancer", email=SARAH, password=HERS)
    ask("register/dancer", email=SARAH, password=THEIRS)
    ask("confirm/resend", email=SARAH)
    assert ask("confirm", email=SARAH, code=mailed()[-1], password=HERS) == (200, "")
    assert (opens(HERS), opens(THEIRS)) == ((True, 200), (False, 401))


def test_a_registration_keeps_no_password_and_confirming_needs_one():
    ask("register/dancer", email=SARAH, password=THEIRS)
    assert not User.objects.get().has_usable_password()
    assert ask("confirm", email=SARAH, code=mailed()[0]) == (400, "invalid")
    assert ask("confirm", email=SARAH, code=mailed()[0], password="password1234") == (400, "weak_password")
    assert EmailCode.objects.get().tries == 0
    assert ask("confirm", email=SARAH, code=mailed()[0], password=HERS) == (200, "")


def test_a_password_like_the_name_of_the_account_is_not_told_apart_from_others():
    name = "Wilhelmina Featherstonehaugh"
    ask("register/dancer", email=SARAH, password=THEIRS, name=name)
    assert ask("confirm", email=SARAH, code="AAAAAA", password=name) == (400, "wrong_code")


def test_register_then_log_in_tells_no_program_whether_an_address_is_in_use(make_user, monkeypatch):
    make_user("marcus")
    done, told = [], []
    for name in ("encode", "verify"):
        real = getattr(Argon2PasswordHasher, name)
        monkeypatch.setattr(Argon2PasswordHasher, name, lambda *its, real=real: done.append(1) or real(*its))
    for email in ("marcus@example.com", SARAH, "nobody@example.com"):
        if email != "nobody@example.com":
            assert ask("register/dancer", email=email, password=THEIRS) == (202, "")
        done.clear()
        told.append((ask("login/dancer", email=email, password=THEIRS), len(done)))
    assert told == [((401, "wrong_login"), 1)] * 3


def test_a_code_for_a_program_is_nothing_once_the_address_was_confirmed_on_the_web(client):
    ask("register/dancer", email=SARAH, password=THEIRS)
    code = mailed()[0]
    sign_up(client, HERS)
    confirm(client, code_for(SARAH))
    assert ask("confirm", email=SARAH, code=code, password=THEIRS) == (400, "wrong_code")
    assert (opens(HERS), opens(THEIRS)) == ((True, 200), (False, 401))


# --- Pages ---------------------------------------------------------------------------------------------------
def test_who_signs_up_and_confirms_stays_logged_in_on_the_next_page(client):
    sign_up(client, HERS)
    assert not User.objects.get().has_usable_password()
    assert confirm(client, code_for(SARAH)).status_code == 302
    assert client.get("/me/").status_code == 200
    assert "chosen_password" not in client.session
    assert opens(HERS) == (True, 200)


def test_after_a_stranger_signed_up_hers_opens_the_account(client, stranger):
    sign_up(stranger, THEIRS)
    sign_up(client, HERS)
    assert confirm(client, code_for(SARAH)).status_code == 302
    assert client.get("/me/").status_code == 200
    assert (opens(HERS), opens(THEIRS)) == ((True, 200), (False, 401))


def test_a_stranger_who_signs_up_after_her_changes_nothing(client, stranger):
    sign_up(client, HERS)
    hers = code_for(SARAH)
    sign_up(stranger, THEIRS)
    theirs = code_for(SARAH)
    confirm(client, hers)
    assert client.get("/me/").status_code == 200
    confirm(stranger, theirs)  # even if she had told them
    assert stranger.get("/me/").status_code == 302
    assert (opens(HERS), opens(THEIRS)) == ((True, 200), (False, 401))


def test_after_a_registration_by_a_stranger_she_signs_up_on_the_web(client):
    ask("register/dancer", email=SARAH, password=THEIRS)
    sign_up(client, HERS)
    confirm(client, code_for(SARAH))
    assert client.get("/me/").status_code == 200
    assert (opens(HERS), opens(THEIRS)) == ((True, 200), (False, 401))


def test_sign_up_then_log_in_tells_no_browser_whether_an_address_is_in_use(make_user, monkeypatch):
    make_user("marcus")
    done, pages = [], []
    for name in ("encode", "verify"):
        real = getattr(Argon2PasswordHasher, name)
        monkeypatch.setattr(Argon2PasswordHasher, name, lambda *its, real=real: done.append(1) or real(*its))
    for email in ("marcus@example.com", SARAH, SARAH):
        browser = Client()
        done.clear()
        signed_up = without_tokens(sign_up(browser, THEIRS, email), email)
        waiting = without_tokens(browser.get("/accounts/confirm-email/"), email)
        hashes = len(done)
        done.clear()
        logged_in = without_tokens(log_in(Client(), THEIRS, email), email)
        pages.append((signed_up, waiting, hashes, logged_in, len(done)))
    assert pages[0] == pages[1] == pages[2]
    assert [page[2::2] for page in pages] == [(1, 1)] * 3
    assert "Email and password do not belong together." in pages[0][3][2]


def test_who_never_confirmed_chooses_a_password_by_mail_and_that_confirms(client, stranger):
    sign_up(stranger, THEIRS)
    theirs = code_for(SARAH)
    use_reset_link(client, LATER)
    assert EmailAddress.objects.get().verified
    assert (opens(LATER), opens(THEIRS)) == ((True, 200), (False, 401))
    confirm(stranger, theirs)
    assert (opens(LATER), opens(THEIRS)) == ((True, 200), (False, 401))


def test_what_nobody_confirms_is_forgotten_after_a_month_and_nobody_else_is(client, stranger, make_user):
    sign_up(stranger, THEIRS)
    ask("register/dancer", email="other@example.com", password=THEIRS)
    sarah, admins_own = make_user("lena"), User.objects.create_user("made@example.com", PASSWORD)
    User.objects.update(date_joined=timezone.now() - timedelta(days=31))
    sign_up(client, HERS, "new@example.com")
    forget_unconfirmed()
    kept = {sarah.email, admins_own.email, "new@example.com"}
    assert set(User.objects.values_list("email", flat=True)) == kept
    assert sign_up(stranger, HERS).status_code == 302  # and the address is free for whoever has it


def test_a_password_by_mail_is_for_registrations_of_programs_too(client):
    ask("register/dancer", email=SARAH, password=THEIRS)
    use_reset_link(client, LATER)
    assert opens(LATER) == (True, 200)


def test_a_link_confirms_no_address_when_the_account_has_several(client):
    user = User.objects.create_user(SARAH, PASSWORD)
    EmailAddress.objects.create(user=user, email="other@example.com")
    use_reset_link(client, LATER)
    assert not EmailAddress.objects.filter(verified=True).exists()


def test_what_she_chose_by_mail_holds_against_what_she_chose_when_she_signed_up(client):
    sign_up(client, HERS)
    code = code_for(SARAH)
    use_reset_link(client, LATER)
    confirm(client, code)
    assert (opens(LATER), opens(HERS)) == ((True, 200), (False, 401))
    log_in(client, LATER)
    client.post("/accounts/email/", {"email": "new@example.com", "action_add": ""})
    confirm(client, code_for("new@example.com"))
    assert EmailAddress.objects.filter(verified=True).count() == 2
    assert (opens(LATER), opens(HERS)) == ((True, 200), (False, 401))

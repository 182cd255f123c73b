"""The first page after the login: what happened, what comes next, songs, numbers, sets; and who may go live."""

import re
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import LoginEvent, UserSettings
from stages.actions.floor import follow_all
from stages.models import Announcement, Release, Slot, Star
from stages.serializers import iso
from tracks import panels

pytestmark = pytest.mark.django_db
PAGE = "/me/"


def words(answer):
    """What a person reads on it."""
    main = re.search(r"<main.*?</main>", answer.content.decode(), flags=re.S)[0]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def shown(answer):
    return re.findall(r'id="panel-(\w+)"', answer.content.decode())


def logged_in_before(user, days=3):
    now = timezone.now()
    LoginEvent.objects.create(user=user, logged_in_at=now - timedelta(days=days))
    LoginEvent.objects.create(user=user, logged_in_at=now)


def test_who_is_new_is_told_what_to_do_next(sarah, user):
    sarah.log_in(user)
    page = words(sarah.get(PAGE))
    assert shown(sarah.get(PAGE)) == ["news", "next", "songs", "numbers"]
    for said in ("Hello Sarah", "Welcome! From your next visit on", "Tap ☆ in a timetable", "Scan the QR on a floor"):
        assert said in page
    assert "To the booth" not in page


def test_news_since_the_login_before(sarah, user, event, stage, stranger, elena):
    now = timezone.now()
    sarah.log_in(user)
    follow_all({(sarah.key, stage.code): now - timedelta(days=5)})
    logged_in_before(user)
    told = {"event": event, "ends_at": now, "author": elena}
    Announcement.objects.create(message="Soup is ready", created_at=now - timedelta(days=1), **told)
    Announcement.objects.create(message="Long ago", created_at=now - timedelta(days=4), **told)
    Announcement.objects.create(message="Taken back", cancelled_at=now, **told)
    side = {
        "stageId": stage.code,
        "stageName": "Main Floor",
        "startsAt": iso(now + timedelta(hours=5)),
        "endsAt": iso(now + timedelta(hours=6)),
        "djName": "Ana",
        "title": "",
        "kind": "social",
    }
    change = {"slotId": "x", "change": "new", "from": None, "to": side}
    Release.objects.create(event=event, changes=[change], published_at=now - timedelta(hours=2))
    page = words(sarah.get(PAGE))
    assert "You were here 3 days ago." in page
    assert "Soup is ready" in page
    assert "Main Floor: new: Ana" in page
    assert "Long ago" not in page
    assert "Taken back" not in page


def test_what_comes_next_are_her_stars(sarah, user, stage, ana):
    soon = timezone.now() + timedelta(hours=1)
    hers = Slot.objects.create(stage=stage, dj=ana, dj_name="Ana", starts_at=soon, ends_at=soon + timedelta(hours=1))
    Slot.objects.create(stage=stage, dj_name="Jun", starts_at=soon, ends_at=soon + timedelta(hours=1))
    Star.objects.create(guest=sarah.guest, slot=hers)
    sarah.log_in(user)
    page = words(sarah.get(PAGE))
    assert "Ana ★" in page
    assert "Jun" not in page
    assert re.search(r"\b[A-Z][a-z], \d{1,2}\. [A-Z]", words(sarah.get(PAGE, headers={"Accept-Language": "de"})))


def test_the_days_are_said_in_her_language(sarah, user, stage):
    night = datetime(2037, 3, 6, 22, tzinfo=stage.event.zone)
    slot = Slot.objects.create(stage=stage, dj_name="Ana", starts_at=night, ends_at=night + timedelta(hours=1))
    Star.objects.create(guest=sarah.guest, slot=slot)
    sarah.log_in(user)
    page = words(sarah.get(PAGE, headers={"Accept-Language": "de"}))
    assert "Fr, 6. März, 22:00–23:00" in page


def test_a_dj_sees_own_slots_and_last_sets(phone_of, marcus, stage, a_set, a_play, love, sarah):
    his, now = phone_of(), timezone.now()
    his.log_in(marcus)
    Slot.objects.create(stage=stage, dj=marcus, dj_name="Marcus", starts_at=now, ends_at=now + timedelta(hours=1))
    session = a_set(stage)
    session.ended_at = session.started_at + timedelta(hours=2)
    session.save()
    love(sarah, a_play(session, minutes=5))
    a_play(session, minutes=9)
    a_play(session, minutes=12, is_hidden=True)
    follow_all({(sarah.key, stage.code): session.started_at + timedelta(minutes=3)})
    answer = his.get(PAGE)
    assert shown(answer)[-1] == "sets"
    assert "2 songs · 1 heart · 1 listener" in words(answer)
    assert "Marcus You play Now" in words(answer)
    assert 'href="/booth/">To the booth' in answer.content.decode()


def test_numbers(sarah, user, stage, other_stage, a_set, a_play, love, ana):
    love(sarah, a_play(a_set(stage), "One"))
    love(sarah, a_play(a_set(other_stage, ana), "Two"))
    at = timezone.now().replace(hour=12)
    follow_all({(sarah.key, stage.code): at, (sarah.key, other_stage.code): at})
    follow_all({(sarah.key, stage.code): at - timedelta(days=1)})
    sarah.log_in(user)
    assert panels.numbers(panels.Who(user, user.guest)) == {"songs": 2, "djs": 2, "nights": 2, "events": 1}


def test_parts_that_were_hidden_are_not_there(sarah, user):
    UserSettings.objects.create(user=user, hidden_panels=["news", "numbers", "what is this"])
    sarah.log_in(user)
    assert shown(sarah.get(PAGE)) == ["next", "songs"]
    UserSettings.objects.update(hidden_panels=[panel.value for panel in UserSettings.Panel])
    assert "You hid every part of this page" in words(sarah.get(PAGE))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", ["accounts_loginevent", "stages_visit", "accounts_usersettings", "stages_star"])
def test_when_a_part_is_broken_the_others_are_there(sarah, user, table):
    sarah.log_in(user)
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO broken")
    try:
        answer = sarah.get(PAGE)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE broken RENAME TO {table}")
    assert (answer.status_code, shown(answer)) == (200, ["news", "next", "songs", "numbers"])
    is_a_part = table != "accounts_usersettings"
    assert words(answer).count("This part is not there right now") == int(is_a_part)


def test_thirty_of_everything_cost_as_many_questions_as_one(phone_of, marcus, stage, a_set, a_play, love):
    his = phone_of()
    love(his, a_play(a_set(stage)))
    logged_in_before(marcus)
    his.log_in(marcus)
    now = timezone.now()

    def more(n):
        love(his, a_play(a_set(), f"Song {n}", minutes=n))
        Slot.objects.create(stage=stage, dj=marcus, starts_at=now, ends_at=now + timedelta(hours=1 + n))
        Announcement.objects.create(event=stage.event, message=f"News {n}", ends_at=now)

    follow_all({(his.key, stage.code): now})
    more(0)
    with CaptureQueriesContext(connection) as few:
        his.get(PAGE)
    for n in range(1, 30):
        more(n)
    with CaptureQueriesContext(connection) as many:
        his.get(PAGE)
    assert len(many) <= len(few) + panels.MOST_SETS - 1
    assert len(few) <= 20


def test_a_login_leads_here_and_to_the_booth_only_djs(client, make_user, marcus):
    nobody = make_user("nobody")
    client.force_login(nobody, backend="allauth.account.auth_backends.AuthenticationBackend")
    for path in ("/booth/", "/accounts/tokens/"):
        page = client.get(path).content.decode()
        assert "Are you a DJ?" in page
        assert f'<input type="hidden" name="next" value="{path}">' in page
    client.post("/accounts/tokens/", {"name": "sneaky"})
    assert nobody.api_tokens.count() == 0
    answer = client.post("/me/profile/dj", {"is_dj": "yes", "next": "/booth/"})
    assert answer["Location"] == "/booth/"
    assert "Go live" in client.get("/booth/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_who_is_no_dj_does_not_go_live_on_any_wire(server, client, make_user, token_of, stage):
    from tests.cast import Dj

    tom = make_user("tom")
    program = Dj(server.ws)
    answer = program.go_live(token_of(tom))
    assert (answer["type"], answer["code"]) == ("NACK", "no_dj")
    assert answer["error"] == "Going live is for DJs. Are you one? Say so in your profile, it is one tap."
    headers = {"Authorization": f"Bearer {token_of(tom)}"}
    answer = client.post("/api/v1/sessions", {}, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "no_dj")
    program.close()

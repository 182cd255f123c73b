"""Everything we know about somebody, in one ZIP that opens as what it says it is."""

import csv
import io
import json
import tracemalloc
import zipfile

import pytest
from django.apps import apps
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import personal
from accounts.access import guest_key, guest_of
from accounts.actions import make_token, new_guest_secret
from accounts.claim import claim, home_of
from accounts.export import export_data
from accounts.models import Guest, LoginEvent, PushSubscription, User
from pika.spreadsheet import safe
from stages.models import Play, Session
from tests.crowds import copies
from tracks.models import Like

pytestmark = pytest.mark.django_db


@pytest.fixture
def sarah(make_user):
    return make_user("sarah")


@pytest.fixture
def here(client, sarah):
    cache.clear()
    client.force_login(sarah)
    return client


@pytest.fixture
def session(marcus, stage):
    return Session.objects.create(code="SET", dj=marcus, dj_name="DJ Marcus", stage=stage)


def like(user, session, title, note=""):
    now = timezone.now()
    play = Play.objects.create(session=session, title=title, artist="Somebody", played_at=now, published_at=now)
    return Like.objects.create(guest=home_of(user), play=play, note=note)


def opened(answer):
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    return archive


def as_json(archive, name):
    return json.loads(archive.read(f"{name}.json"))


def as_csv(archive, name):
    return list(csv.DictReader(io.StringIO(archive.read(f"{name}.csv").decode("utf-8-sig"))))


def test_the_page_says_what_one_gets_and_the_zip_has_it(here, sarah, session):
    like(sarah, session, "Für Elise 🎹", "slow")
    assert "Get the ZIP" in here.get("/me/export").content.decode()
    answer = here.post("/me/export")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    assert answer["Content-Disposition"] == f'attachment; filename="pika-{timezone.now():%Y-%m-%d}.zip"'
    archive = opened(answer)
    assert sorted(archive.namelist()) == sorted(
        f"{name}.{kind}" for name in personal.sections for kind in ("csv", "json")
    )
    assert [row["email"] for row in as_json(archive, "profile")] == ["sarah@example.com"]
    mine = [(row["title"], row["note"], row["dj"], row["event"]) for row in as_json(archive, "likes")]
    assert mine == [("Für Elise 🎹", "slow", "DJ Marcus", "WCS Budapest")]
    assert [(row["title"], row["note"]) for row in as_csv(archive, "likes")] == [("Für Elise 🎹", "slow")]


def test_no_cell_is_a_formula(here, sarah, session):
    for title in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "fine - really"):
        like(sarah, session, title)
    titles = [row["title"] for row in as_csv(opened(here.post("/me/export")), "likes")]
    assert titles == ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\t=1", "fine - really"]
    assert [safe(cell) for cell in (-1, 1.5, None, "", "a")] == ["-1", "1.5", "", "", "a"]


def test_no_secret_is_in_it(here, sarah):
    key = guest_key(new_guest_secret())
    claim(sarah, key)
    row, token = make_token(sarah, "laptop")
    endpoint = "https://fcm.googleapis.com/fcm/send/her-secret"
    PushSubscription.objects.create(guest=guest_of(key), endpoint=endpoint, endpoint_hash="h", p256dh="pub", auth="aut")
    LoginEvent.objects.create(user=sarah, device="Chrome on Android", session_key=here.session.session_key)
    archive = opened(here.post("/me/export"))
    everything = b"".join(archive.read(name) for name in archive.namelist()).decode()
    secrets = [token, row.key, "her-secret", sarah.password, here.session.session_key, key, home_of(sarah).key]
    assert [secret for secret in secrets if secret in everything] == []
    assert [it["service"] for it in as_json(archive, "notifications")] == ["fcm.googleapis.com"]
    assert [(it["name"], it["begins_with"]) for it in as_json(archive, "programs")] == [("laptop", row.prefix)]


def test_nothing_of_anybody_else_is_in_it(here, sarah, session, marcus, elena, organizer):
    like(marcus, session, "His")
    LoginEvent.objects.create(user=marcus, device="Safari on Mac")
    archive = opened(here.post("/me/export"))
    filled = {name for name in personal.sections if as_json(archive, name)}
    assert filled - {"devices"} == {"email_addresses", "profile", "settings"}


def test_somebody_with_nothing_gets_files_that_say_so(here):
    archive = opened(here.post("/me/export"))
    assert (as_json(archive, "likes"), archive.read("likes.csv")) == ([], b"")


def test_every_table_that_knows_a_person_is_handed_out_or_named_with_a_reason():
    """A table that is added later and leads to a user or a guest is in a section of its app's `personal.py`."""
    people = {User, Guest}
    knowing = {
        model._meta.label
        for model in apps.get_models(include_auto_created=True)
        if any(field.related_model in people for field in model._meta.concrete_fields)
    }
    knowing |= {"accounts.User"}
    assert sorted(knowing - set(personal.tables)) == [], "register it: see accounts/personal.py"
    reasons = {name for name in personal.tables.values() if name.startswith("(")}
    assert {name for name in personal.tables.values() if name not in reasons} <= set(personal.sections)


def test_more_than_five_an_hour_are_refused_in_words(here):
    assert [here.post("/me/export").status_code for _ in range(6)] == [200] * 5 + [429]
    answer = here.post("/me/export")
    assert "You took five copies within the last hour. Try again in" in answer.content.decode()
    assert 0 < int(answer["Retry-After"]) <= 3601


def test_50_000_likes_take_bounded_memory_and_few_queries(sarah, session, analyze):
    cache.clear()
    now, home = timezone.now(), home_of(sarah)
    one = Play.objects.create(session=session, title="Song", artist="Somebody", played_at=now)
    loved = Like.objects.create(guest=home, play=one)
    with CaptureQueriesContext(connection) as once:
        export_data(sarah).close()
    copies(one, 50_000, title="'Song ' || n")
    copies(loved, 50_000, play_id=f"{one.pk} + n")
    analyze()
    tracemalloc.start()
    with CaptureQueriesContext(connection) as often, export_data(sarah) as packed:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        archive = zipfile.ZipFile(packed)
        rows = sum(1 for _ in io.TextIOWrapper(archive.open("likes.csv"), "utf-8"))
    assert (rows, len(often) <= len(once) + 2) == (50_002, True)
    assert peak < 40 * 1024 * 1024, f"{peak / 1024 / 1024:.0f} MiB"

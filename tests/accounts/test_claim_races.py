"""Claims under fire: two at once, likes that pour in meanwhile, a connection that dies in the middle, ten thousand."""

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import claim as claims
from accounts.access import guest_key, guest_of
from accounts.actions import new_guest_secret
from accounts.claim import belongings, claim, gather
from accounts.deletion import delete_account
from accounts.models import Guest, Letter, User
from pika.errors import Problem
from pika.jobs.models import Job
from stages.actions.sessions import go_live
from stages.models import Play, Session
from tracks.actions.likes import like, like_all
from tracks.models import Like

pytestmark = pytest.mark.django_db(transaction=True)
MOST = 10_000


@pytest.fixture
def sarah(make_user):
    return make_user("sarah")


@pytest.fixture
def tom(make_user):
    return make_user("tom")


@pytest.fixture
def songs(marcus, stage):
    """`songs(7)`: so many plays."""
    session = Session.objects.create(code="SET", dj=marcus, dj_name="DJ Marcus", stage=stage)

    def play(number):
        now = timezone.now()
        return Play.objects.bulk_create(
            Play(session=session, title=f"Song {n}", played_at=now, published_at=now) for n in range(number)
        )

    return play


def device():
    return guest_key(new_guest_secret())


def at_once(*works):
    """All in threads of their own, begun together: what each gave, or the exception it raised."""
    gate = threading.Barrier(len(works))

    def run(work):
        try:
            gate.wait(20)
            return work()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_of_two_people_who_claim_a_device_at_once_one_has_it_all(sarah, tom, songs):
    for _ in range(5):
        key = device()
        like_all(guest_of(key), songs(3))
        results = at_once(lambda key=key: claim(sarah, key), lambda key=key: claim(tom, key))
        lost, won = sorted(results, key=lambda its: not isinstance(its, Problem))
        assert (lost.code, lost.status, won.moved["likes"]) == ("guest_of_another", 409, 3)
        owners = set(Like.objects.values_list("guest__user", flat=True))
        assert owners == {Guest.objects.get(key=key).home.user_id}
        Like.objects.all().delete()
        Play.objects.all().delete()


def test_the_same_claim_from_four_threads_moves_everything_once(sarah, songs):
    key = device()
    like_all(guest_of(key), songs(20))
    results = at_once(*[lambda: claim(sarah, key)] * 4)
    assert sorted(its.moved["likes"] for its in results) == [0, 0, 0, 20]
    assert [sum(its.known.values()) for its in results] == [0] * 4
    assert Like.objects.filter(guest__user=sarah).count() == 20


def test_two_devices_of_one_person_at_once_become_one(sarah, songs):
    phone, tablet, plays = device(), device(), songs(10)
    like_all(guest_of(phone), plays[:7])
    like_all(guest_of(tablet), plays[4:])
    results = at_once(lambda: claim(sarah, phone), lambda: claim(sarah, tablet))
    assert sum(its.moved["likes"] for its in results) == 10
    assert sum(its.known["likes"] for its in results) == 3
    assert (Like.objects.count(), Guest.objects.filter(user=sarah).count()) == (10, 1)


def test_of_likes_that_pour_in_while_the_device_is_claimed_none_is_lost(sarah, songs):
    key, plays = device(), songs(60)
    guest_of(key)
    heard = [lambda part=plays[n::3]: [like(guest_of(key), play) for play in part] for n in range(3)]
    results = at_once(*heard, lambda: claim(sarah, key))
    assert [its for its in results if isinstance(its, Exception)] == []
    gather(Guest.objects.get(key=key).pk)
    assert Like.objects.filter(guest__user=sarah).count() == 60
    assert Job.objects.filter(kind="gather_guest", state="queued").count() == 1


def test_a_connection_that_dies_in_the_middle_of_a_claim_leaves_everything_as_it_was(sarah, songs, monkeypatch):
    if connection.vendor != "postgresql":
        warnings.warn("NO POSTGRES: nothing is tested of a connection that dies in a claim", stacklevel=1)
        pytest.skip("SQLite has no connection that could die")
    key = device()
    like_all(guest_of(key), songs(50))
    # After the likes have moved, and after each of the other tables: as if the server were restarted there.
    for last in belongings():
        with monkeypatch.context() as patch:
            real = claims._drop_twins

            def die(model, *its, last=last, real=real):
                if model is belongings()[last]:
                    with connection.cursor() as cursor:
                        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
                return real(model, *its)

            patch.setattr(claims, "_drop_twins", die)
            with pytest.raises(OperationalError):
                claim(sarah, key)
        connection.close()
        assert Guest.objects.get(key=key).home is None
        assert set(Like.objects.values_list("guest__key", flat=True)) == {key}
        assert not Job.objects.filter(kind="gather_guest").exists()
    assert claim(sarah, key).moved["likes"] == 50


def test_ten_thousand_likes_are_claimed_with_as_many_statements_as_ten(sarah, tom, songs):
    counts = {}
    for person, number in ((sarah, 10), (tom, MOST)):
        phone, tablet, plays = device(), device(), songs(number)
        for key in (phone, tablet):
            guest = guest_of(key)
            Like.objects.bulk_create([Like(guest=guest, play=play) for play in plays[: number if key == phone else 5]])
        claim(person, phone)
        claim(person, device())  # warm
        with CaptureQueriesContext(
            connection,
        ) as asked:
            claimed = claim(person, tablet)
        counts[number] = len(asked)
        assert (claimed.moved["likes"], claimed.known["likes"]) == (0, 5)
        fresh = device()
        Like.objects.filter(guest__user=person).update(guest=guest_of(fresh))
        with CaptureQueriesContext(connection) as asked:
            assert claim(person, fresh).moved["likes"] == number
        counts[f"{number} moved"] = len(asked)
        assert Like.objects.filter(guest__user=person).count() == number
    assert (counts[10], counts["10 moved"]) == (counts[MOST], counts[f"{MOST} moved"])


def test_a_hundred_offline_likes_cost_as_many_statements_as_ten(songs):
    few, many = songs(10), songs(100)
    key, counts = device(), []
    guest = guest_of(key)
    for plays in (few, many):
        with CaptureQueriesContext(connection) as asked:
            assert like_all(guest, plays) == len(plays)
        counts.append(len(asked))
    assert counts[0] == counts[1] < 15


def test_the_same_offline_likes_twice_at_once_are_counted_once(songs):
    plays, guest = songs(50), guest_of(device())
    assert sorted(at_once(*[lambda: like_all(guest, plays)] * 3)) == [0, 0, 50]
    assert Like.objects.count() == 50


def test_the_same_registration_twice_at_once_is_one_account_and_each_code_holds(server):
    cache.clear()
    body = {"email": "sarah@example.com", "password": "four words of nobody else"}

    def register():
        return Client().post("/api/v1/auth/register/dancer", body, "application/json").status_code

    assert at_once(*[register] * 4) == [202] * 4
    assert list(User.objects.filter(email=body["email"]).values_list("is_active", flat=True)) == [True]
    code = Letter.objects.latest("pk").text.split("    ")[1].split()[0]
    answer = Client().post("/api/v1/auth/confirm", body | {"code": code}, "application/json")
    assert (answer.status_code, answer.json()["email"]) == (200, body["email"])


def test_a_secret_that_is_changed_twice_at_once_is_changed_once(songs):
    key = device()
    like_all(guest_of(key), songs(5))
    results = at_once(*[lambda: claims.rotate(key)] * 3)
    won = [its for its in results if isinstance(its, str)]
    assert [its.code for its in results if not isinstance(its, str)] == ["bad_guest"] * 2
    assert Like.objects.filter(guest__key=guest_key(won[0])).count() == 5


def test_of_going_live_and_deleting_the_account_at_once_one_is_done(make_user, stage):
    """A set of nobody's is never live, and no floor says a name that is gone."""
    for n in range(5):
        dj = make_user(f"dj{n}", is_dj=True)
        before = User.objects.get(pk=dj.pk)
        live, gone = at_once(lambda before=before: go_live(before, stage=stage), lambda dj=dj: delete_account(dj))
        dj.refresh_from_db()
        assert isinstance(live, Problem) != isinstance(gone, Problem), (live, gone)
        assert Session.objects.filter(dj=dj).exists() is (dj.deleted_at is None)

"""A worker killed with SIGKILL in the middle of an export, again and again: one playlist, exact."""

import time

import pytest
from django.conf import settings
from django.utils import timezone

from pika.jobs.models import Job
from playlists.models import Export
from tests.processes import worker
from tests.spotify.conftest import link
from tests.spotify.standin import CLIENT, SECRET
from tests.spotify.test_exports import export, fresh, wanted
from tests.spotify.test_rewriting import many

LONG = 180


def exporter():
    env = {
        "PIKA_FIELD_KEYS": ",".join(settings.FIELD_KEYS),
        "PIKA_SPOTIFY": "",
        "PIKA_SPOTIFY_CLIENT_ID": CLIENT,
        "PIKA_SPOTIFY_CLIENT_SECRET": SECRET,
        "PIKA_SPOTIFY_API_URL": settings.SPOTIFY_API_URL,
        "PIKA_SPOTIFY_ACCOUNTS_URL": settings.SPOTIFY_ACCOUNTS_URL,
    }
    return worker(env)


@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_leaves_one_exact_playlist_to_the_next(standin, marcus):
    link(standin, marcus)
    its = export(marcus, wanted(*range(450)))
    # The moment a call has had its effect, and its answer is not yet written down.
    deaths = ["/me/playlists", "/items", "/items"]
    reached = []

    def die(call):
        if deaths and call.method != "GET" and call.path.endswith(deaths[0]):
            reached.append(deaths.pop(0))
            process.kill()

    standin.after_effect = die
    began, process = time.monotonic(), exporter()
    try:
        while fresh(its).state != "done":
            assert time.monotonic() < began + LONG
            if process.poll() is not None:
                Job.objects.filter(state="running").update(lease_until=timezone.now())  # ten minutes have passed
                process = exporter()
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    assert reached == ["/me/playlists", "/items", "/items"]
    assert [playlist.uris for playlist in standin.playlists.values()] == [many(450)]
    assert Export.objects.count() == 1

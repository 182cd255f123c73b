"""What an operator can see of the floor, and nobody else."""

import pytest

pytestmark = pytest.mark.django_db


def test_the_neighbours_see_the_floor(client):
    page = client.get("/metrics").content.decode()
    names = ("lost", "late", "dropped", "resumed", "refreshed")
    assert [name for name in names if f"pika_live_{name}_total " in page] == list(names)
    assert "pika_live_sockets " in page


def test_the_open_internet_does_not(client):
    assert client.get("/metrics", REMOTE_ADDR="8.8.8.8").status_code == 404

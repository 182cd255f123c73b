"""Clients that others wrote: the `websockets` package of Python and the `ws` package of node."""

import contextlib
import json
import shutil
import subprocess
import warnings
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.cast import PATIENCE

WS = "ws@8"


def told(socket):
    said = json.loads(socket.recv(timeout=PATIENCE))
    return f"{said['type']} {said['code']}" if said["type"] == "NACK" else said["type"]


def closed(socket):
    with pytest.raises(ConnectionClosed) as over:
        socket.recv(timeout=PATIENCE)
    return over.value.rcvd.code


# --- websockets --------------------------------------------------------------------------------------------
@pytest.fixture
def socket(house):
    with connect(house.ws) as it:
        yield it


def test_websockets_text_of_every_size(socket):
    for size in (15, 125, 126, 127, 128, 1_024, 10_240):
        socket.send('{"type":"PING"}' + " " * (size - 15))
        assert told(socket) == "PONG"


def test_websockets_fragments_and_pings_between_them(socket):
    def parts():
        yield '{"type":'
        assert socket.ping("between").wait(PATIENCE)
        yield '"PI'
        yield 'NG"}'

    socket.send(parts())
    assert told(socket) == "PONG"


def test_websockets_binary_is_refused_in_words(socket):
    socket.send(b"\x00\xff")
    assert told(socket) == "NACK not_json"


@pytest.mark.parametrize("size", [10_241, 65_536, 1_000_000])
def test_websockets_too_big(socket, size):
    with contextlib.suppress(ConnectionClosed):  # it may be hung up on before all of it was sent
        socket.send("x" * size)
    assert closed(socket) == 1009


def test_websockets_close(socket):
    socket.close(4000, "bye")
    assert (socket.close_code, socket.close_reason) == (4000, "bye")


def test_websockets_gets_no_compression_and_no_subprotocol(house):
    with connect(house.ws, compression="deflate", subprotocols=["chat"]) as socket:
        socket.send('{"type":"PING"}')
        assert (told(socket), socket.subprotocol, socket.protocol.extensions) == ("PONG", None, [])


@pytest.mark.parametrize("path", ["/", "/ws/nowhere", "/%00"])
def test_websockets_at_an_unknown_path_is_refused(house, path):
    with pytest.raises(InvalidStatus) as refused:
        connect(house.ws.removesuffix("/ws") + path)
    assert refused.value.response.status_code in {400, 403, 404}


# --- ws ------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="session")
def node(tmp_path_factory):
    """A folder with `ws` and our script in it; says loudly when it cannot be had."""
    if not (shutil.which("node") and shutil.which("npm")):
        missing("no node or npm on PATH")
    folder = tmp_path_factory.mktemp("node")
    install = ["npm", "install", WS, "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        missing(f"npm install {WS} failed: {done.stderr.strip()[-300:]}")
    shutil.copy(Path(__file__).with_name("clients.js"), folder)
    return folder


def missing(reason):
    warnings.warn(f"NO NODE CLIENT: {reason}", stacklevel=2)
    pytest.skip(f"the client of node is not tried: {reason}")


PONG = ["PONG", "close 1000"]
HEARD = {
    **{f"text with {size} bytes more": PONG for size in (0, 100, 125, 126, 127, 1024, 10000)},
    "binary": ["NACK not_json", "close 1000"],
    "empty text": ["NACK not_json", "close 1000"],
    **{f"ping of {size}": [f"pong {size}", "close 1000"] for size in (0, 1, 125)},
    "pong unasked": PONG,
    "fragments": ["pong 3", "PONG", "close 1000"],
    "too big": ["close 1009"],
    "too big in fragments": ["close 1009"],
    **{f"close with {code}": [f"close {code}"] for code in (1000, 1001, 3000, 4999)},
    "close without a code": ["close 1005"],
    "compression and subprotocol offered": PONG,
    "a foreign page": ["HTTP 403", "close 1006"],
    "a page of ours": PONG,
    "another version": ["HTTP 400", "close 1006"],
    "subscribe": ["SNAPSHOT", "ACK", "close 1000"],
    "20 messages at once": ["PONG"] * 20 + ["close 1000"],
}


def test_node_hears_what_it_should(house, node):
    command = ["node", "clients.js", house.ws, house.stages[1]]
    done = subprocess.run(command, cwd=node, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    # A total of the floor may come at any moment.
    heard = {line["name"]: [what for what in line["heard"] if what != "LISTENER_COUNT"] for line in lines}
    if heard["another version"][0] == "HTTP 426":  # the other right word for it
        heard["another version"][0] = "HTTP 400"
    if house.way == "ordinary":  # uvicorn's own class hangs up with unread bytes, and the reset may overtake its close
        for name in ("too big", "too big in fragments"):
            heard[name] = [{"close 1006": "close 1009"}.get(what, what) for what in heard[name] if "ECONN" not in what]
    assert heard == HEARD
    assert {(line["extensions"], line["protocol"]) for line in lines} == {("", "")}


def test_it_is_well_after_all_that(house):
    house.assert_well()

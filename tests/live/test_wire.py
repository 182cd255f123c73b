"""Our frames are what a foreign library reads, and a phone that does not read harms nobody."""

import asyncio
import json
import os
import socket
import time

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Opcode
from websockets.uri import parse_uri

from pika.live.broker import broker
from pika.live.hub import hub
from pika.live.wire import Batch, text_frame


def read_by_a_foreign_library(data):
    client = ClientProtocol(parse_uri("ws://localhost/"), max_size=None)
    client.state = client.state.OPEN
    client.parser = client.parse()
    next(client.parser)
    client.receive_data(data)
    return [(frame.opcode, frame.fin, bytes(frame.data).decode()) for frame in client.events_received()]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 100_000])
def test_a_frame_of_any_size_is_read_as_it_was_written(size):
    text = "é" * (size // 2) + "x" * (size % 2)
    assert read_by_a_foreign_library(text_frame(text)) == [(Opcode.TEXT, True, text)]


def test_a_batch_is_its_frames_in_order():
    assert read_by_a_foreign_library(Batch.of(["a", "b" * 300, "c"])) == [
        (Opcode.TEXT, True, "a"),
        (Opcode.TEXT, True, "b" * 300),
        (Opcode.TEXT, True, "c"),
    ]


def handshake(port):
    """A raw socket that is a phone by now and has a tiny ear."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", port))
    raw.sendall(
        b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    head = b""
    while b"\r\n\r\n" not in head:
        head += raw.recv(1)
    assert head.startswith(b"HTTP/1.1 101")
    return raw


def masked(text):
    payload, mask = text.encode(), os.urandom(4)
    body = bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))
    return bytes((0x81, 0x80 | len(payload))) + mask + body


def listening(topic):
    """How many devices listen, asked where the hub lives."""

    async def count():
        return len(hub.listeners(topic))

    return asyncio.run_coroutine_threadsafe(count(), hub.loop).result(5)


@pytest.mark.django_db(transaction=True)
def test_a_phone_that_never_reads_is_cut_off_and_harms_nobody(server, dancer, stage):
    sarah = dancer(stage)
    deaf = handshake(server.port)
    deaf.sendall(masked(json.dumps({"type": "SUBSCRIBE", "stageId": stage.code, "mine": False})))
    topic = f"stage.{stage.code}"
    deadline = time.monotonic() + 10
    while listening(topic) < 2:
        assert time.monotonic() < deadline
    for said in range(1000):  # 1000 × 8 KB: more than any kernel keeps for a phone, far more than we do
        broker().publish(topic, json.dumps({"type": "NOISE", "number": said, "padding": "x" * 8000}))
        assert sarah.hear("NOISE")["number"] == said
        if listening(topic) == 1:
            break
    deadline = time.monotonic() + 10
    while listening(topic) != 1:
        assert time.monotonic() < deadline
    deaf.close()

"""Everyone gets their own and nothing else: 100 sessions with 10 dancers each."""

import asyncio
import json
import uuid

import pytest
import websockets

SESSIONS, DANCERS, TRACKS = 100, 10, 3
pytestmark = pytest.mark.django_db(transaction=True)


async def asked(socket, kind, **fields):
    await socket.send(json.dumps({"type": kind, "messageId": str(uuid.uuid4()), **fields}))
    while True:
        message = json.loads(await socket.recv())
        if message["type"] in {"ACK", "NACK"}:
            assert message["type"] == "ACK", message
            return message


async def listen(url, code, ready, over):
    heard = []
    async with websockets.connect(url, open_timeout=60) as socket:
        await asked(socket, "SUBSCRIBE", sessionId=code, mine=False)
        ready.release()
        while (message := json.loads(await socket.recv()))["type"] != "SESSION_ENDED":
            if message["type"] == "NOW_PLAYING":
                heard.append(message["track"]["title"])
    over.release()
    return heard


async def perform(url, token, code, ready, go):
    async with websockets.connect(url, open_timeout=60) as socket:
        await asked(socket, "REGISTER_SESSION", token=token, sessionId=code)
        ready.release()
        await go.wait()
        for number in range(TRACKS):
            track = {"title": f"{code}-{number}", "artist": "A"}
            await asked(socket, "BROADCAST_TRACK", sessionId=code, track=track)
        await asked(socket, "END_SESSION", sessionId=code)


def test_everyone_gets_their_own_and_nothing_else(server, marcus, token_of, settings):
    settings.LIVE_SESSIONS_PER_DJ = settings.LIVE_SOCKETS_PER_GUEST = SESSIONS
    settings.LIVE_STRANGERS_PER_ADDRESS = 20 * SESSIONS
    token = token_of(marcus)
    codes = [f"session-{number}" for number in range(SESSIONS)]

    async def evening():
        ready, over, go = asyncio.Semaphore(0), asyncio.Semaphore(0), asyncio.Event()
        djs = [asyncio.create_task(perform(server.ws, token, code, ready, go)) for code in codes]
        for _ in djs:
            await asyncio.wait_for(ready.acquire(), 60)
        phones = []
        for _ in range(DANCERS):  # in waves: the kernel's accept queue is not what is tested
            wave = [asyncio.create_task(listen(server.ws, code, ready, over)) for code in codes]
            for _ in wave:
                await asyncio.wait_for(ready.acquire(), 60)
            phones += wave
        go.set()
        await asyncio.gather(*djs)
        return await asyncio.wait_for(asyncio.gather(*phones), 60)

    heard = asyncio.run(evening())
    right = [[f"{code}-{number}" for number in range(TRACKS)] for _ in range(DANCERS) for code in codes]
    assert heard == right

"""Shaking hands: who is let in, who is refused with which words, and nothing hangs or breaks."""

import time
from dataclasses import dataclass

import pytest

from tests.foreign.peer import ACCEPT, Peer, message, request

OK, BAD = {101}, {400}
PORT = 1  # stands for the real one in the table


@dataclass(frozen=True)
class Case:
    name: str
    sent: bytes
    statuses: set[int]  # 0: the server hangs up without a word


CASES: list[Case] = []


def case(name: str, sent: bytes, statuses: set[int]) -> None:
    CASES.append(Case(name, sent, statuses))


def without(text: bytes, name: bytes, put: bytes = b"") -> bytes:
    """The request with the line of that header replaced."""
    lines = [line for line in text.split(b"\r\n") if not line.lower().startswith(name.lower() + b":")]
    return lines[0] + b"\r\n" + (put + b"\r\n" if put else b"") + b"\r\n".join(lines[1:])


GOOD = request(PORT)

# --- Right ----------------------------------------------------------------------------------------------
case("as in the book", GOOD, OK)
case("names of headers in lower case", GOOD.replace(b"Upgrade:", b"upgrade:").replace(b"Sec-WebS", b"sec-webs"), OK)
case("names of headers in upper case", GOOD.replace(b"Sec-WebSocket-Key", b"SEC-WEBSOCKET-KEY"), OK)
case("Upgrade: WebSocket", request(PORT, Upgrade="WebSocket"), OK)
case("Connection: keep-alive, Upgrade", request(PORT, Connection="keep-alive, Upgrade"), OK)
case("Connection: upgrade", request(PORT, Connection="upgrade"), OK)
two_lines = without(GOOD, b"Connection", b"Connection: keep-alive\r\nConnection: Upgrade")
case("Connection in two lines", two_lines, OK)
case("no space after the colon", GOOD.replace(b"Upgrade: w", b"Upgrade:w"), OK)
case("spaces around a value", GOOD.replace(b"Upgrade: websocket", b"Upgrade: \t websocket \t"), OK)
case("a query", request(PORT, "/ws?since=1&x=%20"), OK)
case("our own Origin", request(PORT, Origin=f"http://127.0.0.1:{PORT}"), OK)
case("compression offered", request(PORT, Sec_WebSocket_Extensions="permessage-deflate; client_max_window_bits"), OK)
case("a subprotocol offered", request(PORT, Sec_WebSocket_Protocol="chat, superchat"), OK)
case("cookies of 4 KB", request(PORT, Cookie="a=" + "x" * 4_000), OK)
case("a guest cookie that is none", request(PORT, Cookie="pika_guest=nonsense; x=\xe9"), OK)
case("a header in Latin-1", request(PORT, X_Name="\xe9\xff"), OK)
case("the address as a whole", request(PORT, f"http://127.0.0.1:{PORT}/ws"), {101, 403})  # 403: uvicorn takes no part

# --- Wrong ----------------------------------------------------------------------------------------------
case("version 12", request(PORT, Sec_WebSocket_Version="12"), {426, 400})
case("version 14", request(PORT, Sec_WebSocket_Version="14"), {426, 400})
case("version 8, 13", request(PORT, Sec_WebSocket_Version="8, 13"), {426, 400})
case("version thirteen", request(PORT, Sec_WebSocket_Version="thirteen"), {426, 400})
case("no version", request(PORT, Sec_WebSocket_Version=None), {426, 400})
case("no key", request(PORT, Sec_WebSocket_Key=None), BAD)
case("an empty key", request(PORT, Sec_WebSocket_Key=""), BAD)
case("a key of 3 bytes", request(PORT, Sec_WebSocket_Key="YWJj"), BAD)
case("a key of 17 bytes", request(PORT, Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZSE="), BAD)
case("a key that is not base64", request(PORT, Sec_WebSocket_Key="!" * 24), BAD)
case("two keys", GOOD.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n"), BAD)
case("POST", request(PORT, first="POST {path} HTTP/1.1"), {400, 405})
case("HEAD", request(PORT, first="HEAD {path} HTTP/1.1"), {400, 405})
case("a method nobody knows", request(PORT, first="BREW {path} HTTP/1.1"), {400, 405, 501})
case("HTTP/1.0", request(PORT, first="GET {path} HTTP/1.0"), {400, 404, 426, 505})
case("HTTP/2.0", request(PORT, first="GET {path} HTTP/2.0"), {400, 404, 426, 505, 0})
case("HTTP/0.9", b"GET /ws\r\n\r\n", {400, 404, 0})
case("no Connection", request(PORT, Connection=None), {400, 404, 426})
case("Connection: close", request(PORT, Connection="close"), {400, 404, 426})
case("no Upgrade", request(PORT, Upgrade=None), {400, 404, 426})
case("Upgrade: h2c", request(PORT, Upgrade="h2c"), {400, 404, 426})
case("Upgrade twice", GOOD.replace(b"Upgrade: w", b"Upgrade: websocket\r\nUpgrade: w"), {101, 400, 426})
case("Upgrade: h2c, websocket", request(PORT, Upgrade="h2c, websocket"), {101, 400, 404, 426})
case("Upgrade to two things", GOOD.replace(b"Upgrade: w", b"Upgrade: h2c\r\nUpgrade: w"), {101, 400, 404, 426})
case("no Host", request(PORT, Host=None), BAD)
case("two Hosts", GOOD.replace(b"Host:", b"Host: evil.example\r\nHost:"), BAD)
case("a foreign Origin", request(PORT, Origin="https://evil.example"), {403})
case("Origin: null", request(PORT, Origin="null"), {403})
case("our Origin at another port", request(PORT, Origin="http://127.0.0.1:2"), {403})
case("an Origin that only begins as ours", request(PORT, Origin=f"http://127.0.0.1:{PORT}.evil.example"), {403})
case("an Origin that is none", request(PORT, Origin="http://[::1"), {403, 400})
case("two Origins", request(PORT, Origin=f"http://127.0.0.1:{PORT}, https://evil.example"), {403})
twice = f"Origin: http://127.0.0.1:{PORT}\r\nOrigin: https://evil.example\r\n\r\n".encode()
case("Origin twice", GOOD[:-2] + twice, {400, 403})
case("an unknown path", request(PORT, "/ws/nowhere"), {403, 404})
case("the root", request(PORT, "/"), {403, 404})
case("a slash too much", request(PORT, "/ws/"), {403, 404})
case("two slashes", request(PORT, "//ws"), {101, 400, 403, 404})
case("up and down", request(PORT, "/x/../ws"), {101, 400, 403, 404})
case("an escaped path", request(PORT, "/%77%73"), {101, 403, 404})
case("half an escape", request(PORT, "/ws%"), {400, 403, 404})
case("a NUL in the path", request(PORT, "/ws%00"), {400, 403, 404})
case("Latin-1 in the path", request(PORT, "/ws\xe9"), {400, 403, 404})
case("a body", request(PORT, Content_Length="5") + b"hello", {400, 403, 404, 0})
case("a body in chunks", request(PORT, Transfer_Encoding="chunked") + b"5\r\nhello\r\n0\r\n\r\n", {400, 403, 404, 0})
case("a NUL in a header", request(PORT, X_Name="a\x00b"), BAD)
case("a bare CR in a header", request(PORT, X_Name="a\rb"), BAD)
case("a space before the colon", GOOD.replace(b"Upgrade:", b"Upgrade :"), {400, 404, 426})
case("a folded header", GOOD.replace(b"\r\n\r\n", b"\r\nX-Name: a\r\n  b\r\n\r\n"), {101, 400})
case("a header without a colon", GOOD.replace(b"\r\n\r\n", b"\r\nnonsense\r\n\r\n"), BAD)
case("a header of 100 KB", request(PORT, X_Long="x" * 100_000), {400, 414, 431, 0})
many_headers = b"".join(b"X-%d: y\r\n" % n for n in range(3_000))
case("3000 headers", GOOD[:-2] + many_headers + b"\r\n", {400, 431, 0})
case("a path of 100 KB", request(PORT, "/ws?" + "x" * 100_000), {400, 414, 431, 0})
case("a TLS hello", bytes.fromhex("16030100c8010000c40303") + bytes(range(64)) * 3, {400, 0})
case("rubbish", b"\xff\x00\xfe" * 50 + b"\r\n\r\n", {400, 0})
case("a plain GET", b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404, 426})

# What uvicorn's own class does otherwise with a plain handshake.
UVICORN = {"spaces around a value": {404}}  # a tab


@pytest.mark.parametrize("octets", [0, 1], ids=["whole", "in octets"])
@pytest.mark.parametrize("its", CASES, ids=lambda its: its.name)
def test_a_handshake(house, its, octets):
    allowed = UVICORN.get(its.name, its.statuses) if house.way == "ordinary" else its.statuses
    sent = its.sent.replace(f"127.0.0.1:{PORT}".encode(), f"127.0.0.1:{house.port}".encode())
    if octets and len(sent) > 10_000:
        octets = 1_000
    with Peer(house.port) as peer:
        peer.send(sent, octets)
        status, headers = peer.read_head()
        assert status in allowed
        if status == 101:
            names = ("upgrade", "connection", "sec-websocket-accept")
            assert [headers[name].lower() for name in names] == ["websocket", "upgrade", ACCEPT.lower()]
            assert headers["sec-websocket-accept"] == ACCEPT
            assert not {"sec-websocket-extensions", "sec-websocket-protocol"} & headers.keys()
            peer.send(message("PING", messageId="end"))
            assert peer.hear(until=("ack", "end")) == [("says", "PONG")]
        elif status:
            assert {"content-length", "transfer-encoding", "connection"} & headers.keys(), "where does the answer end?"


@pytest.mark.parametrize("version", ["12", "14", "0"])
def test_who_speaks_another_version_is_told_ours(house, version):
    if house.way == "ordinary":
        pytest.skip("websockets does not say it")
    with Peer(house.port) as peer:
        peer.send(request(house.port, Sec_WebSocket_Version=version))
        assert peer.read_head()[1].get("sec-websocket-version") == "13"  # RFC 6455, section 4.4: MUST


@pytest.fixture
def eager_house(house):
    """A client must wait for the answer (RFC 6455, section 4.1); over our own way one that does not is heard."""
    if house.way == "ordinary":
        pytest.skip("uvicorn's own class drops what comes with the handshake")
    return house


def test_the_first_messages_may_come_with_the_handshake(eager_house):
    first = request(eager_house.port) + message("PING", messageId="1") + message("PING", messageId="2")
    with Peer(eager_house.port) as peer:
        peer.send(first)
        assert peer.read_head()[0] == 101
        assert peer.hear(until=("ack", "2")) == [("says", "PONG"), ("ack", "1"), ("says", "PONG")]


@pytest.mark.parametrize("cut", [1, 5, 30, 50, 100])
def test_the_handshake_may_be_cut_anywhere_also_within_the_first_message(eager_house, cut):
    whole = request(eager_house.port) + message("PING", messageId="1")
    with Peer(eager_house.port) as peer:
        peer.send(whole[:-cut])
        time.sleep(0.02)  # so that the rest comes in another segment
        peer.send(whole[-cut:])
        assert peer.read_head()[0] == 101
        assert peer.hear(until=("ack", "1")) == [("says", "PONG")]


def test_a_wrong_frame_may_come_with_the_handshake(eager_house):
    with Peer(eager_house.port) as peer:
        peer.send(request(eager_house.port) + b"\xff\xff\xff\xff")
        assert peer.read_head()[0] == 101
        assert peer.hear() == [("close", 1002)]


def test_frames_that_come_with_a_refused_handshake_are_not_heard(house):
    with Peer(house.port) as peer:
        peer.send(request(house.port, Origin="https://evil.example") + message("PING", messageId="1") * 20)
        assert peer.read_head()[0] == 403
        while peer._more(10):
            pass
        assert b"PONG" not in peer.stream.buffer


def test_a_connection_that_was_used_for_http_may_become_a_socket(house):
    with Peer(house.port) as peer:
        peer.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        status, headers = peer.read_head()
        assert status == 200
        while len(peer.stream.buffer) < int(headers["content-length"]):
            assert peer._more(10)
        peer.stream.buffer.clear()
        peer.open().send(message("PING", messageId="1"))
        assert peer.hear(until=("ack", "1")) == [("says", "PONG")]


def test_a_client_that_vanishes_in_the_handshake_leaves_nothing_behind(house):
    before = house.metric("sockets")
    for cut in range(1, len(GOOD), 7):
        with Peer(house.port) as peer:
            peer.send(GOOD[:cut])
    for _ in range(20):
        with Peer(house.port) as peer:
            peer.send(request(house.port))
    house.wait_until(lambda: house.metric("sockets") <= before, 10, "a socket was not cleared up")
    house.assert_well()

"""Every case of the table, whole and octet by octet, against the real process, over both ways to the socket."""

import pytest

from tests.foreign.cases import CASES, SAYS_PONG, Case
from tests.foreign.peer import Heard, Peer, message

END: Heard = ("ack", "end")


def talk(port: int, case: Case, octets: int) -> list[Heard]:
    """What is heard of a case, after one good message and before another."""
    with Peer(port) as peer:
        peer.open().send(message("PING", messageId="begin"))
        assert peer.hear(until=("ack", "begin")) == [SAYS_PONG]
        peer.send(case.sent, octets)
        peer.send(message("PING", messageId="end"))
        heard = peer.hear(until=END)
        if heard and heard[-1][0] == "close":
            assert peer.hear() == [], "something came after the close"
        return heard


def settled(heard: list[Heard]) -> list[Heard]:
    """Pongs come from the protocol and may overtake what the application says: those first, each in its order."""
    return [one for one in heard if one[0] == "pong"] + [one for one in heard if one[0] != "pong"]


@pytest.mark.parametrize("octets", [0, 1], ids=["whole", "in octets"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_of_the_rfc(house, case, octets):
    if octets and len(case.sent) > 2_000:
        octets = len(case.sent) // 200
    heard = settled(talk(house.port, case, octets))
    allowed = [settled(one if one and one[-1][0] == "close" else [*one, SAYS_PONG]) for one in case.heard]
    assert heard in allowed


def test_it_is_well_after_all_that(house):
    house.assert_well()

"""The DJ asks, the floor answers: one vote a phone, whole numbers for everybody, and an end."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Guest
from pika.errors import Problem
from pika.jobs import actions as jobs
from pika.live.chores import how_often
from pika.live.messages import iso
from stages.actions import polls
from stages.models import Poll, PollVote, Session
from tests.cast import Dancer

pytestmark = pytest.mark.django_db(transaction=True)
ANSWERS = ["Slow blues", "Something fast", "A waltz"]


def ask(dj, question="What comes next?", options=ANSWERS, **more):
    """Marcus asks; the ACK."""
    return dj.ask("START_POLL", sessionId=dj.session_id, question=question, options=options, **more)


def vote(dancer, poll_id, option):
    """The ACK or NACK, after what was told before it."""
    return dancer.ask("VOTE_ON_POLL", pollId=poll_id, optionIndex=option)


def polls_heard(socket):
    return [message for message in socket.all_heard() if message["type"].startswith(("POLL_", "VOTE_"))]


def words_of(message):
    """What a message says, without its place on the topic."""
    return {name: value for name, value in message.items() if name not in {"topic", "epoch", "seq"}}


def test_the_floor_is_asked_votes_and_hears_the_result(dj, dancer, marcus, stage):
    his, sarah, tom = dj(marcus, stage), dancer(stage), dancer(stage)
    poll_id = ask(his)["pollId"]
    poll = Poll.objects.get()
    assert words_of(sarah.hear("POLL_STARTED")) == {
        "type": "POLL_STARTED",
        "pollId": poll_id,
        "sessionId": his.session_id,
        "question": "What comes next?",
        "options": ANSWERS,
        "endsAt": iso(poll.ends_at),
        "durationSeconds": 60,
    }
    assert poll.ends_at - poll.created_at == timedelta(seconds=60)
    assert (vote(sarah, poll_id, 1)["type"], vote(tom, poll_id, 1)["type"]) == ("ACK", "ACK")
    assert sarah.hear("VOTE_CONFIRMED") == {"type": "VOTE_CONFIRMED", "pollId": poll_id, "optionIndex": 1}
    assert his.ask("END_POLL", pollId=poll_id)["type"] == "ACK"
    ended = {"type": "POLL_ENDED", "pollId": poll_id, "votes": [0, 2, 0], "total": 2, "winner": 1}
    assert words_of(sarah.hear("POLL_ENDED")) == ended
    assert words_of(tom.hear("POLL_ENDED")) == ended


def test_listeners_of_the_session_and_of_the_stage_hear_the_same(dj, dancer, marcus, stage, other_stage):
    his = dj(marcus, stage)
    sarah, tom, elsewhere = dancer(stage), dancer(session=his.session_id), dancer(other_stage)
    poll_id = ask(his)["pollId"]
    vote(sarah, poll_id, 0)
    updates = [sarah.hear("POLL_UPDATE"), tom.hear("POLL_UPDATE")]
    assert updates == [{"type": "POLL_UPDATE", "pollId": poll_id, "votes": [1, 0, 0], "total": 1}] * 2
    his.ask("END_POLL", pollId=poll_id)
    assert words_of(sarah.hear("POLL_ENDED")) == words_of(tom.hear("POLL_ENDED"))
    assert polls_heard(elsewhere) == []


def test_a_poll_of_a_quick_start_is_heard_by_its_listeners(dj, dancer, marcus):
    his = dj(marcus)
    sarah = dancer(session=his.session_id)
    poll_id = ask(his)["pollId"]
    vote(sarah, poll_id, 2)
    assert sarah.hear("POLL_UPDATE")["votes"] == [0, 0, 1]


def test_the_same_vote_again_is_confirmed_and_counts_once(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    poll_id = ask(his)["pollId"]
    assert [vote(sarah, poll_id, 0)["type"] for _ in range(2)] == ["ACK", "ACK"]
    his.ask("END_POLL", pollId=poll_id)
    assert vote(sarah, poll_id, 0)["type"] == "ACK", "its first answer was lost on the way"
    assert PollVote.objects.count() == 1


def test_another_vote_of_the_same_phone_is_rejected_on_every_socket_and_after_reconnecting(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer()
    token = sarah.follow(stage.code)["guestToken"]
    poll_id = ask(his)["pollId"]
    vote(sarah, poll_id, 0)
    second = dancer(stage, guestToken=token)
    sarah.close()
    later = dancer(stage, guestToken=token)
    for socket in (second, later):
        refused = vote(socket, poll_id, 2)
        words = "You voted for “Slow blues” already. The first vote counts."
        assert (refused["code"], refused["error"], refused["field"]) == ("already_voted", words, "optionIndex")
        assert socket.hear("VOTE_REJECTED") == {
            "type": "VOTE_REJECTED",
            "pollId": poll_id,
            "reason": words,
            "optionIndex": 0,
        }
    assert list(PollVote.objects.values_list("option", flat=True)) == [0]


def test_a_phone_that_votes_on_many_sockets_at_once_votes_once(dj, dancer, marcus, stage):
    his = dj(marcus, stage)
    token = dancer().follow(stage.code)["guestToken"]
    sockets = [dancer(stage, guestToken=token) for _ in range(6)]
    poll_id = ask(his)["pollId"]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda n: vote(sockets[n], poll_id, n % 2)["type"], range(6)))
    assert sorted(answers) == ["ACK"] * 3 + ["NACK"] * 3
    assert PollVote.objects.count() == 1


def test_another_dj_can_neither_end_nor_cancel_it(dj, dancer, marcus, ana, stage):
    his, hers, sarah = dj(marcus, stage), dj(ana, stage), dancer(stage)
    poll_id = ask(his)["pollId"]
    for kind in ("END_POLL", "CANCEL_POLL"):
        refused = hers.ask(kind, pollId=poll_id)
        assert (refused["code"], refused["error"]) == ("poll_not_found", "Poll not found")
        assert sarah.ask(kind, pollId=poll_id)["code"] == "unauthenticated"
    assert Poll.objects.get().ended_at is None
    foreign = hers.ask("START_POLL", sessionId=his.session_id, question="Mine?", options=["Yes", "No"])
    assert (foreign["code"], foreign["error"]) == ("session_not_found", "Session not found")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"question": " "}, "question"),
        ({"question": "x" * 501}, "question"),
        ({"options": ["Only one"]}, "options"),
        ({"options": [str(n) for n in range(11)]}, "options"),
        ({"options": ["Same", "Same"]}, "options"),
        ({"options": ["Fine", "x" * 101]}, "options.1"),
        ({"durationSeconds": 29}, "durationSeconds"),
        ({"durationSeconds": 301}, "durationSeconds"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_its_field(dj, marcus, wrong, field):
    refused = ask(dj(marcus), **wrong)
    assert (refused["code"], refused["field"]) == ("invalid", field)
    assert Poll.objects.count() == 0


@pytest.mark.parametrize("option", [3, 10**9])
def test_a_vote_out_of_range_is_rejected(dj, dancer, marcus, stage, option):
    his, sarah = dj(marcus, stage), dancer(stage)
    poll_id = ask(his)["pollId"]
    refused = vote(sarah, poll_id, option)
    assert (refused["code"], refused["field"]) == ("invalid", "optionIndex")
    assert sarah.hear("VOTE_REJECTED") == {"type": "VOTE_REJECTED", "pollId": poll_id, "reason": refused["error"]}
    assert vote(sarah, poll_id, -1)["code"] == "invalid"
    assert PollVote.objects.count() == 0


def test_a_vote_for_a_poll_that_never_was_is_rejected(dancer, stage):
    refused = vote(dancer(stage), "NEVER", 0)
    assert (refused["code"], refused["error"]) == ("poll_not_found", "Poll not found")


def test_a_vote_after_the_end_is_rejected(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    poll_id = ask(his)["pollId"]
    his.ask("END_POLL", pollId=poll_id)
    refused = vote(sarah, poll_id, 0)
    assert (refused["code"], refused["error"]) == ("poll_over", "This poll is over")
    assert sarah.hear("VOTE_REJECTED")["reason"] == "This poll is over"


def test_it_ends_by_itself_when_its_time_is_up(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    poll_id = ask(his, durationSeconds=30)["pollId"]
    vote(sarah, poll_id, 0)
    with time_machine.travel(timezone.now() + timedelta(seconds=29)):
        jobs.run_due()
    assert Poll.objects.get().ended_at is None
    with time_machine.travel(timezone.now() + timedelta(seconds=31)):
        with pytest.raises(Problem) as refused:
            polls.vote(Guest.objects.create(key="late"), Poll.objects.get(), 0)
        jobs.run_due()
        jobs.run_due()
    assert refused.value.code == "poll_over", "also before a worker has ended it"
    ended = [message for message in polls_heard(sarah) if message["type"] == "POLL_ENDED"]
    assert [(it["votes"], it["winner"]) for it in ended] == [([1, 0, 0], 0)]


def test_a_new_poll_ends_the_one_before(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    first, second = ask(his)["pollId"], ask(his, "And then?")["pollId"]
    heard = [(message["type"], message["pollId"]) for message in polls_heard(sarah)]
    assert heard == [("POLL_STARTED", first), ("POLL_ENDED", first), ("POLL_STARTED", second)]
    assert Poll.objects.running(timezone.now()).get().code == second


def test_a_cancelled_poll_has_no_winner_and_stays_cancelled(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    poll_id = ask(his)["pollId"]
    vote(sarah, poll_id, 0)
    assert [his.ask(kind, pollId=poll_id)["type"] for kind in ("CANCEL_POLL", "END_POLL")] == ["ACK", "ACK"]
    ended = [words_of(message) for message in polls_heard(sarah) if message["type"] == "POLL_ENDED"]
    assert ended == [{"type": "POLL_ENDED", "pollId": poll_id, "votes": [1, 0, 0], "total": 1, "cancelled": True}]
    assert Poll.objects.get().is_cancelled


@pytest.mark.parametrize("answers", [[], [0, 1]])
def test_a_tie_and_an_empty_floor_have_no_winner(dj, dancer, marcus, stage, answers):
    his, sarah = dj(marcus, stage), dancer(stage)
    poll_id = ask(his)["pollId"]
    for option in answers:
        vote(dancer(stage), poll_id, option)
    his.ask("END_POLL", pollId=poll_id)
    assert "winner" not in sarah.hear("POLL_ENDED")


def test_it_ends_with_the_session_and_none_can_start_after(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    ask(his)
    his.end()
    kinds = [message["type"] for message in sarah.all_heard()]
    assert kinds.index("POLL_ENDED") < kinds.index("SESSION_ENDED")
    assert ask(his)["code"] == "session_over"


def test_the_same_message_again_is_one_poll(dj, marcus, stage):
    his = dj(marcus, stage)
    assert [ask(his, messageId="once")["type"] for _ in range(2)] == ["ACK", "ACK"]
    assert Poll.objects.count() == 1


def test_who_comes_late_sees_it_with_its_votes(dj, dancer, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    his.play("At Last")
    poll_id = ask(his)["pollId"]
    vote(sarah, poll_id, 2)
    poll = {
        "pollId": poll_id,
        "sessionId": his.session_id,
        "question": "What comes next?",
        "options": ANSWERS,
        "endsAt": iso(Poll.objects.get().ends_at),
        "durationSeconds": 60,
        "votes": [0, 0, 1],
        "total": 1,
    }
    assert dancer(stage).hear("SNAPSHOT")["poll"] == poll
    sarah.hear("POLL_UPDATE")  # votes are told together: from now on nobody is told of this one again
    old = dancer(session=his.session_id)
    kinds = [message["type"] for message in old.heard]
    told = [kind for kind in kinds if kind != "LISTENER_COUNT"]  # of which the floor's own may come at any moment
    assert told == ["SESSIONS_LIST", "NOW_PLAYING", "POLL_STARTED", "POLL_UPDATE", "SNAPSHOT"]
    assert "LISTENER_COUNT" in kinds[1:4]
    assert old.hear("POLL_STARTED") == {"type": "POLL_STARTED"} | {
        name: value for name, value in poll.items() if name not in {"votes", "total"}
    }
    assert old.hear("POLL_UPDATE")["votes"] == [0, 0, 1]
    assert old.hear("SNAPSHOT")["poll"] == poll
    his.ask("END_POLL", pollId=poll_id)
    sarah.hear("POLL_ENDED")
    assert dancer(stage).hear("SNAPSHOT")["poll"] is None


def test_fifty_votes_at_once_are_told_together(dj, dancer, server, marcus, stage):
    his, sarah = dj(marcus, stage), dancer(stage)
    poll_id = ask(his)["pollId"]
    crowd = [Dancer(server.ws) for _ in range(50)]
    for number, one in enumerate(crowd):
        one.send({"type": "VOTE_ON_POLL", "pollId": poll_id, "optionIndex": number % 2})
    for one in crowd:
        one.hear("VOTE_CONFIRMED")
        one.close()
    updates = []
    while not updates or updates[-1]["total"] < 50:
        updates.append(sarah.hear("POLL_UPDATE"))
    assert updates[-1] == {"type": "POLL_UPDATE", "pollId": poll_id, "votes": [25, 25, 0], "total": 50}
    assert len(updates) <= 2


def test_the_larger_the_floor_the_less_often_it_is_told():
    assert [how_often(1, listeners, 10) for listeners in (1, 100, 200, 500, 5000)] == [1, 1, 3, 9, 10]


def test_a_floor_of_hundreds_is_not_told_each_second_but_of_the_last_vote(marcus, stage):
    from pika.live.broker import broker

    session = Session.objects.create(code="MANY", dj=marcus, dj_name="Marcus", stage=stage)
    broker().count_listeners(f"stage.{stage.code}", {str(n) for n in range(300)})
    poll = polls.start_poll(session, "Faster?", ["Yes", "No"])
    assert polls.tell_votes({poll.code}) == {poll.code}
    assert polls.tell_votes({poll.code}) == set(), "still to be told"
    polls.end_poll(poll)
    assert polls.tell_votes({poll.code}) == {poll.code}, "told with the end"

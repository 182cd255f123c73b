"""docs/live.md says what the server does: every message is in it, every example works, every number is right."""

import ast
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.actions import new_guest_secret
from pika.asgi import live
from pika.errors import cleaned
from pika.live import consumer, messages, wire
from pika.live.broker import broker
from pika.live.hub import hub
from pika.live.messages import iso
from stages import consumers, forms, state
from stages.actions.releases import publish_timetable
from stages.actions.timetable import save_line
from stages.models import Play, Poll, Stage
from stages.timetable import difference, fingerprint
from stages.timetable_access import working_copy
from tests.cast import Dancer, Dj
from tracks import forms as like_forms

ROOT = Path(settings.BASE_DIR)
DOC = (ROOT / "docs" / "live.md").read_text(encoding="utf-8")
HANDLERS = live.consumer_initkwargs["handlers"]
FORMS = {
    "REGISTER_SESSION": forms.RegisterForm,
    "BROADCAST_TRACK": forms.BroadcastForm,
    "METADATA_UPDATED": forms.MetadataForm,
    "UPDATE_SESSION": forms.UpdateSessionForm,
    "HIDE_TRACK": forms.HideForm,
    "NEXT_TRACK": like_forms.NextTrackForm,
    "START_POLL": forms.StartPollForm,
    "END_POLL": forms.PollForm,
    "CANCEL_POLL": forms.PollForm,
    "SEND_ANNOUNCEMENT": forms.SendAnnouncementForm,
    "CANCEL_ANNOUNCEMENT": forms.CancelAnnouncementForm,
    "SEEN_ANNOUNCEMENT": forms.SeenForm,
    "TRACK_STOPPED": forms.SessionForm,
    "END_SESSION": forms.SessionForm,
    "SUBSCRIBE": forms.SubscribeForm,
    "SEND_LIKE": like_forms.LikeForm,
    "REMOVE_LIKE": like_forms.LikeForm,
    "SEND_BULK_LIKE": like_forms.BulkLikeForm,
    "SEND_TEMPO_REQUEST": forms.TempoForm,
    "SEND_REACTION": forms.ReactionForm,
    "VOTE_ON_POLL": forms.VoteForm,
    "VALIDATE_SESSION": forms.SessionForm,
    "GET_SESSIONS": None,
    "PING": None,
}


# --- The document, read -------------------------------------------------------------------------------
def chapter(title: str) -> str:
    """The text under a `## title`."""
    return DOC.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def sections(title: str) -> dict[str, str]:
    """{TYPE: text} of the `### TYPE` of a chapter."""
    parts = re.split(r"^### (.+)$", chapter(title), flags=re.MULTILINE)
    assert len(parts[1::2]) == len(set(parts[1::2])), "a type has two sections"
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def example_of(kind: str, text: str) -> dict[str, Any]:
    blocks = re.findall(r"^```json\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1, f"{kind} has {len(blocks)} examples, not one"
    example = json.loads(blocks[0])
    assert example["type"] == kind, f"the example of {kind} is a {example['type']}"
    return dict(example)


def first_column(text: str) -> list[str]:
    """What stands in backticks in the first column of the tables of `text`."""
    cells = re.findall(r"^\| (`[^|]+`) \|", text, flags=re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


DJ_SAYS, FLOOR_SAYS, SERVER_SAYS = (sections(f"The {who}") for who in ("DJ says", "floor says", "server says"))
CLIENT_SAYS = DJ_SAYS | FLOOR_SAYS


# --- Everything is there, nothing else is ---------------------------------------------------------------
def test_every_message_to_the_server_has_a_section_and_no_other_has_one():
    assert sorted(CLIENT_SAYS) == sorted(HANDLERS)


def test_every_message_of_the_server_has_a_section_and_no_other_has_one():
    functions = [
        name.upper()
        for name, it in inspect.getmembers(messages, inspect.isfunction)
        if it.__module__ == messages.__name__ and not name.startswith("_") and name not in {"iso", "encode"}
    ]
    assert sorted(SERVER_SAYS) == sorted(functions)


def test_every_message_to_the_server_has_a_form_that_is_tested_here():
    assert sorted(FORMS) == sorted(HANDLERS), "add the message to FORMS"


# --- What a client may say --------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", CLIENT_SAYS)
def test_what_a_client_may_say_is_what_the_form_takes(kind):
    said = re.search(r"Fields:((?:\s+`\w+\??`(?:\s+\([^)]*\))?)+)", CLIENT_SAYS[kind])
    named = re.findall(r"`(\w+\??)`", re.sub(r"\([^)]*\)", "", said[1])) if said else []
    form = FORMS[kind]
    taken = form().fields.items() if form else ()
    assert sorted(named) == sorted(name if field.required else f"{name}?" for name, field in taken)
    assert said or "o fields." in CLIENT_SAYS[kind]


@pytest.mark.parametrize("kind", CLIENT_SAYS)
def test_every_example_of_a_client_passes_its_form_and_nothing_in_it_is_ignored(kind):
    example = example_of(kind, CLIENT_SAYS[kind])
    fields = {name: value for name, value in example.items() if name not in {"type", "messageId"}}
    form = FORMS[kind]
    taken = dict(cleaned(form, example)) if form else {}
    assert sorted(fields) == sorted(name for name in taken if name in fields)
    if "track" in fields:
        assert sorted(fields["track"]) == sorted(taken["track"])


def test_a_track_has_the_fields_of_the_form():
    fields = forms.TrackForm().fields.items()
    named = first_column(chapter("A track"))
    assert sorted(named) == sorted(name if field.required else f"{name}?" for name, field in fields)


# --- What the server says ----------------------------------------------------------------------------------
def said_by_the_code(example: dict[str, Any]) -> dict[str, Any]:
    """The message that the real function makes of the example's values."""
    function = getattr(messages, example["type"].lower())
    values = {"at": example.get("timestamp"), **example, **example.get("payload", {})}
    arguments: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            known = {"type", "status", "timestamp", *map(camel, arguments)}
            arguments |= {field: value for field, value in example.items() if field not in known}
            continue
        value = values.get(camel(name))
        arguments[name] = datetime.fromisoformat(value) if parameter.annotation is datetime else value
    return dict(function(**arguments))


def camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


@pytest.mark.parametrize("kind", SERVER_SAYS)
def test_every_example_of_the_server_is_what_its_function_makes(kind):
    example = example_of(kind, SERVER_SAYS[kind])
    assert said_by_the_code(example) == example


# --- The tables ----------------------------------------------------------------------------------------------
def calls(names: set[str]) -> Iterator[ast.Call]:
    for app in ("pika", "accounts", "events", "stages", "tracks", "playlists"):
        for path in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                    yield node


def test_the_codes_of_a_nack_are_those_of_the_code():
    given = [call.args[1] for call in calls({"Problem", "HangUp", "Rejected"})]
    codes = {str(code.value) for code in given if isinstance(code, ast.Constant)}
    named = first_column(chapter("Answers"))
    assert sorted(named) == sorted(codes)


def test_the_close_codes_are_those_of_the_code():
    ours = [
        ROOT / "pika" / "asgi.py",
        *(ROOT / "pika" / "live").glob("*.py"),
        *ROOT.glob("*/consumers.py"),
        *ROOT.glob("*/consumers/*.py"),
    ]
    numbers = {
        node.value
        for path in ours
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and type(node.value) is int
    }
    closing = {number for number in numbers if 1001 <= number <= 1015 or 4400 <= number <= 4499}
    by_library = {1002}  # `websockets`, of a frame that is none
    named = {int(code) for code in re.findall(r"^\| (\d{4}) \|", DOC, flags=re.MULTILINE)}
    assert named == closing | by_library


def test_the_stage_states_are_those_of_the_code():
    states = {getattr(state, name) for name in dir(state) if name.isupper()}
    assert set(first_column(chapter("Stage states"))) == states


@pytest.mark.parametrize(
    "words",
    [
        f"10 KB ({settings.LIVE_FRAME_BYTES:,} characters)",
        f"{settings.LIVE_FRAMES_PER_SECOND} a second, {settings.LIVE_FRAMES_BURST} at once",
        f"{settings.LIKES_PER_MINUTE} a minute; SEND_BULK_LIKE",
        f"{settings.DJ_ANNOUNCEMENTS_PER_MINUTE} a minute; with `push` {settings.DJ_PUSHES_PER_HOUR} an hour",
        f"{consumers.floor.TOPICS_PER_SOCKET} (a stage is two",
        f"This socket listens to {consumers.floor.TOPICS_PER_SOCKET} topics",
        f"| live sessions of one DJ | {settings.LIVE_SESSIONS_PER_DJ} |",
        f"This DJ has {settings.LIVE_SESSIONS_PER_DJ} live sessions",
        f"{settings.LIVE_SESSIONS_MAX} sessions are live",
        f"{wire.BACKLOG_BYTES // 1024} KB |",
        f"After {consumer.PATIENCE} in a row",
        f"({settings.LIVE_HISTORY_MESSAGES} messages or {settings.LIVE_HISTORY_SECONDS // 60} minutes are kept",
        f"lost less than {settings.LIVE_GRACE} s ago",
        f"every {settings.LIVE_LISTENER_EVERY} s at most",
        f"every {settings.LIVE_POLL_EVERY} s at most and less often above 100 listeners",
        f"Distinct devices of the last {settings.LIVE_LISTENER_STICKY // 60} minutes",
        f"more than {settings.LIVE_NEGATIVE_TEMPO_SHARE:.0%}".replace("%", " %"),
        f"websocket ping after {settings.LIVE_PING:g} s",
        f"| sockets of one device or DJ, in one server process | {settings.LIVE_SOCKETS_PER_GUEST} |",
        f"in one server process | {settings.LIVE_STRANGERS_PER_ADDRESS} |",
        f"| the whole handshake | {settings.LIVE_HANDSHAKE_SECONDS:g} s |",
        f"more than {settings.LIVE_CLOCK_SKEW} s off",
        f"after {settings.LIVE_IDLE_END // 3600} h without a word and {settings.LIVE_IDLE_MIN_AGE // 3600} h of age;",
        f"or after {settings.LIVE_MAX_AGE // 3600} h",
    ],
)
def test_the_numbers_are_those_of_the_settings(words):
    assert words in " ".join(DOC.split()), f"docs/live.md should say: {words}"


# --- On the real server ------------------------------------------------------------------------------------------
@pytest.fixture
def the_stage(event):
    """The stage of the examples."""
    return Stage.objects.create(event=event, name="Main Floor", code="K7MPQ2")


@pytest.fixture
def example(token_of, marcus):
    """`example("SEND_LIKE")`: as it stands in the document, with secrets that are real."""

    def get(kind: str) -> dict[str, Any]:
        message = example_of(kind, CLIENT_SAYS[kind])
        poll = Poll.objects.order_by("-pk").first()  # its id is the server's
        secrets = {"token": token_of(marcus), "guestToken": new_guest_secret(), "pollId": poll and poll.code}
        return {name: secrets.get(name, value) for name, value in message.items() if name != "type"}

    return get


@pytest.fixture
def his(server):
    one = Dj(server.ws)
    yield one
    one.close()


def answers(socket, kinds, example):
    return {kind: socket.ask(kind, **example(kind)) for kind in kinds}


@pytest.mark.django_db(transaction=True)
def test_every_example_of_the_dj_works_from_top_to_bottom(his, the_stage, example):
    said = answers(his, DJ_SAYS, example)
    assert {kind: answer["type"] for kind, answer in said.items()} == dict.fromkeys(DJ_SAYS, "ACK"), said
    assert [str(play.uuid) for play in Play.objects.all()] == [example("BROADCAST_TRACK")["playId"]]


@pytest.mark.django_db(transaction=True)
def test_every_example_of_the_floor_works_while_the_track_of_the_example_plays(his, dancer, the_stage, example):
    answers(his, ["REGISTER_SESSION", "BROADCAST_TRACK", "START_POLL"], example)
    said = answers(dancer(), FLOOR_SAYS, example)
    assert {kind: answer["type"] for kind, answer in said.items()} == dict.fromkeys(FLOOR_SAYS, "ACK"), said
    assert said["SEND_LIKE"]["isNew"] is True
    bulk = {name: said["SEND_BULK_LIKE"][name] for name in ("liked", "known", "missing")}
    assert bulk == {"liked": 1, "known": 0, "missing": 1}


def shape(value: object) -> object:
    """What a program in another language would have to declare."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value[:1]]
    names = {bool: "true or false", int: "number", float: "number", str: "text", type(None): "null"}
    return names[type(value)]


@pytest.fixture
def frames(monkeypatch):
    """Every frame that was said on any topic."""
    said: list[dict[str, Any]] = []
    receive = hub.receive

    def hear(frame):
        said.append(json.loads(frame.text))
        receive(frame)

    monkeypatch.setattr(hub, "receive", hear)
    return said


def anas_evening(dj, ana, the_stage, other_stage):
    """What was before: another song here, and the song of the example on the other floor."""
    earlier = dj(ana, the_stage)
    earlier.play("Treasure", "Bruno Mars", playedAt=iso(timezone.now() - timedelta(minutes=50)))
    earlier.ask("UPDATE_SESSION", sessionId=earlier.session_id, note="They like it slow tonight")
    earlier.end()
    at = timezone.now() - timedelta(hours=1)
    dj(ana, other_stage).play("Uptown Funk", "Mark Ronson feat. Bruno Mars", playedAt=iso(at))
    now = timezone.now()
    the_stage.slots.create(starts_at=now + timedelta(hours=2), ends_at=now + timedelta(hours=4), dj_name="Ana")


def elena_moves_ana(elena, event):
    """The next slot comes twenty minutes later."""
    line = working_copy(event)[0]
    later = {name: getattr(line.entry, name) + timedelta(minutes=20) for name in ("starts_at", "ends_at")}
    save_line(event, elena, replace(line.entry, **later), line.code, line.seen)
    publish_timetable(event, elena, fingerprint(difference(working_copy(event))))


@pytest.mark.django_db(transaction=True)
def test_every_message_of_the_server_is_really_said_and_looks_like_its_example(
    dj, dancer, his, ana, elena, the_stage, other_stage, example, frames, server
):
    anas_evening(dj, ana, the_stage, other_stage)
    sarah = dancer(the_stage)
    token = sarah.follow(the_stage.code)["guestToken"]
    sarah.all_heard()
    frames.clear()
    first = answers(his, ["REGISTER_SESSION", "BROADCAST_TRACK", "START_POLL", "SEND_ANNOUNCEMENT"], example)
    sarah.ask("VOTE_ON_POLL", **example("VOTE_ON_POLL"))
    sarah.ask("SEND_LIKE", **example("SEND_LIKE"))
    sarah.ask("SEND_TEMPO_REQUEST", **example("SEND_TEMPO_REQUEST"))
    sarah.ask("SEND_REACTION", **example("SEND_REACTION"))
    refused = sarah.ask("SEND_REACTION", **example("SEND_REACTION") | {"messageId": "m6-again"})
    tom = Dancer(server.ws)
    tom.follow(the_stage.code, guestToken=token)
    for kind in ("GET_SESSIONS", "VALIDATE_SESSION", "PING"):
        tom.ask(kind, **example(kind))
    tom.ask("VOTE_ON_POLL", **example("VOTE_ON_POLL") | {"optionIndex": 1})  # on the same phone as sarah
    heard = [first["BROADCAST_TRACK"], refused, *his.all_heard(), *tom.heard]
    tom.heard.clear()
    broker().settle()
    counted: list[dict[str, Any]] = []
    while not {"LISTENER_COUNT", "POLL_UPDATE"} <= {message["type"] for message in counted}:
        counted.append(sarah.heard.popleft() if sarah.heard else sarah.read())
    elena_moves_ana(elena, the_stage.event)
    answers(his, ["END_POLL", "METADATA_UPDATED", "HIDE_TRACK"], example)
    answers(his, ["CANCEL_ANNOUNCEMENT", "TRACK_STOPPED", "END_SESSION"], example)
    tom.ask("VALIDATE_SESSION", **example("VALIDATE_SESSION"))
    heard += [*tom.all_heard(), *counted, *frames]
    tom.close()
    told: dict[str, object] = {}
    for message in heard:
        place = () if message["type"] == "SNAPSHOT" else ("topic", "epoch", "seq")
        told.setdefault(message["type"], shape({k: v for k, v in message.items() if k not in place}))
    in_words = {kind: shape(example_of(kind, text)) for kind, text in SERVER_SAYS.items()}
    for kind, looks in in_words.items():
        assert told.get(kind) == looks, f"{kind} is not said like this"
    assert sorted(told) == sorted(in_words)

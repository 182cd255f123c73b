"""Ownership is checked on every message of a DJ."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actions import revoke_token
from accounts.models import ApiToken
from stages.models import Session

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("BROADCAST_TRACK", {"track": {"title": "Mine now"}}),
        ("METADATA_UPDATED", {"track": {"title": "Mine now"}}),
        ("TRACK_STOPPED", {}),
        ("END_SESSION", {}),
        ("UPDATE_SESSION", {"isPaused": True}),
        ("HIDE_TRACK", {"playId": "6f3d2f60-0000-4000-8000-000000000000"}),
    ],
)
def test_another_djs_session_does_not_exist_for_a_dj(dj, marcus, ana, stage, kind, fields):
    his, hers = dj(marcus, stage), dj(ana, stage)
    his.play("His")
    answer = hers.ask(kind, sessionId=his.session_id, **fields)
    assert (answer["type"], answer["error"]) == ("NACK", "Session not found")
    assert hers.ask("PING")["type"] == "ACK"
    assert Session.objects.live().count() == 2


def test_registering_with_another_djs_session_is_refused(dj, marcus, ana, token_of):
    his = dj(marcus)
    hers = dj(ana)
    assert hers.ask("REGISTER_SESSION", token=token_of(ana), sessionId=his.session_id)["code"] == "session_not_found"


def test_a_revoked_token_is_refused_and_its_socket_cut(dj, marcus):
    his = dj(marcus)
    revoke_token(ApiToken.objects.get(user=marcus))
    assert his.close_code() == 4401


def test_an_expired_token_is_refused(dancer, marcus, token_of):
    token = token_of(marcus)
    ApiToken.objects.update(expires_at=timezone.now())
    assert dancer().ask("REGISTER_SESSION", token=token)["code"] == "bad_token"


def test_a_token_without_the_scope_is_refused(dancer, marcus, token_of):
    token = token_of(marcus)
    ApiToken.objects.update(scopes=["events"])
    assert dancer().ask("REGISTER_SESSION", token=token)["code"] == "no_scope"


def test_a_session_that_is_over_cannot_be_continued(dj, marcus, token_of):
    his = dj(marcus)
    his.end()
    assert his.play("One more")["code"] == "session_over"
    assert his.ask("REGISTER_SESSION", token=token_of(marcus), sessionId=his.session_id)["code"] == "session_over"
    assert his.end()["type"] == "ACK"


def test_a_closed_booth_is_for_the_house_and_the_timetable(dj, dancer, marcus, ana, elena, stage, event, token_of):
    event.is_booth_open = False
    event.save()
    now = timezone.now()
    stage.slots.create(starts_at=now, ends_at=now + timedelta(hours=1), dj=ana)
    assert dancer().ask("REGISTER_SESSION", token=token_of(marcus), stageId=stage.code)["error"] == "Stage not found"
    dj(ana, stage)
    dj(elena, stage)


def test_a_draft_event_is_nobodys_business(dancer, marcus, stage, event, token_of):
    event.status = "draft"
    event.save()
    assert dancer().follow(stage.code)["error"] == "Stage not found"
    assert dancer().ask("REGISTER_SESSION", token=token_of(marcus), stageId=stage.code)["error"] == "Stage not found"


def test_too_many_sessions_of_one_dj_hang_up_with_1013(dj, marcus, settings, server, token_of):
    for _ in range(settings.LIVE_SESSIONS_PER_DJ):
        dj(marcus)
    from tests.cast import Socket

    one_more = Socket(server.ws)
    assert one_more.ask("REGISTER_SESSION", token=token_of(marcus))["code"] == "too_many_sessions"
    assert one_more.close_code() == 1013

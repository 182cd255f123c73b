"""Programs nobody wrote use the API: whatever they send is answered as docs/api.yml says, and never with a 500.

A short look by default. PIKA_EXAMPLES=25 (or 100) is the long one, with so many random requests for each address,
with a login and without; PIKA_EXAMPLES_SEED says which ones.
"""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.actions import new_guest_secret
from pika.gateways import webpush
from stages.models import Announcement, Play, Session, Slot

ROOT = Path(settings.BASE_DIR)
EXAMPLES = os.environ.get("PIKA_EXAMPLES", "")
SEED = os.environ.get("PIKA_EXAMPLES_SEED", "1")
CODE = "ABCDEFGHJK"  # of everything: whichever address it is, it exists
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]


@pytest.fixture
def weekend(settings, event, stage, elena):
    """Everything that the API has addresses for; what is real about it, by where it is sent."""
    settings.VAPID_SUB = "mailto:elena@wcs-budapest.hu"  # or nobody could subscribe
    at = timezone.now()
    stage.code = CODE
    stage.save()
    slot = {"starts_at": at, "ends_at": at + timedelta(hours=1)}
    Slot.objects.create(stage=stage, code=CODE, dj_name="Marcus", **slot)
    session = Session.objects.create(code=CODE, dj=elena, dj_name="Elena", stage=stage)
    play = Play.objects.create(session=session, played_at=at, title="Fly", artist="Ana", features={"energy": 70})
    Announcement.objects.create(
        event=event, code=CODE, message="Doors are open", priority="info", ends_at=at + timedelta(hours=1)
    )
    return {
        "path.code": CODE,
        "path.slug": event.slug,
        "path.uuid": str(play.uuid),
        "body.stageId": CODE,
        "body.eventId": event.slug,
        "body.organizerId": event.organizer.slug,
        "body.guestToken": new_guest_secret(),
        "query.guestToken": new_guest_secret(),
        "body.endpoint": "https://push.invalid/1",
        "body.vapidKey": webpush.server_key(),
        "body.keys.p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "body.keys.auth": "BTBZMqHH6r4Tts7J_aSIgg",
    }


def in_toml(real):
    """Schemathesis's own settings: mostly what is real, so that what is sent goes deep."""
    lines = ["[checks.not_a_server_error]", 'expected-statuses = ["2xx", "3xx", "4xx", 503]']  # documented: not now
    for n, (where, value) in enumerate(real.items()):
        lines += [f"[dictionaries.real{n}]", f"values = [{json.dumps(value)}]"]
        lines += [f'[parameters."{where}"]', f'dictionary = "real{n}"', "probability = 0.8"]
    return "\n".join(lines)


@pytest.mark.parametrize(("who", "short"), [("elena", "coverage"), ("nobody", "fuzzing")])
def test_whatever_a_program_sends_is_answered_as_documented(server, weekend, elena, token_of, tmp_path, who, short):
    config = tmp_path / "schemathesis.toml"
    config.write_text(in_toml(weekend), encoding="utf-8")
    shown = ["--header", f"Authorization: Bearer {token_of(elena)}"] if who == "elena" else []
    phases = "coverage,fuzzing,stateful" if EXAMPLES else short
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", *shown]
    command += [str(ROOT / "docs" / "api.yml"), "--url", server.url, "--checks", ",".join(CHECKS), "--phases", phases]
    command += ["--max-examples", EXAMPLES or "3", "--seed", SEED, "--generation-database", "none"]
    command += ["--continue-on-failure", "--no-shrink", "--no-color"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

"""Programs nobody wrote use the API: whatever they send is answered as docs/api.yml says, and never with a 500.

PIKA_EXAMPLES says how many wrong and right requests for each address (3 by default), PIKA_EXAMPLES_SEED which ones.
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
from stages.models import Announcement, Play, Session, Slot

ROOT = Path(settings.BASE_DIR)
EXAMPLES = os.environ.get("PIKA_EXAMPLES", "3")
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
def weekend(event, stage, elena):
    """Everything that the API has addresses for; what is real about it, by where it is sent."""
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
    }


def in_toml(real):
    """Schemathesis's own settings: mostly what is real, so that what is sent goes deep."""
    lines = []
    for n, (where, value) in enumerate(real.items()):
        lines += [f"[dictionaries.real{n}]", f"values = [{json.dumps(value)}]"]
        lines += [f'[parameters."{where}"]', f'dictionary = "real{n}"', "probability = 0.8"]
    return "\n".join(lines)


@pytest.mark.parametrize(("who", "phases"), [("elena", "coverage,fuzzing,stateful"), ("nobody", "fuzzing")])
def test_whatever_a_program_sends_is_answered_as_documented(server, weekend, elena, token_of, tmp_path, who, phases):
    config = tmp_path / "schemathesis.toml"
    config.write_text(in_toml(weekend), encoding="utf-8")
    shown = ["--header", f"Authorization: Bearer {token_of(elena)}"] if who == "elena" else []
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"]
    command += [str(ROOT / "docs" / "api.yml"), "--url", server.url, "--max-examples", EXAMPLES, "--seed", SEED]
    command += ["--checks", ",".join(CHECKS), "--phases", phases, "--continue-on-failure", "--no-color"]
    command += ["--no-shrink", "--generation-database", "none", *shown]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]

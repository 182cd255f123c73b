"""Sarah opens the stage page once. Marcus plays with `pika-dj`, loses his network, ends; Ana goes on in the booth."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from stages.models import Play, Session, Slot
from tests.cable import Cable
from tests.processes import ROOT
from tracks.models import Like

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SOON = 15_000  # ms


class Laptop:
    """Marcus' laptop: VirtualDJ's history file grows, `pika-dj live` runs over a cable."""

    def __init__(self, folder, server, token, stage):
        self.cable = Cable(server.port)
        self.history = folder / "VirtualDJ" / "History"
        self.history.mkdir(parents=True)
        self.file = self.history / f"{timezone.localdate():%Y-%m-%d}.m3u"
        paths = os.pathsep.join([str(ROOT / "clients/dj/src"), os.environ.get("PYTHONPATH", "")])
        env = {**os.environ, "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1", "PIKA_DJ_HOME": str(folder / "dj")}
        env |= {"PIKA_DJ_SERVER": self.cable.url, "PIKA_DJ_TOKEN": token}
        command = [sys.executable, "-m", "pika_dj", "live", "--stage", stage.code, "--after", "0"]
        command += ["--source", "virtualdj", "--folder", str(self.history.parent)]
        self.out = (folder / "out.txt").open("w+")
        self.program = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=self.out,
            stderr=subprocess.STDOUT,
            # Tests that a shell runs in the background ignore Ctrl-C, and so would this.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def play(self, artist, title):
        line = f"#EXTVDJ:<lastplaytime>{int(time.time())}</lastplaytime><artist>{artist}</artist><title>{title}</title>"
        with self.file.open("a", encoding="utf-8") as file:
            file.write(f"{line}\nD:\\Music\\{artist} - {title}.mp3\n")

    def end(self):
        self.program.send_signal(signal.SIGINT)
        code = self.program.wait(60)
        self.out.seek(0)
        assert code == 0, self.out.read()

    def close(self):
        self.program.kill()
        self.program.wait()
        self.cable.close()


@pytest.fixture
def laptop(server, marcus, stage, token_of, tmp_path):
    its = Laptop(tmp_path, server, token_of(marcus), stage)
    yield its
    its.close()


def test_the_floor_is_alive(server, phone, laptop, log_in, marcus, ana, stage):
    now = timezone.now()
    Slot.objects.create(
        stage=stage, dj=ana, dj_name="Ana", starts_at=now + timedelta(minutes=20), ends_at=now + timedelta(hours=2)
    )
    sarah = phone()
    sarah.goto(f"{server.url}/s/{stage.code}")
    opened_at = sarah.evaluate("performance.timeOrigin")

    # Marcus plays three tracks.
    expect(sarah.locator("#wish")).to_be_visible(timeout=SOON)
    for artist, title in (("Count Basie", "Shiny Stockings"), ("Seal", "Crazy"), ("Etta James", "At Last")):
        laptop.play(artist, title)
        expect(sarah.locator("#title")).to_have_text(title, timeout=SOON)
        expect(sarah.locator("#artist")).to_have_text(artist)
    expect(sarah.locator("#recent .of")).to_have_text(["Crazy", "Shiny Stockings"])

    # He loses his network: the page says so, the session goes on, what he plays meanwhile is not lost.
    laptop.cable.pull()
    expect(sarah.locator("#state")).to_have_text("Marcus is back in a moment", timeout=SOON)
    expect(sarah.locator("#title")).to_have_text("At Last")
    laptop.play("Gnarls Barkley", "Smiley Faces")
    laptop.cable.plug()
    expect(sarah.locator("#title")).to_have_text("Smiley Faces", timeout=60_000)
    expect(sarah.locator("#state")).to_have_text("Live")
    assert Session.objects.count() == 1

    # He ends; the page says who is next.
    laptop.end()
    expect(sarah.locator("#next")).to_contain_text("Ana", timeout=SOON)
    assert [p.title for p in Play.objects.order_by("played_at", "pk")] == [
        "Shiny Stockings",
        "Crazy",
        "At Last",
        "Smiley Faces",
    ]

    # Ana goes live from the booth page and types a track; Sarah sees it without a reload.
    booth = phone()
    log_in(booth, ana)
    booth.goto(f"{server.url}/booth/")
    booth.get_by_role("button", name="Go live").first.click()
    expect(booth.locator("#live")).to_be_visible()
    for number, title in enumerate(("First of hers", "Second of hers")):
        booth.fill("#t-artist", "Ana's Band")
        booth.fill("#t-title", title)
        booth.press("#t-title", "Enter")
        expect(sarah.locator("#title")).to_have_text(title, timeout=SOON)
        if number == 0:
            sarah.locator("#heart").click()
            expect(sarah.locator("#heart")).to_have_attribute("aria-pressed", "true")

    # She goes offline, likes another, comes back: both likes are there.
    sarah.context.set_offline(True)
    sarah.locator("#heart").click()
    expect(sarah.locator("#heart")).to_have_attribute("aria-pressed", "true")
    assert Like.objects.count() == 1
    sarah.context.set_offline(False)
    deadline = time.monotonic() + 60
    while Like.objects.count() < 2:
        assert time.monotonic() < deadline, "the like of the phone that was offline did not arrive"
        sarah.wait_for_timeout(100)
    assert sorted(Like.objects.values_list("play__title", flat=True)) == ["First of hers", "Second of hers"]
    assert Like.objects.values("guest").distinct().count() == 1
    assert sarah.evaluate("performance.timeOrigin") == opened_at

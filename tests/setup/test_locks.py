"""A lock ends with its holder, however that one ends."""

import threading

from pika.setup import lock

HOLD = """
import sys
from pathlib import Path
from pika.setup import lock
held = lock.hold(Path(sys.argv[1]))
print("held" if held else "refused", flush=True)
import time; time.sleep(60)
"""


def test_a_held_file_is_refused_to_others_and_free_after_closing(tmp_path):
    held = lock.hold(tmp_path / "lock")
    assert held is not None
    assert lock.hold(tmp_path / "lock") is None
    held.close()
    again = lock.hold(tmp_path / "lock")
    assert again is not None
    again.close()


def test_kill_9_lets_go_of_the_lock(tmp_path, child):
    holder = child("-c", HOLD, tmp_path / "lock")
    assert holder.stdout.readline() == "held\n"
    assert lock.hold(tmp_path / "lock") is None
    holder.kill()
    holder.wait()
    held = lock.hold(tmp_path / "lock")
    assert held is not None
    held.close()


def test_who_waits_gets_its_turn(tmp_path):
    held = lock.hold(tmp_path / "lock")
    assert held is not None
    turns = []

    def wait_for_it():
        with lock.hold(tmp_path / "lock", wait=True):
            turns.append("second")

    waiting = threading.Thread(target=wait_for_it)
    waiting.start()
    turns.append("first")
    held.close()
    waiting.join(10)
    assert turns == ["first", "second"]


def test_the_word_of_the_holder_can_be_read_by_those_who_are_turned_away(tmp_path):
    held = lock.hold(tmp_path / "lock")
    assert held is not None
    lock.write(held, "a longer word")
    lock.write(held, "word")
    assert lock.hold(tmp_path / "lock") is None
    assert (tmp_path / "lock").read_text() == "word"
    held.close()

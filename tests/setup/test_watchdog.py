"""Half a system never serves: the death of one thread is noticed, an orderly end is not."""

import threading

from pika.setup.embedded import watch


def test_the_first_thread_that_dies_is_named():
    alive = threading.Event()
    threads = {
        "worker": threading.Thread(target=alive.wait, daemon=True),
        "clock (beat)": threading.Thread(target=lambda: None, daemon=True),
    }
    for thread in threads.values():
        thread.start()
    dead = []
    watch(threads, threading.Event(), dead.append)
    assert dead == ["clock (beat)"]
    alive.set()


def test_threads_that_end_because_they_were_told_to_are_no_death():
    finished = threading.Thread(target=lambda: None)
    finished.start()
    finished.join()
    is_stopping = threading.Event()
    is_stopping.set()
    dead = []
    watch({"worker": finished}, is_stopping, dead.append)
    assert dead == []

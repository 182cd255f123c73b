"""Worker and clock as threads of the web process, and the watchdog that never lets half a system serve."""

import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

WORKER_THREADS = 8
_LOOK_EVERY = 0.25


class Embedded:
    """A Celery worker and its beat in threads. Threads, because a forked worker has hubs of its own and its
    broadcasts reach nobody."""

    def __init__(self, app: Any) -> None:
        from celery import beat
        from celery.worker import WorkController

        self.app = app
        concurrency = app.conf.worker_concurrency or WORKER_THREADS
        self.worker = WorkController(
            app=app,
            pool="threads",
            concurrency=concurrency,
            # There is one worker: nobody to gossip with.
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        # The in-memory scheduler: the schedule is code, a second copy in a file would only go stale.
        self.beat = beat.EmbeddedService(app, thread=True, scheduler_cls=beat.Scheduler)
        self.threads: dict[str, threading.Thread] = {
            "worker": threading.Thread(target=self.worker.start, name="worker", daemon=True),
            "clock (beat)": self.beat,
        }
        self.is_stopping = threading.Event()

    def start(self, on_death: Callable[[str], None]) -> None:
        """Start both; `on_death` is called once, from another thread, with the name of the first that dies unasked."""
        for thread in self.threads.values():
            thread.start()
        threading.Thread(
            target=watch, args=(self.threads, self.is_stopping, on_death), name="watchdog", daemon=True
        ).start()

    def stop(self) -> None:
        """Ask both to finish what they are doing and end. Returns at once."""
        from celery.worker import state

        self.is_stopping.set()
        self.beat.service.stop()
        # WorkController.stop() would wait for the tasks right here, in a thread that has other things to do.
        state.should_stop = 0
        threading.Thread(target=self._wake, daemon=True).start()

    def wait(self, until: float) -> bool:
        """Whether both have ended by `until` (time.monotonic)."""
        for thread in self.threads.values():
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self.threads.values())

    def _wake(self) -> None:
        # The worker looks at its flag between messages, waits two seconds for one, and waits once more on its way
        # out: two messages, so that Ctrl-C does not take four seconds.
        for _ in range(2):
            self.app.control.broadcast("ping", destination=[self.worker.hostname])


def watch(
    threads: Mapping[str, threading.Thread], is_stopping: threading.Event, on_death: Callable[[str], None]
) -> None:
    """Return when told to stop, or after calling `on_death` with the name of the first thread that is not alive."""
    while not is_stopping.wait(_LOOK_EVERY):
        for name, thread in threads.items():
            if not thread.is_alive() and not is_stopping.is_set():
                try:
                    on_death(name)
                except Exception:  # the last one to notice must not die silently
                    traceback.print_exc()
                return

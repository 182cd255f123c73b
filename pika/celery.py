"""Celery, and every clock there is. Anything that must not be lost is a row in `pika.jobs`."""

import os

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pika.settings")

app = Celery("pika")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "forget": {"task": "accounts.tasks.forget", "schedule": crontab(hour=4, minute=10), "options": {"expires": 3600}},
    "forget_backups": {
        "task": "playlists.tasks.forget",
        "schedule": crontab(hour=4, minute=40),
        "options": {"expires": 3600},
    },
    "forget_jobs": {
        "task": "pika.jobs.tasks.forget",
        "schedule": crontab(hour=4, minute=25),
        "options": {"expires": 3600},
    },
    "sweep": {"task": "pika.jobs.tasks.sweep", "schedule": 5.0, "options": {"expires": 10}},
}
# The schedule is the code above; the default scheduler would keep a second one in a file.
app.conf.beat_scheduler = "celery.beat.Scheduler"

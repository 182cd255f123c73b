"""Celery, and every clock there is. Anything that must not be lost is a row in `pika.jobs`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pika.settings")

app = Celery("pika")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "sweep": {"task": "pika.jobs.tasks.sweep", "schedule": 5.0, "options": {"expires": 10}},
}
# The schedule is the code above; the default scheduler would keep a second one in a file.
app.conf.beat_scheduler = "celery.beat.Scheduler"

"""Durable work: the table of jobs and the clock that rings for them."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class JobsConfig(AppConfig):
    name = "pika.jobs"
    label = "jobs"

    def ready(self) -> None:
        # Every process knows every kind of job, whether or not Celery ever looks for tasks in it.
        autodiscover_modules("tasks")

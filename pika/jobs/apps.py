"""Durable work: the table of jobs and the clock that rings for them."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "pika.jobs"
    label = "jobs"

"""The house itself: commands, templates and static files that belong to no single app."""

from django.apps import AppConfig


class PikaConfig(AppConfig):
    name = "pika"

    def ready(self) -> None:
        # Tasks are bound to the app that exists when they are first used: it must be ours.
        from pika.celery import app

        app.set_default()

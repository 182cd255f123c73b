"""The house itself: commands, templates and static files that belong to no single app."""

from django.apps import AppConfig


class PikaConfig(AppConfig):
    name = "pika"

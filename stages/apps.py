"""Live: stages, sessions and what they play."""

from django.apps import AppConfig


class StagesConfig(AppConfig):
    name = "stages"

"""What was heard: likes now, recordings and verification later."""

from django.apps import AppConfig


class TracksConfig(AppConfig):
    name = "tracks"

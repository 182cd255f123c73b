"""Where: a weekend with a time zone and its stages."""

from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "events"

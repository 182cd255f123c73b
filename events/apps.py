"""Where: a weekend with a time zone and its stages."""

from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "events"

    def ready(self) -> None:
        import events.personal  # noqa: F401

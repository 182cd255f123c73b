"""Live: stages, sessions and what they play."""

from django.apps import AppConfig


class StagesConfig(AppConfig):
    name = "stages"

    def ready(self) -> None:
        import stages.personal  # noqa: F401

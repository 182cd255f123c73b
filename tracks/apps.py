"""What was heard: likes now, recordings and verification later."""

from django.apps import AppConfig


class TracksConfig(AppConfig):
    name = "tracks"

    def ready(self) -> None:
        import tracks.personal  # noqa: F401
        from stages.actions.plays import recognisers
        from tracks.actions.linking import link_new

        recognisers.append(link_new)

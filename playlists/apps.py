"""What we keep on Spotify: accounts, exports, the workshop."""

from django.apps import AppConfig


class PlaylistsConfig(AppConfig):
    name = "playlists"

    def ready(self) -> None:
        import pika.gateways.spotify  # noqa: F401 its checks of the settings
        import playlists.personal  # noqa: F401
        from playlists import catalogue, linking, offering
        from tracks import streaming, suggestions
        from tracks.actions import recordings

        suggestions.suggesters.append(catalogue.search)
        suggestions.can_search.append(linking.can_use)
        suggestions.would_add.append(catalogue.would_add)
        recordings.lookups.append(catalogue.look_up)
        streaming.offers.append(offering.offer)
        streaming.published.append(offering.playlist_of)

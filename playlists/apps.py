"""What we keep on Spotify: the workshop."""

from django.apps import AppConfig


class PlaylistsConfig(AppConfig):
    name = "playlists"

"""The repository of recordings, for the platform's owner."""

from tracks.admin import recordings, verification

__all__ = ["recordings", "verification"]

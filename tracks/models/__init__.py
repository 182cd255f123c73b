"""What was heard: likes, recordings, and DJs' word on which is which."""

from tracks.models.likes import Like
from tracks.models.recordings import Identity, PlayLink, SpotifyTrack, Track, TrackKey, TrackQuerySet
from tracks.models.verification import TrackChange, Verification, VerificationQuerySet, Voice

__all__ = [
    "Identity",
    "Like",
    "PlayLink",
    "SpotifyTrack",
    "Track",
    "TrackChange",
    "TrackKey",
    "TrackQuerySet",
    "Verification",
    "VerificationQuerySet",
    "Voice",
]

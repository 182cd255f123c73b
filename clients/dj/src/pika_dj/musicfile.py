"""What the music file itself says about a track: its tags, its comment (PIKAHIDE), its fingerprints."""

from __future__ import annotations

import os
from dataclasses import replace

from tinytag import TinyTag

from pika_dj.hashes import audio_hash, file_hash
from pika_dj.names import TAGS, name_track
from pika_dj.screen import log
from pika_dj.tracks import HeardTrack

LARGEST = 200_000_000  # bytes; a two-hour WAV is not worth the wait before a track is announced


def complete(track: HeardTrack) -> HeardTrack:
    """The track with what its file adds, or as it was when the file is not on this computer. Never raises."""
    try:
        if not track.path or not os.path.isfile(track.path) or os.path.getsize(track.path) > LARGEST:
            return track
        track = replace(track, file_hash=file_hash(track.path), audio_hash=audio_hash(track.path))
    except (OSError, ValueError):
        return track
    try:
        return _with_tags(track, TinyTag.get(track.path))
    except Exception as error:  # a broken file breaks a tag reader in ways nobody lists
        log.info("tags of %s cannot be read: %s", track.path, error)
        return track


def _with_tags(track: HeardTrack, tags: TinyTag) -> HeardTrack:
    if track.quality != TAGS and tags.title:
        name = name_track(tags.artist or "", tags.title, "", track.path)
        if name.quality == TAGS:
            track = replace(track, title=name.title, artist=name.artist, quality=TAGS)
    comments = [track.comment, tags.comment or "", *tags.other.get("comment", [])]
    return replace(
        track,
        comment=" ".join(filter(None, comments)),
        album=track.album or tags.album or "",
        isrc=track.isrc or next(iter(tags.other.get("isrc", [])), ""),
        key=track.key or next(iter(tags.other.get("initial_key", [])), ""),
        duration_ms=track.duration_ms or int((tags.duration or 0) * 1000) or None,
    )

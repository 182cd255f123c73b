"""Plays, recordings and words on them, for the tests of verifying."""

import itertools
from datetime import timedelta

from django.utils import timezone

from pika.titles import identity
from stages.models import Play
from tracks.actions.linking import link_new
from tracks.actions.verify import say
from tracks.models import PlayLink, Track
from tracks.recognition import Verdict

clock = itertools.count()


def heard(dj, title="At Last", artist="Etta James", **fields):
    """A play as it starts."""
    session = dj.sessions.get()
    its = Play.objects.create(
        session=session,
        title=title,
        artist=artist,
        identity=identity(artist, title, fields.get("remix", "")),
        played_at=timezone.now() + timedelta(seconds=next(clock)),
        **fields,
    )
    link_new([its])
    return its


def recording(title="At Last", artist="Etta James", **fields):
    return Track.objects.create(title=title, artist=artist, identity=identity(artist, title), **fields)


def confirm(dj, track, **fields):
    its = heard(dj, **fields)
    say(dj, its, Verdict.CONFIRM, track)
    return its


def known_as(play):
    """(track, how) of a play; None while it is not linked."""
    link = PlayLink.objects.filter(play=play).first()
    return (link.track, link.how) if link else None

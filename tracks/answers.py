"""What the API answers about likes and recordings."""

from rest_framework import serializers

from pika.live.messages import Message, iso
from pika.spotify_links import track_link
from stages.answers import StageAnswer
from stages.serializers import play_of, stage_of
from tracks.links import link_of
from tracks.models import Like
from tracks.questions import Question
from tracks.suggestions import Offer


class LikeAnswer(serializers.Serializer):
    playId = serializers.CharField()
    sessionId = serializers.CharField()
    djName = serializers.CharField()
    playedAt = serializers.DateTimeField()
    likedAt = serializers.DateTimeField()
    track = serializers.DictField()
    stage = StageAnswer(allow_null=True, help_text="Null: a Quick Start.")
    eventId = serializers.CharField(allow_null=True)
    note = serializers.CharField()
    link = serializers.CharField(help_text="Where one can hear it; empty where we know no place.")


class LikesAnswer(serializers.Serializer):
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = LikeAnswer(many=True)


def like_answer(like: Like) -> Message:
    """A like with all that a program needs to show it."""
    stage = like.play.session.stage
    return play_of(like.play) | {
        "likedAt": iso(like.liked_at),
        "stage": stage_of(stage) if stage else None,
        "eventId": stage.event.slug if stage else None,
        "note": like.note,
        "link": link_of(like.play),
    }


# --- Verifying ----------------------------------------------------------------------------------------------
class DifferenceAnswer(serializers.Serializer):
    field = serializers.ChoiceField(["artist", "title", "version", "duration"])  # type: ignore[assignment]
    play = serializers.CharField(help_text="As the DJ's file says it.")
    track = serializers.CharField(help_text="As the recording is called.")


class SuggestionAnswer(serializers.Serializer):
    trackId = serializers.CharField(help_text="Empty: not ours yet; confirm it by `link`.")
    link = serializers.CharField(help_text="On Spotify; may be empty.")
    title = serializers.CharField()
    version = serializers.CharField()
    artist = serializers.CharField()
    album = serializers.CharField()
    isrc = serializers.CharField()
    durationMs = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField(help_text="`same_audio`, `same_name`, `similar`, `conflict` …")
    words = serializers.CharField(help_text="The reason, for people.")
    djs = serializers.IntegerField(help_text="How many DJs say so.")
    lastSaidAt = serializers.DateTimeField(allow_null=True)
    differences = DifferenceAnswer(many=True)


class SearchAnswer(serializers.Serializer):
    suggestions = SuggestionAnswer(many=True)


class QuestionAnswer(serializers.Serializer):
    playId = serializers.CharField()
    playedAt = serializers.DateTimeField()
    track = serializers.DictField()
    times = serializers.IntegerField(help_text="In this set.")
    heard = serializers.IntegerField(help_text="At all, by anybody, under this name.")
    isConflict = serializers.BooleanField(help_text="DJs do not agree; the suggestions say about what.")
    suggestions = SuggestionAnswer(many=True)


class QuestionsAnswer(serializers.Serializer):
    count = serializers.IntegerField(help_text="Still open.")
    total = serializers.IntegerField(help_text="All recordings of the set.")
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = QuestionAnswer(many=True)


class VerdictResult(serializers.Serializer):
    playId = serializers.CharField()
    status = serializers.ChoiceField(["ok", "rejected"])
    trackId = serializers.CharField(required=False)
    words = serializers.CharField(required=False, help_text="What the recording is called.")
    error = serializers.CharField(required=False)
    code = serializers.CharField(required=False)


class VerdictsAnswer(serializers.Serializer):
    results = VerdictResult(many=True)


def question_answer(question: Question, suggestions: list[Offer], is_conflict: bool) -> Message:
    """A question with what the answer may be."""
    said = play_of(question.play)
    return {
        "playId": said["playId"],
        "playedAt": said["playedAt"],
        "track": said["track"],
        "times": question.times,
        "heard": question.heard,
        "isConflict": is_conflict,
        "suggestions": [offer_answer(offer) for offer in suggestions],
    }


def offer_answer(offer: Offer) -> Message:
    """What a play may be."""
    return {
        "trackId": offer.code,
        "link": track_link(offer.spotify_id) if offer.spotify_id else "",
        "title": offer.title,
        "version": offer.version,
        "artist": offer.artist,
        "album": offer.album,
        "isrc": offer.isrc,
        "durationMs": offer.duration_ms,
        "reason": offer.reason,
        "words": offer.words,
        "djs": offer.djs,
        "lastSaidAt": iso(offer.answer.last_at) if offer.answer else None,
        "differences": [{"field": its.field.value, "play": its.play, "track": its.track} for its in offer.differences],
    }

"""What the API answers, for the OpenAPI document."""

from rest_framework import serializers

from pika.api import ErrorAnswer

__all__ = ["ErrorAnswer"]


class StageAnswer(serializers.Serializer):
    stageId = serializers.CharField()
    name = serializers.CharField()
    eventName = serializers.CharField()
    url = serializers.URLField(required=False)
    state = serializers.CharField(required=False)
    djName = serializers.CharField(required=False, allow_null=True)
    play = serializers.DictField(required=False, allow_null=True)
    nextSlot = serializers.DictField(required=False, allow_null=True)


class SlotAnswer(serializers.Serializer):
    slotId = serializers.CharField()
    stageId = serializers.CharField()
    startsAt = serializers.DateTimeField()
    endsAt = serializers.DateTimeField()
    djName = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.CharField()


class StarAnswer(serializers.Serializer):
    slotId = serializers.CharField()
    isStarred = serializers.BooleanField()


class SessionAnswer(serializers.Serializer):
    sessionId = serializers.CharField()
    djName = serializers.CharField()
    isLive = serializers.BooleanField()
    startedAt = serializers.DateTimeField()
    delaySeconds = serializers.IntegerField()
    isPaused = serializers.BooleanField()
    note = serializers.CharField()
    stage = StageAnswer(allow_null=True)
    url = serializers.URLField()


class PlayResult(serializers.Serializer):
    playId = serializers.CharField()
    status = serializers.ChoiceField(["created", "duplicate", "rejected"])
    error = serializers.CharField(required=False)


class PlaysAnswer(serializers.Serializer):
    results = PlayResult(many=True)


class PlayAnswer(serializers.Serializer):
    playId = serializers.CharField()
    sessionId = serializers.CharField()
    djName = serializers.CharField()
    playedAt = serializers.DateTimeField()
    isHidden = serializers.BooleanField()
    likes = serializers.IntegerField(required=False)
    track = serializers.DictField()


class AnnouncementAnswer(serializers.Serializer):
    announcementId = serializers.CharField()
    message = serializers.CharField()
    priority = serializers.ChoiceField(["info", "important", "urgent"])
    stageIds = serializers.ListField(child=serializers.CharField(), help_text="None: the whole event.")
    timestamp = serializers.DateTimeField()
    endsAt = serializers.DateTimeField()
    cancelledAt = serializers.DateTimeField(allow_null=True)
    people = serializers.IntegerField(help_text="Devices that followed these stages when it was sent.")
    phones = serializers.IntegerField(help_text="Of them those a push was sent to.")
    delivered = serializers.IntegerField(help_text="Pushes the push services took until now.")
    seen = serializers.IntegerField(help_text="Devices that showed it to somebody until now.")

"""What may come in about events."""

from rest_framework import serializers

from events.models import check_zone


class NewEventForm(serializers.Serializer):
    organizerId = serializers.SlugField(max_length=60)
    name = serializers.CharField(max_length=120)
    timeZone = serializers.CharField(max_length=60, validators=[check_zone])
    startsOn = serializers.DateField()
    endsOn = serializers.DateField()
    description = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    publish = serializers.BooleanField(default=False)

    def validate(self, data):
        if data["endsOn"] < data["startsOn"]:
            raise serializers.ValidationError({"endsOn": "the event ends before it starts"})
        return data


class EventAnswer(serializers.Serializer):
    eventId = serializers.SlugField()
    name = serializers.CharField()
    timeZone = serializers.CharField()
    startsOn = serializers.DateField()
    endsOn = serializers.DateField()
    status = serializers.CharField()

"""What goes in and out of the people's API."""

from rest_framework import serializers


class MeAnswer(serializers.Serializer):
    name = serializers.CharField()
    email = serializers.EmailField()
    scopes = serializers.ListField(child=serializers.CharField())
    serverTime = serializers.DateTimeField()


class GuestAnswer(serializers.Serializer):
    guestToken = serializers.CharField(help_text="Keep it: it is this device.")

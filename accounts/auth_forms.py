"""What may come in from programs that register and log in, and what they are answered."""

from typing import Any

from rest_framework import serializers


class Address(serializers.EmailField):
    """An e-mail address, as we keep it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=254, **options)

    def to_internal_value(self, data: Any) -> str:
        return str(super().to_internal_value(data)).lower()


class NewPassword(serializers.CharField):
    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=200, trim_whitespace=False, **options)


def secret_of_device() -> serializers.CharField:
    return serializers.CharField(required=False, max_length=200, help_text="Of POST /api/v1/guests.")


class RegistrationForm(serializers.Serializer):
    email = Address()
    password = NewPassword(help_text="At least 12 characters, and hard to guess. Only checked: it counts at `confirm`.")
    name = serializers.CharField(required=False, max_length=80, help_text="What others see.")
    guestToken = secret_of_device()


class RegistrationAnswer(serializers.Serializer):
    status = serializers.ChoiceField(["confirm"], help_text="Ask the person for the code in our letter.")
    email = serializers.EmailField()


class ConfirmForm(serializers.Serializer):
    email = Address()
    code = serializers.CharField(max_length=20)
    password = NewPassword(help_text="What opens the account from now on. As for the registration.")
    guestToken = secret_of_device()
    deviceName = serializers.CharField(required=False, max_length=80, help_text="As the login history calls it.")


class AskAgainForm(serializers.Serializer):
    email = Address()


class LoginForm(serializers.Serializer):
    email = Address()
    password = NewPassword()
    guestToken = secret_of_device()
    deviceName = serializers.CharField(required=False, max_length=80, help_text="As the login history calls it.")


class ClaimForm(serializers.Serializer):
    guestToken = serializers.CharField(max_length=200)


class HeldForm(serializers.Serializer):
    guestToken = serializers.CharField(required=False, max_length=200, help_text="Left out: the cookie of a page.")


class ClaimedAnswer(serializers.Serializer):
    moved = serializers.DictField(
        child=serializers.IntegerField(), help_text='{"likes": 5}; what there was none of is not in it.'
    )
    known = serializers.DictField(child=serializers.IntegerField(), help_text="What the account had already.")


class ClaimAnswer(serializers.Serializer):
    claimed = ClaimedAnswer()
    message = serializers.CharField(help_text="The same in words; may be empty.")


class LoginAnswer(ClaimAnswer):
    token = serializers.CharField(help_text="For Authorization: Bearer. Shown this once.")
    expiresAt = serializers.DateTimeField()
    name = serializers.CharField()
    email = serializers.EmailField()
    roles = serializers.ListField(child=serializers.CharField())
    isGuestRefused = serializers.BooleanField(help_text="The device is somebody else's: nothing moved.")

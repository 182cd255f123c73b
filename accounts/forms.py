"""What may come in about people and organizers, and what their API answers."""

from django import forms
from django.core.validators import URLValidator
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.models import Membership


class MeAnswer(serializers.Serializer):
    name = serializers.CharField()
    email = serializers.EmailField()
    roles = serializers.ListField(child=serializers.CharField(), help_text="dancer; dj, organizer, admin if so.")
    scopes = serializers.ListField(child=serializers.CharField())
    serverTime = serializers.DateTimeField()


class GuestAnswer(serializers.Serializer):
    guestToken = serializers.CharField(help_text="Keep it: it is this device.")


class PushKeysForm(serializers.Serializer):
    p256dh = serializers.CharField(max_length=100)
    auth = serializers.CharField(max_length=40)


class PushForm(serializers.Serializer):
    endpoint = serializers.CharField(max_length=1000, help_text="As the browser's PushSubscription has it.")
    keys = PushKeysForm()
    vapidKey = serializers.CharField(max_length=100, help_text="The key of the server that it was made for.")
    guestToken = serializers.CharField(required=False, max_length=200)


class NoPushForm(serializers.Serializer):
    endpoint = serializers.CharField(max_length=1000)
    guestToken = serializers.CharField(required=False, max_length=200)


class PushAnswer(serializers.Serializer):
    vapidKey = serializers.CharField(help_text="Subscribe with it. Empty: notifications are not set up here.")


# --- Forms of pages -----------------------------------------------------------------------------------
class OneLine(forms.CharField):
    """A line of text: whatever white space was pasted into it is one blank."""

    def to_python(self, value):
        return " ".join(str(super().to_python(value)).split())


NO_ADDRESS = _("This is no web address. Like https://wcs.example")


class WebAddress(forms.URLField):
    """Of the web and of nothing else."""

    default_validators = [URLValidator(schemes=["http", "https"], message=NO_ADDRESS)]
    default_error_messages = {"invalid": NO_ADDRESS}


class ApplyForm(forms.Form):
    name = OneLine(
        label=_("Name of your organization"),
        max_length=120,
        help_text=_("As dancers know it, e.g. WCS Budapest."),
        error_messages={"required": _("What is your organization called?")},
    )
    about = forms.CharField(
        label=_("Who are you, and what event is it?"),
        max_length=2000,
        widget=forms.Textarea({"rows": 6}),
        help_text=_("A few sentences: where, when, how many dancers, what you did before."),
        error_messages={"required": _("Tell us a little: we decide by it.")},
    )
    link = WebAddress(
        label=_("Link (if there is one)"),
        max_length=300,
        required=False,
        assume_scheme="https",
        help_text=_("The event’s page, Facebook, Instagram …"),
    )


class InviteForm(forms.Form):
    role = forms.ChoiceField(label=_("What they may do"), choices=Membership.Role, initial=Membership.Role.MANAGER)
    note = OneLine(label=_("Whom it is for"), max_length=80, required=False, help_text=_("A note for yourself."))


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Membership.Role)

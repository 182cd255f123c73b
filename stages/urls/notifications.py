"""What may wake this phone."""

from django.urls import path

from stages.views import notifications

urlpatterns = [
    path("me/notifications", notifications.show_notifications, name="show_notifications"),
    path("me/notifications/offer", notifications.show_offer, name="show_offer"),
    path("e/<slug:slug>/mute", notifications.mute_event, name="mute_event"),
    path("e/<slug:slug>/unmute", notifications.unmute_event, name="unmute_event"),
]

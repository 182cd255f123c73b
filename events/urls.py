"""The pages of an organizer's events."""

from django.urls import path

from events import views

app_name = "events"
urlpatterns = [path("organize/<slug:organizer>/", views.show_organizer, name="show_organizer")]

"""Organizers' events: form, preview, publish, posters, dashboard; and their public page."""

from django.urls import path

from stages.views import dashboard, events, posters

urlpatterns = [
    path("e/<slug:slug>", events.show_event, name="show_event"),
    path("e/<slug:slug>/qr.<str:kind>", events.show_event_qr, name="show_event_qr"),
    path("organize/<slug:organizer>/events/new", events.new_event, name="new_event"),
    path("organize/e/<slug:slug>/", dashboard.show_dashboard, name="show_dashboard"),
    path("organize/e/<slug:slug>/edit", events.edit_event, name="edit_event"),
    path("organize/e/<slug:slug>/preview", events.preview_event, name="preview_event"),
    path("organize/e/<slug:slug>/publish", events.publish_event, name="publish_event"),
    path("organize/e/<slug:slug>/unpublish", events.unpublish_event, name="unpublish_event"),
    path("organize/e/<slug:slug>/archive", events.archive_event, name="archive_event"),
    path("organize/e/<slug:slug>/duplicate", events.duplicate_event, name="duplicate_event"),
    path("organize/e/<slug:slug>/posters", posters.show_posters, name="show_posters"),
    path("organize/e/<slug:slug>/posters/<str:code>", posters.show_poster, name="show_poster"),
]

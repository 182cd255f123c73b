"""Every address."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

import accounts.api
import events.api
import stages.api
from pika import health
from pika.metrics import show_metrics

api = [
    path("me", accounts.api.show_me),
    path("guests", accounts.api.create_guest),
    path("push/subscriptions", accounts.api.push_subscriptions),
    path("events", events.api.create_event),
    path("events/<slug:slug>/stages", stages.api.event_stages),
    path("events/<slug:slug>/schedule", stages.api.event_schedule),
    path("events/<slug:slug>/announcements", stages.api.event_announcements),
    path("events/<slug:slug>/announcements/<str:code>/cancel", stages.api.cancel_announcement),
    path("stages", stages.api.create_stage),
    path("stages/<str:code>", stages.api.show_stage),
    path("stages/<str:code>/subscribe", stages.api.subscribe),
    path("slots/<str:code>/star", stages.api.star_slot),
    path("sessions", stages.api.go_live),
    path("sessions/<str:code>", stages.api.show_session),
    path("sessions/<str:code>/end", stages.api.end_session),
    path("sessions/<str:code>/plays", stages.api.session_plays),
    path("sessions/<str:code>/plays/<uuid:uuid>/hide", stages.api.hide_play),
    path("schema", SpectacularAPIView.as_view()),
]
urlpatterns = [
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("metrics", show_metrics),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include(api)),
    path("", include("accounts.urls")),
    path("", include("events.urls")),
    path("", include("stages.urls")),
]
handler400, handler404, handler500 = "pika.api.bad_request", "pika.api.not_found", "pika.api.went_wrong"

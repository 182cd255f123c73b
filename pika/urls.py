"""Every address."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

import accounts.api.auth
import accounts.api.guests
import accounts.api.me
import accounts.api.push
import events.api
import playlists.api
import stages.api
import tracks.api
import tracks.verify_api
from accounts.views import entrance
from pika import health
from pika.metrics import show_metrics

api = [
    path("me", accounts.api.me.show_me),
    path("auth/register/dancer", accounts.api.auth.register_dancer),
    path("auth/confirm", accounts.api.auth.confirm_email),
    path("auth/confirm/resend", accounts.api.auth.resend_code),
    path("auth/login/dancer", accounts.api.auth.log_in_dancer),
    path("auth/claim-guest", accounts.api.auth.claim_guest),
    path("guests", accounts.api.guests.guests),
    path("guests/rotate", accounts.api.guests.rotate_guest),
    path("push/subscriptions", accounts.api.push.push_subscriptions),
    path("events", events.api.create_event),
    path("events/<slug:slug>/stages", stages.api.event_stages),
    path("events/<slug:slug>/schedule", stages.api.event_schedule),
    path("events/<slug:slug>/announcements", stages.api.event_announcements),
    path("events/<slug:slug>/announcements/<str:code>/cancel", stages.api.cancel_announcement),
    path("stages", stages.api.create_stage),
    path("stages/<str:code>", stages.api.show_stage),
    path("stages/<str:code>/subscribe", stages.api.subscribe),
    path("slots/<str:code>/star", stages.api.star_slot),
    path("dancer/likes", tracks.api.list_likes),
    path("sessions", stages.api.go_live),
    path("sessions/<str:code>", stages.api.show_session),
    path("sessions/<str:code>/end", stages.api.end_session),
    path("sessions/<str:code>/plays", stages.api.session_plays),
    path("sessions/<str:code>/plays/<uuid:uuid>/hide", stages.api.hide_play),
    path("sessions/<str:code>/unverified-tracks", tracks.verify_api.list_questions),
    path("plays/<uuid:uuid>/search", tracks.verify_api.search_play),
    path("tracks/verify", tracks.verify_api.verify_tracks),
    path("tracks/export-to-spotify", playlists.api.export_to_spotify),
    path("exports/<str:code>", playlists.api.show_export),
    path("schema", SpectacularAPIView.as_view()),
]
urlpatterns = [
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("metrics", show_metrics),
    path("admin/", admin.site.urls),
    path("accounts/logout/", entrance.log_out, name="account_logout"),
    path("accounts/confirm-email/", entrance.confirm_email, name="account_email_verification_sent"),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include(api)),
    path("", include("accounts.urls")),
    path("", include("events.urls")),
    path("", include("stages.urls")),
    path("", include("tracks.urls")),
    path("", include("playlists.urls")),
]
handler400, handler404, handler500 = "pika.api.bad_request", "pika.api.not_found", "pika.api.went_wrong"

"""Dancers, displays, the booth."""

from django.urls import path

from stages.views import floor as views

urlpatterns = [
    path("", views.welcome, name="welcome"),
    path("find", views.find_stage, name="find_stage"),
    path("booth/", views.booth, name="booth"),
    path("s/<str:code>", views.show_stage, name="show_stage"),
    path("s/<str:code>/wall", views.show_wall, name="show_wall"),
    path("s/<str:code>/overlay", views.show_overlay, name="show_overlay"),
    path("s/<str:code>/qr.<str:kind>", views.show_qr, name="show_qr"),
    path("l/<str:code>", views.show_session, name="show_session"),
    path("l/<str:code>/qr.<str:kind>", views.show_session_qr, name="show_session_qr"),
    path("sw.js", views.service_worker, name="service_worker"),
    path("manifest.webmanifest", views.manifest, name="manifest"),
]

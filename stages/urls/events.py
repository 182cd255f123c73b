"""Organizers' events: form, preview, publish, posters, dashboard; and their public page."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []

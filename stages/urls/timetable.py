"""The timetable: organizers edit and publish it, dancers read and star it."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []

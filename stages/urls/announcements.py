"""What organizers tell their people."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []

"""Elena's weekend, played by robots."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "pika.demo"
    label = "demo"

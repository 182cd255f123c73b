"""Who: people, devices, organizers and the tokens of programs."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

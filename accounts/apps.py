"""Who: people, devices, organizers and the tokens of programs."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        import accounts.erasing
        import accounts.handing_out  # noqa: F401


class PlatformConfig(AdminConfig):
    default_site = "accounts.admin_site.PlatformSite"

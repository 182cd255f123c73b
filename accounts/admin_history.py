"""What happened, for the platform's owner: to be read, and never changed."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.models import Activity, LoginEvent


class HistoryAdmin(admin.ModelAdmin):
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Activity)
class ActivityAdmin(HistoryAdmin):
    list_display = ["done_at", "actor", "verb", "target", "organizer", "event_slug"]
    list_filter = ["verb", "done_at"]
    list_select_related = ["actor", "organizer"]
    search_fields = ["actor__email", "actor__name", "target", "organizer__name", "event_slug"]
    date_hierarchy = "done_at"


@admin.register(LoginEvent)
class LoginEventAdmin(HistoryAdmin):
    """Without the session's key: it opens the session."""

    fields = ["user", "logged_in_at", "how", "is_two_factor", "device", "ended_at", "ended_how"]
    list_display = ["user", "logged_in_at", "how", "is_two_factor", "device", "ended_at", "ended_how"]
    list_filter = ["how", "ended_how", "logged_in_at"]
    list_select_related = ["user"]
    search_fields = ["user__email", "user__name", "device"]
    date_hierarchy = "logged_in_at"

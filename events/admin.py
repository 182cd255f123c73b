"""Events, for the platform's owner."""

from django.contrib import admin

from events.models import Event


@admin.register(Event)
class EventAdmin(admin.ModelAdmin):
    list_display = ["name", "organizer", "starts_on", "ends_on", "time_zone", "status"]
    list_filter = ["status"]
    search_fields = ["name", "slug", "organizer__name"]
    autocomplete_fields = ["organizer"]
    prepopulated_fields = {"slug": ["name"]}
    date_hierarchy = "starts_on"

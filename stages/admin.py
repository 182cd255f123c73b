"""Stages, slots, sessions, plays and polls, for the platform's owner."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from stages.models import Announcement, Play, Poll, Session, Slot, Stage


class SlotInline(admin.TabularInline):
    model = Slot
    fields = ["starts_at", "ends_at", "dj", "dj_name", "title", "kind"]
    autocomplete_fields = ["dj"]
    extra = 0


@admin.register(Stage)
class StageAdmin(admin.ModelAdmin):
    list_display = ["name", "event", "code", "position", "is_closed", "qr"]
    list_filter = ["is_closed"]
    search_fields = ["name", "code", "event__name"]
    autocomplete_fields = ["event"]
    list_select_related = ["event"]
    readonly_fields = ["code", "qr"]
    inlines = [SlotInline]

    @admin.display(description="QR")
    def qr(self, stage):
        if not stage.pk:
            return "after saving"
        svg, png = (reverse("stages:show_qr", args=[stage.code, kind]) for kind in ("svg", "png"))
        page = reverse("stages:show_stage", args=[stage.code])
        return format_html('<a href="{}">page</a> · <a href="{}">SVG</a> · <a href="{}">PNG</a>', page, svg, png)


@admin.register(Session)
class SessionAdmin(admin.ModelAdmin):
    list_display = ["dj_name", "code", "stage", "started_at", "ended_at", "ended_why"]
    list_filter = ["ended_why"]
    search_fields = ["dj_name", "code", "dj__email"]
    list_select_related = ["stage__event"]
    raw_id_fields = ["dj", "stage"]
    date_hierarchy = "started_at"


@admin.register(Play)
class PlayAdmin(admin.ModelAdmin):
    list_display = ["title", "artist", "session", "played_at", "is_hidden"]
    list_filter = ["is_hidden", "is_replay"]
    search_fields = ["title", "artist", "session__dj_name"]
    list_select_related = ["session"]
    raw_id_fields = ["session"]
    date_hierarchy = "played_at"
    show_full_result_count = False


@admin.register(Poll)
class PollAdmin(admin.ModelAdmin):
    list_display = ["question", "session", "created_at", "ended_at", "is_cancelled"]
    search_fields = ["question", "session__dj_name"]
    list_select_related = ["session"]
    raw_id_fields = ["session"]
    date_hierarchy = "created_at"


@admin.register(Announcement)
class AnnouncementAdmin(admin.ModelAdmin):
    list_display = ["message", "event", "session", "priority", "created_at", "ends_at", "cancelled_at"]
    list_filter = ["priority"]
    raw_id_fields = ["event", "session", "stages", "author", "push"]

"""What of Spotify lies here, to look at; tokens are never shown."""

from django.contrib import admin

from playlists.models import Export, Rewrite, SpotifyLink


class ToLookAt(admin.ModelAdmin):
    """Written by workers and their owners alone."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False


@admin.register(SpotifyLink)
class SpotifyLinkAdmin(ToLookAt):
    list_display = ["user", "name", "scopes", "authorised_at", "needs_relink_at"]
    exclude = ["access_token", "refresh_token"]
    list_select_related = ["user"]
    search_fields = ["user__email", "name"]


@admin.register(Export)
class ExportAdmin(ToLookAt):
    list_display = ["title", "owner", "kind", "state", "written", "words", "created_at"]
    exclude = ["wanted", "last_written"]
    list_filter = ["state", "kind"]
    list_select_related = ["owner"]
    search_fields = ["code", "title", "owner__email"]


@admin.register(Rewrite)
class RewriteAdmin(ToLookAt):
    list_display = ["playlist_id", "owner", "state", "words", "started_at", "finished_at"]
    exclude = ["backup", "target"]
    list_filter = ["state"]
    list_select_related = ["owner"]

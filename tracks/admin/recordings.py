"""Recordings: find them, merge what is one, split what is two."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html

from pika.errors import Problem
from stages.models import Play
from tracks.actions import repair
from tracks.models import Identity, SpotifyTrack, Track
from tracks.recognition import plays_of

WIDE = {"class": "vLargeTextField"}


class SpotifyInline(admin.TabularInline):
    model = SpotifyTrack
    fields = ["spotify_id", "added_at", "gone_at"]
    readonly_fields = ["spotify_id", "added_at", "gone_at"]
    extra = 0
    can_delete = False

    def has_add_permission(self, request, obj=None):
        return False


@admin.register(Track)
class TrackAdmin(admin.ModelAdmin):
    list_display = ["title", "version", "artist", "isrc", "plays", "djs", "created_at", "merged"]
    search_fields = ["title", "artist", "isrc__iexact", "spotify_tracks__spotify_id__exact", "code__exact"]
    search_help_text = "Title, artist, ISRC or Spotify id."
    list_per_page = 50
    show_full_result_count = False
    fields = ["title", "version", "artist", "album", "isrc", "duration_ms", "bpm", "code", "sources", "split_it"]
    readonly_fields = ["code", "sources", "split_it"]
    inlines = [SpotifyInline]
    actions = ["merge"]
    ordering = ["-created_at"]

    def get_queryset(self, request):
        counted = super().get_queryset(request).select_related("merged_into")
        return counted.annotate(
            plays_count=Count("links", distinct=True),
            djs_count=Count("verifications__dj", distinct=True, filter=Q(verifications__withdrawn_at=None)),
        )

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False  # a recording that is none is merged into what it is; plays stay right

    def save_model(self, request, obj, form, change):
        repair.correct(obj, form.changed_data, request.user)

    @admin.display(ordering="plays_count")
    def plays(self, track):
        return track.plays_count

    @admin.display(description="DJs", ordering="djs_count")
    def djs(self, track):
        return track.djs_count

    @admin.display(description="merged into")
    def merged(self, track):
        return str(track.merged_into or "")

    @admin.display(description="two recordings?")
    def split_it(self, track):
        return format_html(
            '<a class="button" href="{}">Split …</a>', reverse("admin:tracks_track_split", args=[track.pk])
        )

    def get_urls(self):
        mine = [path("<int:pk>/split/", self.admin_site.admin_view(self.split), name="tracks_track_split")]
        return mine + super().get_urls()

    # --- Merge ---
    @admin.action(description="Merge: these are one recording …", permissions=["change"])
    def merge(self, request, queryset):
        tracks = list(queryset.filter(merged_into=None))
        if len(tracks) < 2:
            self.message_user(request, "Choose two or more that were not merged before.", messages.WARNING)
            return None
        form = MergeForm(request.POST if "into" in request.POST or "reason" in request.POST else None, tracks=tracks)
        if form.is_valid():
            into = form.cleaned_data["into"]
            try:
                with transaction.atomic():
                    for track in tracks:
                        if track != into:
                            repair.merge(track, into, request.user, form.cleaned_data["reason"])
            except Problem as problem:
                self.message_user(request, problem.message, messages.ERROR)
                return None
            words = f"Merged into {into}. Plays are linked anew within a minute; the log can take it back."
            self.message_user(request, words, messages.SUCCESS)
            return None
        versions = {track.version for track in tracks}
        codes = {track.isrc for track in tracks if track.isrc}
        page = {
            "title": "Merge these recordings",
            "form": form,
            "tracks": tracks,
            "spotify": {its.pk: its.spotify_tracks.count() for its in tracks},
            "is_other_version": len(versions) > 1,
            "is_other_isrc": len(codes) > 1,
        }
        return TemplateResponse(request, "admin/tracks/merge.html", self._page(request) | page)

    # --- Split ---
    def split(self, request, pk):
        track = get_object_or_404(Track.objects.own(), pk=pk)
        if not self.has_change_permission(request, track):
            return redirect("admin:index")
        told = Identity.objects.filter(Q(track=track) | Q(words__track=track) | Q(words__track__merged_into=track))
        identities = list(told.distinct().order_by("kind", "value"))
        form = SplitForm(request.POST or None, track=track, identities=identities)
        if form.is_valid():
            said = form.cleaned_data
            fields = {name: said[name] for name in ("title", "version", "artist")}
            new = repair.split(track, said["identities"], said["spotify"], request.user, said["reason"], **fields)
            words = f"Split: {new}. Plays are linked anew within a minute; the log can take it back."
            self.message_user(request, words, messages.SUCCESS)
            return redirect("admin:tracks_track_change", new.pk)
        page = {"title": f"Split {track}", "form": form, "track": track, "rows": rows_of(identities)}
        return TemplateResponse(request, "admin/tracks/split.html", self._page(request) | page)

    def _page(self, request: HttpRequest) -> dict[str, Any]:
        return self.admin_site.each_context(request) | {"opts": self.model._meta}


def rows_of(identities: list[Identity]) -> list[dict[str, Any]]:
    """Each with how often it was played, and the name it was played under last."""
    rows = []
    for its in identities:
        plays = Play.objects.filter(plays_of([its])).order_by("-played_at", "-pk")
        rows.append({"identity": its, "plays": plays.count(), "named": plays.first()})
    return rows


class MergeForm(forms.Form):
    into = forms.ModelChoiceField(
        Track.objects.none(), empty_label=None, error_messages={"required": "Choose the one that stays."}
    )
    reason = forms.CharField(
        max_length=500, widget=forms.TextInput(WIDE), error_messages={"required": "Say why: it stands in the log."}
    )

    def __init__(self, *args: Any, tracks: list[Track], **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["into"].queryset = Track.objects.filter(pk__in=[its.pk for its in tracks])  # type: ignore[attr-defined]


class SplitForm(forms.Form):
    identities = forms.ModelMultipleChoiceField(
        Identity.objects.none(), error_messages={"required": "Choose what belongs to the other recording."}
    )
    spotify = forms.ModelMultipleChoiceField(SpotifyTrack.objects.none(), required=False)
    title = forms.CharField(max_length=500, widget=forms.TextInput(WIDE))
    version = forms.CharField(max_length=200, required=False, help_text="Remix, live, acoustic …; empty: the original.")
    artist = forms.CharField(max_length=500, required=False, widget=forms.TextInput(WIDE))
    reason = forms.CharField(
        max_length=500, widget=forms.TextInput(WIDE), error_messages={"required": "Say why: it stands in the log."}
    )

    def __init__(self, *args: Any, track: Track, identities: list[Identity], **more: Any) -> None:
        more["initial"] = {name: getattr(track, name) for name in ("title", "version", "artist")}
        super().__init__(*args, **more)
        self.fields["identities"].queryset = Identity.objects.filter(pk__in=[its.pk for its in identities])  # type: ignore[attr-defined]
        self.fields["spotify"].queryset = track.spotify_tracks.all()  # type: ignore[attr-defined]

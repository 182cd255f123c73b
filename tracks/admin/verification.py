"""What DJs say of recordings: conflicts to decide, whose word counts, and the log of what admins did."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from pika.errors import Problem
from tracks.actions import repair
from tracks.admin import eye
from tracks.admin.recordings import WIDE, rows_of
from tracks.models import Identity, Track, TrackChange, Verification, Voice
from tracks.recognition import words_on
from tracks.suggestions import answers_of


class ReadOnly(admin.ModelAdmin):
    """To look at."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


# --- Identities -------------------------------------------------------------------------------------------
class DecideForm(forms.Form):
    track = forms.CharField(
        max_length=12,
        label=_("Recording"),
        error_messages={"required": _("Choose an answer, or type a recording's code.")},
    )
    reason = forms.CharField(
        max_length=500, widget=forms.TextInput(WIDE), error_messages={"required": _("Say why: it stands in the log.")}
    )

    def clean_track(self) -> Track:
        track = Track.objects.filter(code=self.cleaned_data["track"]).first()
        if track is None:
            raise forms.ValidationError(_("No recording has this code. It stands on the recording's page."))
        return track


@admin.register(Identity)
class IdentityAdmin(ReadOnly):
    """Whoever opens one sees who says what of it, and can decide."""

    list_display = ["short", "kind", "state", "track", "changed_at"]
    list_filter = ["state", "kind"]
    list_select_related = ["track"]
    search_fields = ["value", "track__title", "track__artist"]
    ordering = ["-changed_at"]

    change_list_template = "admin/tracks/identities.html"

    def get_urls(self):
        return [path("eye/", self.admin_site.admin_view(eye.show), name="tracks_identity_eye"), *super().get_urls()]

    @admin.display(description="identity", ordering="value")
    def short(self, identity):
        return identity.value if len(identity.value) < 90 else f"{identity.value[:88]}…"

    def change_view(self, request, object_id, *args, **more):
        its = get_object_or_404(Identity.objects.select_related("track"), pk=object_id)
        may = request.user.has_perm("tracks.change_identity")
        if not may and not self.has_view_permission(request, its):
            return redirect("admin:index")
        form = DecideForm(request.POST or None)
        if may and form.is_valid():
            repair.override(its, form.cleaned_data["track"], request.user, form.cleaned_data["reason"])
            words = "Decided. Plays are linked anew within a minute; the log can take it back."
            self.message_user(request, words, messages.SUCCESS)
            return redirect("admin:tracks_identity_changelist")
        words_by_track: dict[int, list[Verification]] = {}
        for word in words_on(its).select_related("dj").order_by("-said_at"):
            words_by_track.setdefault(word.answer, []).append(word)
        page = self.admin_site.each_context(request) | {
            "title": f"What is this {its.get_kind_display().lower()}?",
            "opts": self.model._meta,
            "identity": its,
            "form": form,
            "may": may,
            "answers": [{"answer": its, "words": words_by_track[its.track.pk]} for its in answers_of(its)],
            "row": rows_of([its])[0],
        }
        return TemplateResponse(request, "admin/tracks/decide.html", page)


@admin.register(Verification)
class VerificationAdmin(ReadOnly):
    list_display = ["said_at", "dj", "verdict", "track", "identity", "withdrawn_at"]
    list_filter = ["verdict", "said_at"]
    list_select_related = ["dj", "track", "identity"]
    search_fields = ["dj__email", "dj__name", "track__title", "track__artist", "identity__value"]
    fields = ["dj", "verdict", "track", "identity", "identities", "play", "said_at", "withdrawn_at"]
    date_hierarchy = "said_at"


# --- Voices -----------------------------------------------------------------------------------------------
class VoiceForm(forms.ModelForm):
    """Ban somebody, or say that two accounts are one person."""

    class Meta:
        model = Voice
        fields = ["user", "speaks_as"]

    reason = forms.CharField(
        max_length=300, widget=forms.TextInput(WIDE), help_text="It stands in the log; they do not read it."
    )
    field_order = ["user", "speaks_as", "reason"]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("user") and said.get("user") == said.get("speaks_as"):
            self.add_error("speaks_as", "This is the same account.")
        return said

    def validate_unique(self) -> None:
        """Somebody who has a row already gets a new word on it."""


@admin.register(Voice)
class VoiceAdmin(admin.ModelAdmin):
    form = VoiceForm
    list_display = ["user", "banned_at", "speaks_as", "why"]
    list_filter = [("banned_at", admin.EmptyFieldListFilter)]
    list_select_related = ["user", "speaks_as"]
    search_fields = ["user__email", "user__name"]
    autocomplete_fields = ["user", "speaks_as"]
    actions = ["unban"]

    def has_change_permission(self, request, obj=None):
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        return False

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change, **kwargs)
        form.base_fields["speaks_as"].help_text = "The same person's other account: one voice together. Empty: ban."
        return form

    def save_model(self, request, obj, form, change):
        user, other, reason = (form.cleaned_data[name] for name in ("user", "speaks_as", "reason"))
        try:
            if other:
                repair.join_voices(user, other, request.user, reason)
            else:
                repair.ban(user, request.user, reason)
        except Problem as problem:
            self.message_user(request, problem.message, messages.ERROR)
        obj.pk = Voice.objects.get_or_create(user=user)[0].pk

    @admin.action(description="Lift the ban: their word counts again", permissions=["add"])
    def unban(self, request, queryset):
        _each(self, request, [voice.user for voice in queryset], repair.unban, "Their word counts again")


# --- The log ----------------------------------------------------------------------------------------------
@admin.register(TrackChange)
class TrackChangeAdmin(ReadOnly):
    list_display = ["changed_at", "kind", "what", "by", "reason", "undone_at"]
    list_filter = ["kind", "changed_at"]
    list_select_related = ["by"]
    search_fields = ["target", "reason", "by__email"]
    date_hierarchy = "changed_at"
    actions = ["undo"]

    @admin.display(description="on what")
    def what(self, change):
        if not change.target.startswith("@"):
            return change.target
        user = User.objects.filter(pk=change.before.get("user")).first()
        return (
            format_html('<a href="{}">{}</a>', reverse("admin:accounts_user_change", args=[user.pk]), user)
            if user
            else "–"
        )

    def get_actions(self, request):
        actions = super().get_actions(request)
        if not request.user.has_perm("tracks.change_track"):
            actions.pop("undo", None)
        return actions

    @admin.action(description="Undo: as it was before")
    def undo(self, request, queryset):
        _each(self, request, list(queryset.order_by("-changed_at", "-pk")), repair.undo, "Undone")


def _each(its: admin.ModelAdmin, request: HttpRequest, rows: list[Any], act: Any, words: str) -> None:
    """`act(row, user)` on each; what is refused is said."""
    done = 0
    for row in rows:
        try:
            act(row, request.user)
            done += 1
        except Problem as problem:
            its.message_user(request, f"{row}: {problem.message}", messages.WARNING)
    if done:
        its.message_user(request, f"{words}: {done}. Plays are linked anew within a minute.", messages.SUCCESS)

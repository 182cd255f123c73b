"""People, organizers and tokens, for the platform's owner."""

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group

from accounts.actions import make_token, revoke_token
from accounts.models import ApiToken, Guest, Membership, Organizer, User

admin.site.site_header = "Pika! platform"
admin.site.site_title = "Pika!"
admin.site.index_title = "Everything there is"
admin.site.unregister(Group)


@admin.register(User)
class PersonAdmin(UserAdmin):
    ordering = ["email"]
    list_display = ["email", "name", "is_staff", "is_active", "last_login"]
    search_fields = ["email", "name"]
    list_filter = ["is_staff", "is_active"]
    fieldsets = [
        (None, {"fields": ["email", "password", "name"]}),
        ("May", {"fields": ["is_active", "is_staff", "is_superuser", "user_permissions"]}),
        ("When", {"fields": ["last_login", "date_joined"]}),
    ]
    filter_horizontal = ["user_permissions"]
    add_fieldsets = [(None, {"fields": ["email", "name", "usable_password", "password1", "password2"]})]


class MembershipInline(admin.TabularInline):
    model = Membership
    autocomplete_fields = ["user"]
    extra = 1


@admin.register(Organizer)
class OrganizerAdmin(admin.ModelAdmin):
    list_display = ["name", "slug", "approved_at", "suspended_at", "created_at"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [MembershipInline]


class TokenForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(choices=ApiToken.Scope, initial=["live"], widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = ApiToken
        fields = ["user", "name", "scopes", "expires_at"]


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):
    form = TokenForm
    list_display = ["name", "user", "prefix", "scopes", "created_at", "last_used_at", "revoked_at"]
    search_fields = ["name", "prefix", "user__email"]
    autocomplete_fields = ["user"]
    actions = ["revoke"]

    def save_model(self, request, obj, form, change):
        if change:
            super().save_model(request, obj, form, change)
            return
        row, token = make_token(obj.user, obj.name, obj.scopes, obj.expires_at)
        obj.pk, obj.key, obj.prefix = row.pk, row.key, row.prefix
        messages.warning(request, f"This is shown once, copy it now: {token}")

    @admin.action(description="Revoke the chosen tokens")
    def revoke(self, request, queryset):
        for token in queryset:
            revoke_token(token)
        self.message_user(request, f"{len(queryset)} revoked.")


@admin.register(Guest)
class GuestAdmin(admin.ModelAdmin):
    list_display = ["__str__", "user", "created_at"]
    readonly_fields = ["key", "created_at"]
    raw_id_fields = ["user"]

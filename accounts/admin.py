"""People, organizers and tokens, for the platform's owner."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import Case, Count, F, Value, When
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext

from accounts.actions import approve, lift, make_token, reject, revoke_token, suspend
from accounts.admin_history import ActivityAdmin, LoginEventAdmin  # noqa: F401  Django looks for them here
from accounts.deletion import delete_account, why_not
from accounts.models import ApiToken, Guest, Membership, Organizer, OrganizerApplication, PushMessage, User

admin.site.site_header = "Pika! platform"
admin.site.site_title = "Pika!"
admin.site.index_title = "Everything there is"
admin.site.unregister(Group)


@admin.register(User)
class PersonAdmin(UserAdmin):
    ordering = ["email"]
    list_display = ["email", "name", "works_for", "is_staff", "is_active", "date_joined", "last_login"]
    search_fields = ["email", "name", "organizers__name"]
    list_filter = ["memberships__role", "is_staff", "is_superuser", "is_active", "date_joined"]
    list_per_page = 50
    fieldsets = [
        (None, {"fields": ["email", "password", "name"]}),
        ("May", {"fields": ["is_active", "is_staff", "is_superuser", "user_permissions"]}),
        ("When", {"fields": ["last_login", "date_joined"]}),
    ]
    filter_horizontal = ["user_permissions"]
    add_fieldsets = [(None, {"fields": ["email", "name", "usable_password", "password1", "password2"]})]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("memberships__organizer")

    def get_inlines(self, request, obj):
        return [OrganizationInline] if obj else []

    # The same end of an account as on its own page: rows that hang on it are not just swept away.
    def get_deleted_objects(self, objs, request):
        reasons = [f"{person}: {why}" for person in objs for why in why_not(person)]
        may = self.has_delete_permission(request)
        gone = [f"{person}: what names this person; sets and likes stay, by nobody" for person in objs]
        return gone, {}, set() if may else {"person"}, reasons

    def delete_model(self, request, obj):
        delete_account(obj)

    def delete_queryset(self, request, queryset):
        for person in queryset:
            delete_account(person)

    @admin.display(description="works for")
    def works_for(self, person):
        return ", ".join(f"{it.organizer} ({it.role})" for it in person.memberships.all())


class MembershipInline(admin.TabularInline):
    model = Membership
    fields = ["user", "email", "role"]
    readonly_fields = ["email"]
    autocomplete_fields = ["user"]
    extra = 0

    @admin.display
    def email(self, member):
        return member.user.email


class OrganizationInline(admin.TabularInline):
    """Whom a person works for."""

    model = Membership
    autocomplete_fields = ["organizer"]
    extra = 0


# --- Decisions: who did what is in the history of each row ----------------------------------------------
class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea({"rows": 5, "cols": 70}),
        help_text="They read exactly this.",
        error_messages={"required": "Say why: it is what they are told."},
    )


class DecidingAdmin(admin.ModelAdmin):
    """Actions on many rows at once that say how many were done, and which not."""

    list_per_page = 50

    def do(
        self, request: HttpRequest, queryset: Any, act: Callable[[Any], bool], words: str, why_not: str, log: str
    ) -> None:
        """`act(row)` on each of them; False is counted as `why_not`, the others get `log` into their history."""
        done = 0
        for row in queryset:
            if act(row):
                done += 1
                self.log_change(request, row, log)
        if done:
            self.message_user(request, f"{done} {words}.", messages.SUCCESS)
        if left := len(queryset) - done:
            self.message_user(request, f"{left} left as they were: {why_not}.", messages.WARNING)

    def with_reason(
        self, request: HttpRequest, queryset: Any, title: str, act: Callable[[str], None]
    ) -> TemplateResponse | None:
        """Ask for the reason on a page of its own, then `act(reason)`."""
        form = ReasonForm(request.POST if "reason" in request.POST else None)
        if form.is_valid():
            act(form.cleaned_data["reason"])
            return None
        page = self.admin_site.each_context(request) | {
            "title": title,
            "opts": self.model._meta,
            "form": form,
            "rows": queryset,
            "action": request.POST["action"],
        }
        return TemplateResponse(request, "admin/accounts/reason.html", page)


@admin.register(OrganizerApplication)
class OrganizerApplicationAdmin(DecidingAdmin):
    list_display = ["name", "email", "status", "created_at", "web_address", "decided_at", "decider"]
    list_filter = ["status", "created_at", "decided_at"]
    list_select_related = ["organizer", "applicant", "decided_by"]
    search_fields = ["organizer__name", "organizer__slug", "applicant__email", "applicant__name", "about", "link"]
    date_hierarchy = "created_at"
    readonly_fields = ["organizer", "applicant", "about", "link", "status", "reason"]
    readonly_fields += ["created_at", "decided_at", "decided_by"]
    actions = ["approve", "reject"]
    change_form_template = "admin/accounts/application.html"

    def get_ordering(self, request):
        """What waits comes first, the oldest of it before all; then the newest decisions."""
        is_decided = Case(When(status="pending", then=Value(0)), default=Value(1))
        waiting_since = Case(When(status="pending", then=F("created_at")))
        return [is_decided.asc(), waiting_since.asc(), "-decided_at", "-pk"]

    def has_add_permission(self, request):
        return False

    # Shown by methods, for Django never breaks the line of a foreign key, and a long name would hide the rest.
    @admin.display(description="organizer", ordering="organizer__name")
    def name(self, application):
        return str(application.organizer)

    @admin.display(description="applicant", ordering="applicant__email")
    def email(self, application):
        return application.applicant.email if application.applicant else ""

    @admin.display(description="link")
    def web_address(self, application):
        return format_html('<a href="{0}" rel="noreferrer">{0}</a>', application.link) if application.link else ""

    @admin.display(description="by")
    def decider(self, application):
        return str(application.decided_by or "")

    @admin.action(description="Approve: they may publish", permissions=["change"])
    def approve(self, request, queryset):
        base = request.build_absolute_uri("/").rstrip("/")
        self.do(
            request,
            queryset,
            lambda row: approve(row, request.user, base),
            "approved; each applicant gets an e-mail",
            "they had been decided before",
            "Approved.",
        )

    @admin.action(description="Reject, and say why …", permissions=["change"])
    def reject(self, request, queryset):
        base = request.build_absolute_uri("/").rstrip("/")

        def act(reason):
            self.do(
                request,
                queryset,
                lambda row: reject(row, request.user, base, reason),
                "rejected; each applicant gets an e-mail with your reason",
                "they had been decided before",
                f"Rejected: {reason}",
            )

        return self.with_reason(request, queryset, "Reject these applications", act)


class StandingFilter(admin.SimpleListFilter):
    title = "standing"
    parameter_name = "standing"

    def lookups(self, request, model_admin):
        return [("approved", "Approved"), ("new", "Not approved"), ("suspended", "Suspended")]

    def queryset(self, request, queryset):
        if self.value() == "approved":
            return queryset.approved()
        if self.value() == "new":
            return queryset.filter(approved_at=None)
        return queryset.filter(suspended_at__isnull=False) if self.value() == "suspended" else queryset


@admin.register(Organizer)
class OrganizerAdmin(DecidingAdmin):
    list_display = ["name", "standing", "how_many_events", "how_many_members", "approved_at", "created_at"]
    list_filter = [StandingFilter, "created_at"]
    search_fields = ["name", "slug", "members__email", "members__name"]
    readonly_fields = ["standing", "approved_at", "suspended_at", "suspended_why", "created_at"]
    fields = ["name", "slug", *readonly_fields]
    inlines = [MembershipInline]
    actions = ["suspend", "lift"]

    def get_queryset(self, request):
        counted = super().get_queryset(request).prefetch_related("applications")
        return counted.annotate(
            events_count=Count("events", distinct=True), members_count=Count("memberships", distinct=True)
        )

    @admin.display(description="events", ordering="events_count")
    def how_many_events(self, organizer):
        return organizer.events_count

    @admin.display(description="members", ordering="members_count")
    def how_many_members(self, organizer):
        return organizer.members_count

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else {"slug": ["name"]}

    def save_model(self, request, obj, form, change):
        if not change:  # whom the platform's owner makes needs no approval
            obj.approved_at = timezone.now()
        super().save_model(request, obj, form, change)

    @admin.action(description="Suspend: hide everything public, and say why …", permissions=["change"])
    def suspend(self, request, queryset):
        def act(reason):
            self.do(
                request,
                queryset,
                lambda row: suspend(row, reason, request.user),
                "suspended; nothing of theirs is public any more",
                "they were suspended already",
                f"Suspended: {reason}",
            )

        return self.with_reason(request, queryset, "Suspend these organizers", act)

    @admin.action(description="Lift the suspension: everything is as it was", permissions=["change"])
    def lift(self, request, queryset):
        self.do(
            request,
            queryset,
            lambda row: lift(row, request.user),
            "back",
            "they were not suspended",
            "Suspension lifted.",
        )


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
        messages.warning(request, gettext("This is shown once, copy it now: %(token)s") % {"token": token})

    @admin.action(description="Revoke the chosen tokens")
    def revoke(self, request, queryset):
        for token in queryset:
            revoke_token(token, request.user)
        self.message_user(request, f"{len(queryset)} revoked.")


@admin.register(Guest)
class GuestAdmin(admin.ModelAdmin):
    list_display = ["__str__", "user", "created_at"]
    readonly_fields = ["key", "created_at"]
    raw_id_fields = ["user"]


@admin.register(PushMessage)
class PushMessageAdmin(admin.ModelAdmin):
    """To look at: what was sent, and what became of it."""

    list_display = ["title", "body", "urgency", "created_at", "phones", "served", "gone", "failed"]
    search_fields = ["title", "body", "tag"]
    list_filter = ["urgency"]

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

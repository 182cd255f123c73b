"""The table of jobs, to look at and to run again."""

from django.contrib import admin

from pika.jobs import actions
from pika.jobs.models import Job


@admin.register(Job)
class JobAdmin(admin.ModelAdmin):
    list_display = ["kind", "key", "state", "due_at", "attempts", "last_error"]
    list_filter = ["state", "kind"]
    search_fields = ["key", "last_error"]
    actions = ["again"]

    @admin.action(description="Run the chosen jobs again now")
    def again(self, request, queryset):
        for job in queryset:
            actions.hasten(job.kind, job.key)
        self.message_user(request, f"{len(queryset)} will run.")

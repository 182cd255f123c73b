"""What organizers tell their people."""

from django.urls import path

from stages.views import announcements as views

urlpatterns = [
    path("organize/e/<slug:slug>/announce", views.announce, name="announce"),
    path("organize/e/<slug:slug>/announcements", views.list_announcements, name="list_announcements"),
    path(
        "organize/e/<slug:slug>/announcements/<str:code>/cancel", views.cancel_announcement, name="cancel_announcement"
    ),
]

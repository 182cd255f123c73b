"""The pages of people with an account, and of those who run events."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("accounts/tokens/", views.list_tokens, name="list_tokens"),
    path("accounts/tokens/<int:pk>/revoke", views.revoke_token, name="revoke_token"),
    path("organize/", views.list_organizers, name="list_organizers"),
    path("organize/apply", views.apply_organizer, name="apply_organizer"),
    path("organize/join/<str:secret>", views.join_organizer, name="join_organizer"),
    path("organize/<slug:organizer>/apply", views.apply_organizer, name="apply_again"),
    path("organize/<slug:organizer>/members", views.list_members, name="list_members"),
    path("organize/<slug:organizer>/members/change", views.change_member, name="change_member"),
    path("organize/<slug:organizer>/members/remove", views.remove_member, name="remove_member"),
    path("organize/<slug:organizer>/members/revoke", views.revoke_invitation, name="revoke_invitation"),
]

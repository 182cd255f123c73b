"""The pages of people with an account, and of those who run events."""

from django.urls import path

from accounts.views import me, me_activity, me_data, me_logins, organizers, tokens

app_name = "accounts"
urlpatterns = [
    path("accounts/tokens/", tokens.list_tokens, name="list_tokens"),
    path("accounts/tokens/<int:pk>/revoke", tokens.revoke_token, name="revoke_token"),
    path("me/profile", me.edit_profile, name="edit_profile"),
    path("me/profile/dj", me.change_dj, name="change_dj"),
    path("me/settings", me.edit_settings, name="edit_settings"),
    path("me/look", me.choose_look, name="choose_look"),
    path("me/logins", me_logins.list_logins, name="list_logins"),
    path("me/logins/<int:pk>/end", me_logins.end_login, name="end_login"),
    path("me/logins/end", me_logins.end_logins, name="end_logins"),
    path("me/activity", me_activity.list_activity, name="list_activity"),
    path("me/export", me_data.export_data, name="export_data"),
    path("me/delete", me_data.delete_account, name="delete_account"),
    path("organize/", organizers.list_organizers, name="list_organizers"),
    path("organize/apply", organizers.apply_organizer, name="apply_organizer"),
    path("organize/join/<str:secret>", organizers.join_organizer, name="join_organizer"),
    path("organize/<slug:organizer>/apply", organizers.apply_organizer, name="apply_again"),
    path("organize/<slug:organizer>/activity", me_activity.list_organizer_activity, name="list_organizer_activity"),
    path("organize/<slug:organizer>/members", organizers.list_members, name="list_members"),
    path("organize/<slug:organizer>/members/change", organizers.change_member, name="change_member"),
    path("organize/<slug:organizer>/members/remove", organizers.remove_member, name="remove_member"),
    path("organize/<slug:organizer>/members/revoke", organizers.revoke_invitation, name="revoke_invitation"),
]

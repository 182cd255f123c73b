"""The pages of people with an account."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("tokens/", views.list_tokens, name="list_tokens"),
    path("tokens/<int:pk>/revoke", views.revoke_token, name="revoke_token"),
]

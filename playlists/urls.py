"""The pages about Spotify."""

from django.urls import path

from playlists.views import exports, link, making

app_name = "playlists"
urlpatterns = [
    path("me/spotify", link.show_spotify, name="show_spotify"),
    path("me/spotify/link", link.link_spotify, name="link_spotify"),
    path("me/spotify/callback", link.finish_link, name="finish_link"),
    path("me/spotify/remove", link.remove_spotify, name="remove_spotify"),
    path("me/spotify/set/<str:code>", making.export_set, name="export_set"),
    path("me/spotify/event/<slug:slug>", making.export_event, name="export_event"),
    path("me/spotify/songs", making.export_likes, name="export_likes"),
    path("me/exports", exports.list_exports, name="list_exports"),
    path("me/exports/<str:code>", exports.show_export, name="show_export"),
    path("me/exports/<str:code>/retry", exports.retry_export, name="retry_export"),
    path("me/exports/<str:code>/undo", exports.undo_export, name="undo_export"),
    path("me/exports/<str:code>/cancel", exports.cancel_export, name="cancel_export"),
]

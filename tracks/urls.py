"""The dashboard, the journal, a DJ's sets."""

from django.urls import path

from tracks.views import dashboard, exports, heard, sets, songs, verify

app_name = "tracks"
urlpatterns = [
    path("me/", dashboard.show_dashboard, name="show_dashboard"),
    path("me/sets", verify.list_sets, name="list_sets"),
    path("me/sets/<str:code>/verify", verify.verify_set, name="verify_set"),
    path("me/sets/<str:code>/export", sets.export_set, name="export_set"),
    path("me/sets/<str:code>/export/<str:kind>", sets.export_set_file, name="export_set_file"),
    path("set/<str:code>", sets.show_set, name="show_set"),
    path("set/<str:code>/<str:kind>", sets.export_shown_set, name="export_shown_set"),
    path("organize/e/<slug:slug>/export", sets.export_event, name="export_event"),
    path("organize/e/<slug:slug>/export/<str:kind>", sets.export_event_file, name="export_event_file"),
    path("me/songs", songs.list_songs, name="list_songs"),
    path("me/songs/undo", songs.undo_song, name="undo_song"),
    path("me/songs/heard", heard.list_heard, name="list_heard"),
    path("me/songs/export", exports.export_songs, name="export_songs"),
    path("me/songs/export/<str:kind>", exports.export_file, name="export_file"),
    path("me/songs/<uuid:uuid>/add", songs.add_song, name="add_song"),
    path("me/songs/<uuid:uuid>/note", songs.change_note, name="change_note"),
    path("me/songs/<uuid:uuid>/remove", songs.remove_song, name="remove_song"),
]

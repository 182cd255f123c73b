"""The timetable: organizers edit and publish it, dancers read and star it."""

from django.urls import path

from stages.views import programme, releases, sheets, timetable

urlpatterns = [
    path("organize/e/<slug:slug>/timetable", timetable.edit_timetable, name="edit_timetable"),
    path("organize/e/<slug:slug>/timetable/add", timetable.add_slot, name="add_slot"),
    path("organize/e/<slug:slug>/timetable/slot/<str:code>", timetable.edit_slot, name="edit_slot"),
    path("organize/e/<slug:slug>/timetable/slot/<str:code>/remove", timetable.remove_slot, name="remove_slot"),
    path("organize/e/<slug:slug>/timetable/slot/<str:code>/undo", timetable.undo_slot, name="undo_slot"),
    path("organize/e/<slug:slug>/timetable/copy", timetable.copy_day, name="copy_day"),
    path("organize/e/<slug:slug>/timetable/publish", releases.publish_timetable, name="publish_timetable"),
    path("organize/e/<slug:slug>/timetable/notify", releases.notify_timetable, name="notify_timetable"),
    path("organize/e/<slug:slug>/timetable/late", releases.shift_stage, name="shift_stage"),
    path("organize/e/<slug:slug>/timetable/import", sheets.import_timetable, name="import_timetable"),
    path("organize/e/<slug:slug>/timetable.csv", sheets.export_timetable, name="export_timetable"),
    path("e/<slug:slug>/timetable", programme.show_timetable, name="show_timetable"),
    path("e/<slug:slug>/timetable.ics", programme.show_calendar, name="show_calendar"),
    path("e/<slug:slug>/stars.ics", programme.show_stars_calendar, name="show_stars_calendar"),
]

"""The pages of the floor: dancers, displays, the booth; and of the weekend: its events, timetable, announcements, notifications."""

from stages.urls import announcements, events, floor, notifications, timetable

app_name = "stages"
urlpatterns = [
    *floor.urlpatterns,
    *events.urlpatterns,
    *timetable.urlpatterns,
    *announcements.urlpatterns,
    *notifications.urlpatterns,
]

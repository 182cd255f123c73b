"""The pages of the floor: dancers, displays, the booth; of the weekend: events, timetable, announcements, push."""

from stages.urls import announcements, events, floor, notifications, timetable

app_name = "stages"
urlpatterns = [
    *floor.urlpatterns,
    *events.urlpatterns,
    *timetable.urlpatterns,
    *announcements.urlpatterns,
    *notifications.urlpatterns,
]

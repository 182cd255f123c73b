"""The pages of the floor: dancers, displays, the booth; and of the weekend: its events, timetable, announcements."""

from stages.urls import announcements, events, floor, timetable

app_name = "stages"
urlpatterns = [*floor.urlpatterns, *events.urlpatterns, *timetable.urlpatterns, *announcements.urlpatterns]

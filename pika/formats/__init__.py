"""Dates and times where Django's own way is not ours; other languages have Django's."""

from django.utils.translation import gettext_noop

# Ours to translate: Django's Polish begins them with a capital, wherever they stand.
WEEKDAYS = [
    gettext_noop("Monday"),
    gettext_noop("Tuesday"),
    gettext_noop("Wednesday"),
    gettext_noop("Thursday"),
    gettext_noop("Friday"),
    gettext_noop("Saturday"),
    gettext_noop("Sunday"),
]

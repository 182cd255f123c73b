"""Where somebody said how they want to be told: handed out on request, erased with the account."""

from accounts.models import User
from accounts.personal import Rows, eraser, rows_of, section
from events.models import Mute


@section("silent_events", Mute)
def _mutes(user: User) -> Rows:
    return rows_of(Mute.objects.filter(guest__user=user), event="event__name", created_at="created_at")


@eraser
def _erase(user: User) -> None:
    Mute.objects.filter(guest__user=user).delete()

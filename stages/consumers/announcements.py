"""What is said about announcements: a DJ tells the listeners, phones say what they showed to somebody."""

from django.utils import timezone

from pika.errors import cleaned
from pika.live.basket import Basket
from pika.live.consumer import LiveConsumer
from pika.live.messages import Message
from stages import access, forms
from stages.actions import announcements
from stages.consumers.speakers import as_dj, key_of
from stages.models import Announcement, Session

seen = Basket()  # (guest key, announcement): not written down yet


async def send_announcement(socket: LiveConsumer, message: Message) -> Message:
    form = cleaned(forms.SendAnnouncementForm, message)

    def act(session: Session) -> Announcement:
        access.check_open(session.stage)
        return announcements.tell_listeners(session, form["message"], form["durationSeconds"], form["push"])

    announcement = await as_dj(socket, message, act)
    return {"announcementId": announcement.code} if announcement else {}


async def cancel_announcement(socket: LiveConsumer, message: Message) -> None:
    code = cleaned(forms.CancelAnnouncementForm, message).get("announcementId")

    def act(session: Session) -> None:
        if code:
            announcements.cancel(access.announcement_of_session(session, code))
        else:
            announcements.cancel_all(session)

    await as_dj(socket, message, act, is_safe=True)


async def seen_announcement(socket: LiveConsumer, message: Message) -> None:
    code = cleaned(forms.SeenForm, message)["announcementId"]
    seen.setdefault((key_of(socket), code), timezone.now())


async def write_seen() -> None:
    """All phones of a floor see it in the same second: written in bulk, not one by one."""
    await seen.empty(announcements.see_all)

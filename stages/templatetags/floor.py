"""What the floor's pages say and how they show it; the script gets the same words as JSON."""

import hashlib
import re
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from django import template
from django.contrib.staticfiles import finders
from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from pika.live.messages import Message
from pika.script_words import translated

register = template.Library()

# {name} is the DJ, {time} a clock time in the event's zone, {title} and {artist} the song's.
WORDS: dict[str, Promise] = {
    "live": _("Live"),
    "between_songs": _("Between songs"),
    "ready": _("{name} is getting ready"),
    "reconnecting": _("{name} is back in a moment"),
    "away": _("{name} is away for a moment"),
    "next": _("Next: {name} at {time}"),
    "nextDay": _("Next: {name}, {time}"),
    "waiting": _("Nobody plays right now"),
    "closed": _("This floor is closed. Thank you for dancing!"),
    "over": _("This set is over. Thank you for dancing!"),
    "empty": _("The first song appears here as soon as it starts."),
    "last": _("Last song · {time}"),
    "by": _("played by {name}"),
    "listeners": _("{count} here"),
    "offline": _("You are offline. Your hearts are kept."),
    "lost": _("No connection. Your hearts are kept."),
    "stale": _("The last we heard"),
    "wallLost": _("Looking for the connection. This is the last song we know of."),
    "back": _("Connected again."),
    "now": _("Now playing: {title}, {artist}"),
    "nowAlone": _("Now playing: {title}"),
    "love": _("Love this song"),
    "loved": _("You love this song"),
    "loveOne": _("Love {title}"),
    "kept": _("Kept. Your heart is sent as soon as you are back online."),
    "thank": _("Thank {name}"),
    "thanked": _("{name} hears your thanks"),
    "needNet": _("You are offline. Please try again when you are back."),
    "pollLong": _("More than a minute left"),
    "pollMinute": _("Less than a minute left"),
    "pollHalf": _("Less than half a minute left"),
    "pollSoon": _("A few seconds left"),
    "pollCounting": _("Counting the votes"),
    "pollNobody": _("Nobody voted"),
    "pollTie": _("It is a tie"),
    "pollWon": _("The floor says: {option}"),
    "pollAsked": _("A question for you: {question}"),
    "awake": _("Keep the screen on"),
    "awakeOn": _("The screen stays on"),
    "awakeNo": _("Your phone does not allow this right now, perhaps to save its battery."),
}
# Later than this the day is said as well as the time.
SAME_NIGHT = timedelta(hours=16)


@register.simple_tag
def floor_words() -> dict[str, str]:
    """The words as plain texts, for `json_script`."""
    return {name: str(words) for name, words in WORDS.items()}


def _say(name: str, /, **values: str) -> str:
    return str(WORDS[name]).format(**values)


@register.simple_tag
def word(which: str, **values: str) -> str:
    """One of the words, with its gaps filled."""
    return _say(which, **values)


@register.filter
def local_time(iso: str, zone: str) -> str:
    """`22:00`, or `Friday 22:00` when that is not tonight."""
    at, now = datetime.fromisoformat(iso).astimezone(ZoneInfo(zone)), timezone.now()
    clock = f"{at:%H:%M}"
    return clock if abs(at - now) < SAME_NIGHT else f"{formats.date_format(at, 'l')} {clock}"


def _zone(snapshot: Message) -> str:
    return (snapshot["stage"] or {}).get("timeZone", "UTC")


@register.filter
def shown_play(snapshot: Message) -> Message | None:
    """The song on the poster: what plays, else the last one."""
    if snapshot["play"] or snapshot["state"] == "closed":
        return snapshot["play"]
    return next(iter(snapshot["recent"]), None)


@register.filter
def before(snapshot: Message) -> list[Message]:
    """What was heard before the song on the poster."""
    now = shown_play(snapshot)
    return [play for play in snapshot["recent"] if not now or play["playId"] != now["playId"]]


@register.filter
def next_words(snapshot: Message) -> str:
    """`Next: Ana at 22:00`, or nothing."""
    if not (slot := snapshot["nextSlot"]):
        return ""
    time = local_time(slot["startsAt"], _zone(snapshot))
    return _say("nextDay" if " " in time else "next", name=slot["djName"], time=time)


@register.filter
def state_words(snapshot: Message) -> str:
    """What is going on, in plain words."""
    state, session = snapshot["state"], snapshot["session"]
    if state == "closed":
        return _say("closed" if snapshot["stage"] else "over")
    if state == "changing":
        return next_words(snapshot)
    if session and state == "between_songs" and not snapshot["play"]:
        return _say("ready", name=session["djName"])
    if session and state in {"reconnecting", "away"}:
        return _say(state, name=session["djName"])
    return _say(state if state in WORDS else "waiting")


@register.filter
def poster_words(snapshot: Message) -> str:
    """The largest words on the page: the song's title, else what is going on."""
    play = shown_play(snapshot)
    return play["track"]["title"] if play else state_words(snapshot)


@register.filter
def title_size(title: str) -> int:
    """1 (a poster) to 6 (an essay), by length and by the longest word. The script does the same."""
    longest = max(map(len, title.split()), default=0)
    steps = ((12, 8), (24, 9), (40, 11), (75, 14), (140, 20))
    fits = (n for n, (whole, word) in enumerate(steps, 1) if len(title) <= whole and longest <= word)
    return next(fits, 6)


# --- Files ------------------------------------------------------------------------------------------
@cache
def _text(path: str) -> str:
    return Path(str(finders.find(path))).read_text()


@register.simple_tag
def inline_css(*paths: str) -> SafeString:
    """Our own style sheets without comments and indentation, so that the first paint needs nothing else."""
    text = "".join(_text(path) for path in paths)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return mark_safe(re.sub(r"\s*([{};,])\s*|\s+", lambda m: m[1] or " ", text).replace(";}", "}"))


@register.simple_tag
def script_words(*paths: str) -> dict[str, str | list[str]]:
    """What these scripts say, in the page's language, for `json_script`; nothing in English."""
    return translated("".join(_text(path) for path in paths))


@register.simple_tag
def shell_version(*paths: str) -> str:
    """Changes when one of these files does."""
    return hashlib.sha256("".join(_text(path) for path in paths).encode()).hexdigest()[:10]

"""What device somebody comes from, in words: browser and system, never more."""

import re

from django.utils.translation import gettext

# In this order: nearly every browser claims to be some of those below it, too.
_BROWSERS = [
    ("Edge", r"\bEdg(e|A|iOS)?/"),
    ("Opera", r"\b(OPR|OPT|Opera)/"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Vivaldi", r"\bVivaldi/"),
    ("Firefox", r"\b(Firefox|FxiOS)/"),
    ("Chrome", r"\b(HeadlessChrome|Chrome|CriOS|Chromium)/"),
    ("Safari", r"\bSafari/"),
]
_SYSTEMS = [
    ("iPhone", r"\b(iPhone|iPod)\b"),
    ("iPad", r"\biPad\b"),
    ("Android", r"\bAndroid\b"),
    ("Windows", r"\bWindows\b"),
    ("Chromebook", r"\bCrOS\b"),
    ("Mac", r"\bMac OS X\b|\bMacintosh\b"),
    ("Linux", r"\bLinux\b|\bX11\b"),
]


def device_of(user_agent: str) -> str:
    """“Chrome on Android” of a browser's User-Agent; empty if it tells neither. As it is kept, in English."""
    said = user_agent[:1000]
    browser, system = (
        next((name for name, pattern in names if re.search(pattern, said)), "") for names in (_BROWSERS, _SYSTEMS)
    )
    return f"{browser} on {system}" if browser and system else browser or system


def in_words(device: str) -> str:
    """The kept words as the reader says them."""
    browser, on, system = device.partition(" on ")
    if on and browser in dict(_BROWSERS) and system in dict(_SYSTEMS):
        return gettext("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return device or gettext("Unknown device")

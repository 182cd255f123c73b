"""Time zones as people type them."""

import difflib
import zoneinfo
from functools import cache


@cache
def all_zones() -> frozenset[str]:
    """Every name the machine knows; read once, for it is a walk over a folder."""
    return frozenset(zoneinfo.available_timezones())


@cache
def offered_zones() -> list[str]:
    """The ones to choose from: places, and UTC."""
    places = (name for name in all_zones() if "/" in name and not name.startswith(("Etc/", "SystemV/", "US/")))
    return ["UTC", *sorted(places)]


def nearest_zone(typed: str) -> str:
    """The zone somebody may have meant: `budapest`, `Europe/Budapset`; Europe/Budapest if there is no telling."""
    name = typed.strip().replace(" ", "_").lower()[:60]
    by_place: dict[str, str] = {}
    for zone in offered_zones():
        by_place[zone.lower()] = zone
        by_place.setdefault(zone.lower().rsplit("/", 1)[-1], zone)
    near = difflib.get_close_matches(name, by_place, 1, 0.75)
    near = near or difflib.get_close_matches(name.rsplit("/", 1)[-1], by_place, 1, 0.75)
    return by_place[near[0]] if near else "Europe/Budapest"

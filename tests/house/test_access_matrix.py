"""Who may do what: every address and every message of the socket, tried by five people; and who causes every job.

Nobody (no account), stranger (runs another event), ana (a DJ, but not of this session; owns nothing here), crew (a
member of elena's organizer without the right), and the owner: marcus of his session, elena of her event. What is
refused changes nothing.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.forms.models import model_to_dict
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.actions import invite, make_token, new_guest_secret, revoke_invitation
from accounts.models import ApiToken, Invitation, LoginEvent, Membership, Organizer, OrganizerApplication
from events.models import Event
from pika.asgi import live
from pika.jobs.actions import kinds
from pika.live.messages import iso
from playlists.models import Export
from stages.actions import plays, sessions
from stages.actions.plays import Heard
from stages.models import Announcement, Play, Poll, Release, Session, Slot, SlotEdit, Stage
from tests.cast import Dancer, Dj

PEOPLE = ("nobody", "stranger", "ana", "crew", "owner")


# --- Addresses: the table ---------------------------------------------------------------------------------
@dataclass(frozen=True)
class May:
    """What a request is answered with: to nobody, the stranger, ana (another DJ), the owner; and the crew, where
    that is something else than ana's. `body` is sent as JSON to the API, as a form to pages."""

    nobody: int
    stranger: int
    ana: int
    owner: int
    owned_by: str = "marcus"
    body: dict[str, Any] = field(default_factory=dict)
    crew: int = 0

    def to(self, name: str) -> int:
        return self.crew or self.ana if name == "crew" else int(getattr(self, name))

    def lets_crew(self) -> bool:
        return 0 < self.crew < 400


ANYBODY = May(200, 200, 200, 200)
FOUND = May(302, 302, 302, 302)
LOGGED_IN = May(302, 200, 200, 200)  # nobody is sent to the login page
MEMBERS = May(401, 200, 200, 200)
HERS = May(302, 404, 404, 200, "elena")
THEIRS = May(401, 404, 404, 200)  # a stranger gets 404, not 403: what is not yours does not exist
A_PLAY = {"playId": "{new}", "playedAt": "{now}", "track": {"title": "Mine now"}}
AN_EVENT = {
    "organizerId": "wcs-budapest",
    "name": "Spring",
    "timeZone": "Europe/Budapest",
    "startsOn": "2027-03-26",
    "endsOn": "2027-03-28",
}
A_SLOT = {
    "stageId": "{stage}",
    "startsAt": "2027-03-27T20:00:00Z",
    "endsAt": "2027-03-27T22:00:00Z",
    "djName": "Ana",
}
A_SUBSCRIPTION = {
    "guestToken": "{guest}",
    "endpoint": "https://fcm.googleapis.com/fcm/send/x",
    "keys": {"p256dh": "x", "auth": "x"},
    "vapidKey": "x",
}
SOMEBODY = {"email": "elena@example.com", "password": "four words of nobody else", "code": "AAAAAA"}
A_MEMBER = {"member": "{member}"}  # tom, whom elena made a manager

ADDRESSES: dict[str, May] = {
    # The house
    "GET livez": ANYBODY,
    "GET readyz": ANYBODY,
    "GET metrics": ANYBODY,
    # Pages of the floor
    "GET ": ANYBODY,
    "GET find": FOUND,
    "GET booth/": LOGGED_IN,
    "GET s/<str:code>": ANYBODY,
    "GET s/<str:code>/wall": ANYBODY,
    "GET s/<str:code>/overlay": ANYBODY,
    "GET s/<str:code>/qr.<str:kind>": ANYBODY,
    "GET l/<str:code>": FOUND,  # a session on a stage: to the stage
    "GET l/<str:code>/qr.<str:kind>": ANYBODY,
    "GET sw.js": ANYBODY,
    "GET manifest.webmanifest": ANYBODY,
    "GET e/<slug:slug>": ANYBODY,
    "GET e/<slug:slug>/qr.<str:kind>": ANYBODY,
    # Organizers' pages: events
    "GET organize/<slug:organizer>/events/new": May(302, 404, 404, 200, "elena"),
    "POST organize/<slug:organizer>/events/new": May(302, 404, 404, 200, "elena"),
    "GET organize/e/<slug:slug>/": May(302, 404, 404, 200, "elena", crew=200),
    "GET organize/e/<slug:slug>/edit": May(302, 404, 404, 200, "elena"),
    "POST organize/e/<slug:slug>/edit": May(302, 404, 404, 200, "elena"),
    "GET organize/e/<slug:slug>/preview": May(302, 404, 404, 200, "elena", crew=200),
    "GET organize/e/<slug:slug>/publish": May(405, 405, 405, 405),
    "POST organize/e/<slug:slug>/publish": May(302, 404, 404, 302, "elena"),
    "GET organize/e/<slug:slug>/unpublish": May(405, 405, 405, 405),
    "POST organize/e/<slug:slug>/unpublish": May(302, 404, 404, 302, "elena"),
    "GET organize/e/<slug:slug>/archive": May(405, 405, 405, 405),
    "POST organize/e/<slug:slug>/archive": May(302, 404, 404, 302, "elena"),
    "GET organize/e/<slug:slug>/duplicate": May(302, 404, 404, 200, "elena"),
    "POST organize/e/<slug:slug>/duplicate": May(302, 404, 404, 200, "elena"),
    "GET organize/e/<slug:slug>/posters": May(302, 404, 404, 200, "elena", crew=200),
    "GET organize/e/<slug:slug>/posters/<str:code>": May(302, 404, 404, 200, "elena", crew=200),
    # Organizers' pages: announcements
    "GET organize/e/<slug:slug>/announce": May(302, 404, 404, 200, "elena", crew=200),
    "POST organize/e/<slug:slug>/announce": May(302, 404, 404, 200, "elena", crew=200),
    "GET organize/e/<slug:slug>/announcements": May(302, 404, 404, 200, "elena", crew=200),
    "GET organize/e/<slug:slug>/announcements/<str:code>/cancel": May(405, 405, 405, 405),
    "POST organize/e/<slug:slug>/announcements/<str:code>/cancel": May(302, 404, 404, 302, "elena", crew=302),
    # Organizers' pages: the timetable
    "GET organize/e/<slug:slug>/timetable": HERS,
    "GET organize/e/<slug:slug>/timetable/add": May(405, 405, 405, 405),
    "POST organize/e/<slug:slug>/timetable/add": May(302, 404, 404, 422, "elena"),
    "GET organize/e/<slug:slug>/timetable/slot/<str:code>": HERS,
    "POST organize/e/<slug:slug>/timetable/slot/<str:code>": May(302, 404, 404, 422, "elena"),
    "GET organize/e/<slug:slug>/timetable/slot/<str:code>/remove": May(405, 405, 405, 405),
    "POST organize/e/<slug:slug>/timetable/slot/<str:code>/remove": May(302, 404, 404, 302, "elena"),
    "GET organize/e/<slug:slug>/timetable/slot/<str:code>/undo": May(405, 405, 405, 405),
    "POST organize/e/<slug:slug>/timetable/slot/<str:code>/undo": May(302, 404, 404, 302, "elena"),
    "GET organize/e/<slug:slug>/timetable/copy": May(405, 405, 405, 405),
    "POST organize/e/<slug:slug>/timetable/copy": May(302, 404, 404, 422, "elena"),
    "GET organize/e/<slug:slug>/timetable/publish": HERS,
    "POST organize/e/<slug:slug>/timetable/publish": May(302, 404, 404, 409, "elena"),  # not what was looked at
    "GET organize/e/<slug:slug>/timetable/notify": HERS,
    "POST organize/e/<slug:slug>/timetable/notify": May(302, 404, 404, 409, "elena"),  # nothing was published
    "GET organize/e/<slug:slug>/timetable/late": HERS,
    "POST organize/e/<slug:slug>/timetable/late": May(
        302, 404, 404, 409, "elena", {"where": "{slot}", "minutes": "20"}
    ),
    "GET organize/e/<slug:slug>/timetable/import": HERS,
    "POST organize/e/<slug:slug>/timetable/import": May(302, 404, 404, 422, "elena", {"text": "nonsense"}),
    "GET organize/e/<slug:slug>/timetable.csv": HERS,
    # The timetable, for everybody
    "GET me/notifications": ANYBODY,
    "POST me/notifications": FOUND,
    "GET me/notifications/offer": ANYBODY,
    "GET e/<slug:slug>/mute": May(405, 405, 405, 405),
    "POST e/<slug:slug>/mute": FOUND,
    "GET e/<slug:slug>/unmute": May(405, 405, 405, 405),
    "POST e/<slug:slug>/unmute": FOUND,
    "GET e/<slug:slug>/timetable": ANYBODY,
    "GET e/<slug:slug>/timetable.ics": ANYBODY,
    "GET e/<slug:slug>/stars.ics": May(404, 404, 404, 404),  # without somebody's key
    # The dashboard and the journal
    "GET me/": LOGGED_IN,
    "GET me/songs": ANYBODY,
    "GET me/songs/heard": ANYBODY,
    "GET me/songs/export": ANYBODY,
    "GET me/songs/export/<str:kind>": ANYBODY,
    "GET me/songs/undo": May(405, 405, 405, 405),
    "POST me/songs/undo": May(404, 404, 404, 404),  # nothing was taken out
    "GET me/songs/<uuid:uuid>/add": May(405, 405, 405, 405),
    "POST me/songs/<uuid:uuid>/add": FOUND,
    "GET me/songs/<uuid:uuid>/note": May(405, 405, 405, 405),
    "POST me/songs/<uuid:uuid>/note": May(404, 404, 404, 404),  # not among their songs
    "GET me/songs/<uuid:uuid>/remove": May(405, 405, 405, 405),
    "POST me/songs/<uuid:uuid>/remove": FOUND,
    # Pages of people
    "GET accounts/logout/": LOGGED_IN,
    "GET accounts/confirm-email/": FOUND,  # without a code on its way: to the login page, or to one's addresses
    "GET accounts/tokens/": LOGGED_IN,
    "POST accounts/tokens/": LOGGED_IN,
    "GET accounts/tokens/<int:pk>/revoke": May(405, 405, 405, 405),
    "POST accounts/tokens/<int:pk>/revoke": May(302, 404, 404, 302),
    # Pages of people about themselves
    "GET me/profile": LOGGED_IN,
    "POST me/profile": FOUND,
    "GET me/profile/dj": May(405, 405, 405, 405),
    "POST me/profile/dj": FOUND,
    "GET me/settings": LOGGED_IN,
    "POST me/settings": May(302, 422, 422, 422),
    "GET me/look": May(405, 405, 405, 405),
    "POST me/look": FOUND,
    "GET me/logins": LOGGED_IN,
    "GET me/logins/<int:pk>/end": May(405, 405, 405, 405),
    "POST me/logins/<int:pk>/end": May(302, 404, 404, 302),
    "GET me/logins/end": May(405, 405, 405, 405),
    "POST me/logins/end": FOUND,
    "GET me/activity": LOGGED_IN,
    "GET me/export": LOGGED_IN,
    "POST me/export": LOGGED_IN,
    "GET me/delete": LOGGED_IN,
    "POST me/delete": FOUND,  # to the password first
    # Pages about Spotify; this server has none
    "GET me/spotify": LOGGED_IN,
    "GET me/spotify/link": May(405, 405, 405, 405),
    "POST me/spotify/link": May(302, 503, 503, 503),
    "GET me/spotify/callback": FOUND,
    "GET me/spotify/remove": May(405, 405, 405, 405),
    "POST me/spotify/remove": FOUND,
    "GET me/exports": LOGGED_IN,
    "GET me/exports/<str:code>": May(302, 404, 404, 200),
    "GET me/exports/<str:code>/retry": May(405, 405, 405, 405),
    "POST me/exports/<str:code>/retry": May(302, 404, 404, 302),
    "GET me/exports/<str:code>/undo": May(405, 405, 405, 405),
    "POST me/exports/<str:code>/undo": May(302, 404, 404, 302),
    "GET me/exports/<str:code>/cancel": May(405, 405, 405, 405),
    "POST me/exports/<str:code>/cancel": May(302, 404, 404, 302),
    # Pages of DJs about their sets; whoever is none is asked whether they are one
    "GET me/sets": LOGGED_IN,
    "GET me/sets/<str:code>/verify": May(302, 200, 404, 200, crew=200),
    "POST me/sets/<str:code>/verify": May(302, 200, 404, 302, body={"play": "{playId}", "choice": "skip"}, crew=200),
    "GET me/sets/<str:code>/export": May(302, 404, 404, 200),
    "GET me/sets/<str:code>/export/<str:kind>": May(302, 404, 404, 200),
    "GET set/<str:code>": FOUND,  # it is going on: to its floor
    "GET set/<str:code>/<str:kind>": May(404, 404, 404, 404),  # it is going on
    "GET organize/e/<slug:slug>/export": May(302, 404, 404, 200, "elena", crew=200),
    "GET organize/e/<slug:slug>/export/<str:kind>": May(302, 404, 404, 200, "elena", crew=200),
    "GET me/spotify/set/<str:code>": May(405, 405, 405, 405),
    "POST me/spotify/set/<str:code>": May(302, 404, 404, 302),
    "GET me/spotify/event/<slug:slug>": May(405, 405, 405, 405),
    "POST me/spotify/event/<slug:slug>": May(302, 404, 404, 302, "elena", crew=302),
    "GET me/spotify/songs": May(405, 405, 405, 405),
    "POST me/spotify/songs": FOUND,
    # Pages of organizers
    "GET organize/<slug:organizer>/activity": HERS,
    "GET organize/": LOGGED_IN,
    "GET organize/apply": LOGGED_IN,
    "POST organize/apply": May(302, 400, 400, 400),
    "GET organize/<slug:organizer>/apply": May(302, 404, 404, 302, "elena"),
    "POST organize/<slug:organizer>/apply": May(302, 404, 404, 400, "elena"),
    "GET organize/<slug:organizer>/": May(302, 404, 404, 200, "elena", crew=200),
    "GET organize/<slug:organizer>/members": May(302, 404, 404, 200, "elena", crew=200),
    "POST organize/<slug:organizer>/members": May(302, 404, 404, 200, "elena", {"role": "owner"}),
    "GET organize/<slug:organizer>/members/change": May(405, 405, 405, 405),
    "POST organize/<slug:organizer>/members/change": May(302, 404, 404, 302, "elena", A_MEMBER | {"role": "owner"}),
    "GET organize/<slug:organizer>/members/remove": May(405, 405, 405, 405),
    "POST organize/<slug:organizer>/members/remove": May(302, 404, 404, 302, "elena", A_MEMBER),
    "GET organize/<slug:organizer>/members/revoke": May(405, 405, 405, 405),
    "POST organize/<slug:organizer>/members/revoke": May(302, 404, 404, 302, "elena", {"invitation": "{invitation}"}),
    "GET organize/join/<str:secret>": ANYBODY,  # a link that was taken back: it says so, to everybody
    "POST organize/join/<str:secret>": May(302, 302, 302, 302, "elena"),
    # The API: people
    "GET api/v1/me": MEMBERS,
    "POST api/v1/guests": May(201, 201, 201, 201),
    "DELETE api/v1/guests": May(401, 401, 401, 401, body={"guestToken": "me:forged"}),
    "POST api/v1/guests/rotate": May(401, 401, 401, 401, body={"guestToken": "me:forged"}),
    # The API: accounts. Whoever asks is nobody to them: only the password, the code and the device's secret count.
    "POST api/v1/auth/register/dancer": May(202, 202, 202, 202, body=SOMEBODY),
    "POST api/v1/auth/confirm": May(400, 400, 400, 400, body=SOMEBODY),
    "POST api/v1/auth/confirm/resend": May(202, 202, 202, 202, body=SOMEBODY),
    "POST api/v1/auth/login/dancer": May(401, 401, 401, 401, body=SOMEBODY),
    "POST api/v1/auth/claim-guest": May(401, 403, 403, 403, body={"guestToken": "{guest}"}),  # not with these tokens
    "GET api/v1/push/subscriptions": ANYBODY,
    "POST api/v1/push/subscriptions": May(503, 503, 503, 503, body=A_SUBSCRIPTION),  # no contact is set
    "DELETE api/v1/push/subscriptions": May(204, 204, 204, 204, body=A_SUBSCRIPTION),
    "GET api/v1/schema": ANYBODY,
    # The API: events and stages
    "POST api/v1/events": May(401, 404, 404, 201, "elena", AN_EVENT),
    "GET api/v1/events/<slug:slug>/stages": ANYBODY,
    "GET api/v1/events/<slug:slug>/schedule": ANYBODY,
    "POST api/v1/events/<slug:slug>/schedule": May(401, 404, 404, 201, "elena", A_SLOT),
    "GET api/v1/events/<slug:slug>/announcements": May(401, 404, 404, 200, "elena", crew=200),
    "POST api/v1/events/<slug:slug>/announcements": May(401, 404, 404, 201, "elena", {"message": "Soup"}, crew=201),
    "POST api/v1/events/<slug:slug>/announcements/<str:code>/cancel": May(401, 404, 404, 200, "elena", crew=200),
    "POST api/v1/stages": May(401, 404, 404, 201, "elena", {"eventId": "{event}", "name": "Blues Room"}),
    "GET api/v1/stages/<str:code>": ANYBODY,
    "POST api/v1/stages/<str:code>/subscribe": May(200, 200, 200, 200, body={"guestToken": "{guest}"}),
    "POST api/v1/slots/<str:code>/star": May(200, 200, 200, 200, body={"guestToken": "{guest}"}),
    "DELETE api/v1/slots/<str:code>/star": May(200, 200, 200, 200, body={"guestToken": "{guest}"}),
    "GET api/v1/dancer/likes": May(401, 403, 403, 403),  # these tokens lack the scope
    # The API: sessions
    "POST api/v1/sessions": May(401, 403, 404, 200, body={"sessionId": "{session}"}, crew=403),  # who is no DJ
    "GET api/v1/sessions/<str:code>": THEIRS,
    "PATCH api/v1/sessions/<str:code>": May(401, 404, 404, 200, body={"isPaused": True, "note": "Mine now"}),
    "POST api/v1/sessions/<str:code>/end": THEIRS,
    "GET api/v1/sessions/<str:code>/plays": THEIRS,
    "POST api/v1/sessions/<str:code>/plays": May(401, 404, 404, 200, body={"plays": [A_PLAY]}),
    "POST api/v1/sessions/<str:code>/plays/<uuid:uuid>/hide": THEIRS,
    "GET api/v1/sessions/<str:code>/unverified-tracks": THEIRS,
    "GET api/v1/plays/<uuid:uuid>/search": May(401, 404, 404, 409),  # no Spotify
    "POST api/v1/tracks/verify": May(  # of what is not theirs each verdict is refused
        401, 200, 200, 200, body={"verdicts": [{"playId": "{playId}", "verdict": "skip"}]}, crew=200
    ),
    "POST api/v1/tracks/export-to-spotify": May(401, 404, 404, 503, body={"sessionId": "{session}"}),  # no Spotify
    "GET api/v1/exports/<str:code>": THEIRS,
}
MISSING = "add it to ADDRESSES in tests/house/test_access_matrix.py: who may do it?"


# --- Addresses: the walk -----------------------------------------------------------------------------------
def our_addresses(resolver: URLResolver | None = None, before: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    """(route, view) of everything but the admin's and allauth's own."""
    for it in (resolver or get_resolver()).url_patterns:
        route = before + str(it.pattern)
        if isinstance(it, URLPattern):
            yield route, it.callback
        elif it.app_name != "admin" and getattr(it.urlconf_name, "__name__", "") != "allauth.urls":
            yield from our_addresses(it, route)


def methods_of(view: Callable[..., Any]) -> set[str]:
    """What an API view takes; what a page takes is not declared, and at least GET must be in the table."""
    its_class = getattr(view, "cls", None)
    return set(its_class().allowed_methods) - {"OPTIONS", "HEAD"} if its_class else {"GET"}


def test_every_address_is_in_the_table_and_nothing_else_is():
    wanted = {f"{method} {route}" for route, view in our_addresses() for method in methods_of(view)}
    routes = {route for route, _ in our_addresses()}
    assert sorted(wanted - set(ADDRESSES)) == [], MISSING
    assert sorted(line for line in ADDRESSES if line.split(" ", 1)[1] not in routes) == [], "no such address any more"


@pytest.fixture
def everybody(marcus, ana, elena, stranger, crew):
    return {"marcus": marcus, "ana": ana, "elena": elena, "stranger": stranger, "crew": crew}


@pytest.fixture
def values(marcus, stage, elena, organizer, make_user):
    """Marcus is live on Elena's stage, plays one song and has one program; Elena has a manager and invites."""
    tom = Membership.objects.create(organizer=organizer, user=make_user("tom"), role="manager")
    over, secret = invite(organizer, elena, Membership.Role.CREW)
    revoke_invitation(over)
    session, _ = sessions.go_live(marcus, "Marcus", stage)
    play, _ = plays.play(session, Heard(uuid.uuid4(), timezone.now(), {"title": "His"}))
    hers = Announcement.objects.create(event=stage.event, message="Hers", ends_at=timezone.now() + timedelta(hours=1))
    soon = {"starts_at": timezone.now() + timedelta(hours=1), "ends_at": timezone.now() + timedelta(hours=2)}
    slot = Slot.objects.create(stage=stage, dj_name="Ana", **soon)
    SlotEdit.objects.create(event=stage.event, slot=slot, stage=stage, dj_name="Jun", **soon)
    return {
        "slot": slot.code,
        "announcement": hers.code,
        "code": session.code,
        "session": session.code,
        "stage": stage.code,
        "event": stage.event.slug,
        "slug": stage.event.slug,
        "uuid": str(play.uuid),
        "playId": str(play.uuid),
        "pk": str(make_token(marcus, "laptop")[0].pk),
        "export": Export.objects.create(owner=marcus, kind="set", key="x", title="His set").code,
        "login": str(LoginEvent.objects.create(user=marcus).pk),
        "guest": new_guest_secret(),
        "kind": "svg",
        "organizer": organizer.slug,
        "member": str(tom.pk),
        "invitation": str(invite(organizer, elena, Membership.Role.CREW)[0].pk),
        "secret": secret,
    }


def filled(template: Any, values: dict[str, str]) -> Any:
    """`template` with its `{names}` said; `{new}` is a fresh id, `{now}` the time."""
    if isinstance(template, dict):
        return {name: filled(inner, values) for name, inner in template.items()}
    if isinstance(template, list):
        return [filled(inner, values) for inner in template]
    if isinstance(template, str) and template.startswith("{"):
        return {"new": str(uuid.uuid4()), "now": iso(timezone.now()), **values}[template.strip("{}")]
    return template


def address(route: str, values: dict[str, str]) -> str:
    if route.startswith(("s/", "api/v1/stages/")):
        values = values | {"code": values["stage"]}
    if route.startswith(("me/exports/", "api/v1/exports/")):
        values = values | {"code": values["export"]}
    if "/posters/" in route:
        values = values | {"code": values["stage"]}
    if "slot/" in route or "slots/" in route:
        values = values | {"code": values["slot"]}
    if "/export/<str:kind>" in route or route.startswith("set/"):
        values = values | {"kind": "csv"}
    if route.startswith("me/logins/"):
        values = values | {"pk": values["login"]}
    if "/announcements/" in route:
        values = values | {"code": values["announcement"]}
    for name, value in values.items():
        for converter in ("str", "slug", "int", "uuid"):
            route = route.replace(f"<{converter}:{name}>", value)
    assert "<" not in route, f"say in `values` what stands for {route}"
    return f"/{route}"


def facts() -> list[Any]:
    """Everything a stranger could spoil."""
    ours = (Event, Stage, Slot, SlotEdit, Release, Session, Play, Poll, Announcement, Export)
    theirs = (Organizer, Membership, Invitation, OrganizerApplication)
    rows = [row for model in ours + theirs for row in model.objects.order_by("pk")]
    living = [ApiToken.objects.filter(revoked_at=None, name="laptop").count()]
    return living + [model_to_dict(row, exclude=["members"]) | {"id": row.pk} for row in rows]


def ask(client, method, route, person, values, may, token_of):
    """The status; pages by login, the API by token."""
    client.logout()
    client.cookies.clear()
    headers, options = {}, {}
    if route.startswith("api/"):
        headers = {"Authorization": f"Bearer {token_of(person)}"} if person else {}
        options = {"data": filled(may.body, values), "content_type": "application/json"} if method != "GET" else {}
    elif method == "POST":
        options = {"data": filled(may.body, values)}
    if person and not route.startswith("api/"):
        client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    return getattr(client, method.lower())(address(route, values), headers=headers, **options).status_code


@pytest.mark.django_db
@pytest.mark.parametrize("line", ADDRESSES)
def test_an_address_answers_everybody_as_the_table_says(client, everybody, values, token_of, line):
    method, _, route = line.partition(" ")
    may = ADDRESSES[line]
    who = {"nobody": None} | everybody | {"owner": everybody[may.owned_by]}
    do_it = ("crew", "owner") if may.lets_crew() and method != "GET" else ("owner",)

    def answers(names):
        return {name: ask(client, method, route, who[name], values, may, token_of) for name in names}

    before = facts()
    answered = answers(name for name in PEOPLE if name not in do_it)
    assert facts() == before, "what is refused, and what one may look at, changes nothing"
    answered |= answers(do_it)
    assert answered == {name: may.to(name) for name in PEOPLE}


# --- The socket ------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Says:
    """What a message is answered with, ACK or the code of the NACK, when it is about marcus' session; to the crew of
    the house as to ana: a session is its DJ's alone."""

    nobody: str
    stranger: str
    ana: str
    owner: str = "ACK"
    fields: dict[str, Any] = field(default_factory=dict)

    def to(self, name: str) -> str:
        return str(getattr(self, "ana" if name == "crew" else name))


def his_alone(**fields: Any) -> Says:
    return Says("unauthenticated", "session_not_found", "session_not_found", "ACK", {"sessionId": "{session}"} | fields)


def for_all(**fields: Any) -> Says:
    return Says("ACK", "ACK", "ACK", "ACK", fields)


HIS_POLL = Says("unauthenticated", "poll_not_found", "poll_not_found", fields={"pollId": "{pollId}"})
MESSAGES: dict[str, Says] = {
    "REGISTER_SESSION": his_alone(),
    "BROADCAST_TRACK": his_alone(playId="{new}", track={"title": "Mine now"}),
    "METADATA_UPDATED": his_alone(track={"title": "Mine now"}),
    "TRACK_STOPPED": his_alone(),
    "END_SESSION": his_alone(),
    "UPDATE_SESSION": his_alone(isPaused=True, note="Mine now", delaySeconds=60),
    "HIDE_TRACK": his_alone(playId="{playId}"),
    "NEXT_TRACK": his_alone(track={"title": "Mine next"}),
    "START_POLL": his_alone(question="Mine now?", options=["Yes", "No"]),
    "END_POLL": HIS_POLL,
    "CANCEL_POLL": HIS_POLL,
    "SEND_ANNOUNCEMENT": his_alone(message="Mine now"),
    "CANCEL_ANNOUNCEMENT": his_alone(),
    "SEEN_ANNOUNCEMENT": for_all(announcementId="{announcement}"),
    "SUBSCRIBE": for_all(stageId="{stage}"),
    "GET_SESSIONS": for_all(),
    "VALIDATE_SESSION": for_all(sessionId="{session}"),
    "SEND_TEMPO_REQUEST": for_all(sessionId="{session}", preference="perfect"),
    "SEND_REACTION": for_all(sessionId="{session}", reaction="thank_you"),
    "VOTE_ON_POLL": for_all(pollId="{pollId}", optionIndex=1),
    "SEND_LIKE": for_all(playId="{playId}"),
    "REMOVE_LIKE": for_all(playId="{playId}"),
    "SEND_BULK_LIKE": for_all(payload={"tracks": [{"playId": "{playId}"}]}),
    "PING": for_all(),
}


def test_every_message_is_in_the_table_and_nothing_else_is():
    handled = live.consumer_initkwargs["handlers"]
    assert sorted(set(handled) - set(MESSAGES)) == [], "add it to MESSAGES: who may say it about whose session?"
    assert sorted(set(MESSAGES) - set(handled)) == [], "no such message any more"


def said(socket: Any, kind: str, values: dict[str, str]) -> str:
    answer = socket.ask(kind, **filled(MESSAGES[kind].fields, values))
    return str(answer.get("code", answer["type"]))


def without_heartbeat(rows: list[Any]) -> list[Any]:
    clocks = {"seen_at", "away_at"}
    return [{k: v for k, v in row.items() if k not in clocks} if isinstance(row, dict) else row for row in rows]


@pytest.fixture
def sockets(dj, server, marcus, ana, stranger, crew, other_stage):
    """Each with a live session of their own (nobody with none), so that what is refused is not the speaker."""
    nobody = Dancer(server.ws)
    people = {"stranger": dj(stranger), "ana": dj(ana, other_stage), "crew": dj(crew), "owner": dj(marcus)}
    yield {"nobody": nobody, **people}
    nobody.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", MESSAGES)
def test_a_message_is_answered_to_everybody_as_the_table_says(sockets, dj, marcus, stage, kind):
    his: Dj = dj(marcus, stage)
    values = {"session": his.session_id, "stage": stage.code, "playId": his.play("His")["playId"]}
    asked = his.ask("START_POLL", sessionId=his.session_id, question="Faster?", options=["Yes", "No"])
    values["pollId"] = asked["pollId"]
    told = his.ask("SEND_ANNOUNCEMENT", sessionId=his.session_id, message="Last song")
    values["announcement"] = told["announcementId"]
    before = without_heartbeat(facts())
    answered = {name: said(sockets[name], kind, values) for name in PEOPLE if name != "owner"}
    assert without_heartbeat(facts()) == before, "nobody but the owner changes a session"
    answered["owner"] = said(sockets["owner"], kind, values)
    assert answered == {name: MESSAGES[kind].to(name) for name in PEOPLE}


# --- Durable work ------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Causes:
    """The doors, as the tables above have them, behind which a job of this kind is made; `clock`: it makes itself.

    A job takes the key of what it is about and no name of whoever asked: the door asked for the right, and the job
    looks up what is so by then. `missing` is a key of nothing.
    """

    doors: tuple[str, ...]
    missing: str = "0"


ALLAUTH = "accounts"  # whoever signs up, logs in, changes the own account; tests/accounts/test_signup.py
ADMIN = "admin"  # only Kryspin and whom he makes staff; tests/accounts/test_admin.py
GOES_LIVE = ("REGISTER_SESSION", "POST api/v1/sessions")
CLAIMS = tuple(f"POST api/v1/auth/{what}" for what in ("claim-guest", "confirm", "login/dancer"))
SIGNS_UP = tuple(f"POST api/v1/auth/{what}" for what in ("register/dancer", "confirm/resend", "login/dancer"))
VERIFIES = ("POST me/sets/<str:code>/verify", "POST api/v1/tracks/verify")
KINDS: dict[str, Causes] = {
    "watch_session": Causes(GOES_LIVE),
    "tell_play": Causes(
        ("BROADCAST_TRACK", "HIDE_TRACK", "UPDATE_SESSION", "POST api/v1/sessions/<str:code>/plays"),
        str(uuid.UUID(int=0)),
    ),
    "end_poll": Causes(("START_POLL",)),
    "remind_slot": Causes(("POST api/v1/slots/<str:code>/star",)),
    "push": Causes(
        ("SEND_ANNOUNCEMENT", "POST organize/e/<slug:slug>/announce", "POST api/v1/events/<slug:slug>/announcements")
    ),
    "push_chunk": Causes(("clock",)),  # parts of a `push`
    "spotify_export": Causes(("POST me/exports/<str:code>/retry",)),
    "mail_decision": Causes((ADMIN,)),
    "letter": Causes((ALLAUTH, *SIGNS_UP)),
    "gather_guest": Causes((ALLAUTH, *CLAIMS)),
    "end_sessions": Causes(("POST me/logins/end", "POST me/delete", ALLAUTH)),
    "tell_floors": Causes((ADMIN,)),
    "link_identity": Causes((*VERIFIES, ADMIN)),
    "link_track": Causes((ADMIN,)),
    "recount_voice": Causes((ADMIN,)),
    "demo_robot": Causes(("clock",)),  # plays on the demo's own stages only
}


def test_every_kind_of_job_is_in_the_table_and_behind_doors_that_are():
    assert sorted(set(kinds) - set(KINDS)) == [], "add it to KINDS: behind which doors is it made?"
    assert sorted(set(KINDS) - set(kinds)) == [], "no such job any more"
    doors = {door for its in KINDS.values() for door in its.doors}
    assert sorted(doors - set(ADDRESSES) - set(MESSAGES) - {ADMIN, ALLAUTH, "clock"}) == []


@pytest.mark.django_db
@pytest.mark.parametrize("name", KINDS)
def test_a_job_about_what_is_not_there_is_done_at_once_and_changes_nothing(values, name):
    before = facts()
    assert kinds[name].work(KINDS[name].missing, {}) is None
    assert facts() == before

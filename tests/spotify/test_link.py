"""Linking an account: asked, answered, kept fresh by one at a time, lost, disconnected; and what the logs say."""

import contextlib
import logging
import threading
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.leaving import sign_out_everywhere
from accounts.models import Activity
from accounts.personal import erasers, sections
from pika.crypto import CannotOpen, reseal, seal, unseal
from pika.gateways import spotify
from playlists import actions, linking
from playlists.models import Export, SpotifyLink
from tests.spotify.conftest import link
from tests.spotify.standin import Fault, an_id

AT_HOME = {"HTTP_HOST": "127.0.0.1:8000"}


@pytest.fixture
def logged_in(client, marcus):
    client.force_login(marcus, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def begin(client) -> dict[str, str]:
    """Press the button; what is asked on Spotify."""
    answer = client.post("/me/spotify/link", **AT_HOME)
    assert answer.status_code == 302, answer.content
    return dict(parse_qsl(urlsplit(answer["Location"]).query))


def come_back(client, address: str):
    its = urlsplit(address)
    return client.get(f"{its.path}?{its.query}", follow=True, **AT_HOME)


def said(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


# --- Linking -------------------------------------------------------------------------------------------------
def test_linking_with_state_and_pkce(standin, mode, marcus, logged_in):
    asked = begin(logged_in)
    assert asked["redirect_uri"] == "http://127.0.0.1:8000/me/spotify/callback"
    assert asked["scope"].split() == list(spotify.SCOPES)
    answer = come_back(logged_in, standin.consent(asked))
    assert said(answer) == "Linked as Marcus."
    its = SpotifyLink.objects.get(user=marcus)
    assert its.account_id == ("marcus" if mode == "extended" else "acc-marcus")
    assert its.has(*spotify.SCOPES)
    assert "access-" not in its.access_token and unseal(its.access_token).startswith("access-")
    assert "refresh-" not in its.refresh_token and unseal(its.refresh_token).startswith("refresh-")


def test_who_says_no_hears_that_nothing_changes(standin, marcus, logged_in):
    standin.says = "access_denied"
    answer = come_back(logged_in, standin.consent(begin(logged_in)))
    assert said(answer) == "You said no on Spotify, so nothing was linked. Nothing else changes."
    assert not SpotifyLink.objects.exists()


def test_an_answer_counts_once_and_only_where_it_was_asked(standin, marcus, ana, logged_in, client):
    address = standin.consent(begin(logged_in))
    come_back(logged_in, address)
    refused = "This answer from Spotify was used already, or belongs to another browser. Press “Link” once more."
    assert said(come_back(logged_in, address)) == refused
    assert said(come_back(logged_in, "/me/spotify/callback?state=forged&code=x")) == refused
    assert SpotifyLink.objects.count() == 1
    stolen = standin.consent(begin(logged_in))
    client.force_login(ana, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert said(come_back(client, stolen)) == refused
    assert not SpotifyLink.objects.filter(user=ana).exists()


def test_a_code_that_was_used_elsewhere_is_refused_in_words(standin, marcus, logged_in):
    address = standin.consent(begin(logged_in))
    standin.codes.clear()
    assert said(come_back(logged_in, address)).startswith("Spotify's answer was used already, or is too old.")


def test_two_tabs_may_ask_at_once(standin, marcus, logged_in):
    first, second = begin(logged_in), begin(logged_in)
    assert said(come_back(logged_in, standin.consent(first))) == "Linked as Marcus."
    assert said(come_back(logged_in, standin.consent(second))) == "Linked as Marcus."
    assert SpotifyLink.objects.count() == 1


def test_a_wrong_client_secret_is_the_operators_business(standin, settings, marcus, logged_in):
    settings.SPOTIFY_SECRET = "wrong"
    answer = come_back(logged_in, standin.consent(begin(logged_in)))
    assert said(answer) == "Spotify does not know this server's client id and secret. Its operator has to look."


def test_scopes_are_what_was_granted(standin, marcus, logged_in):
    standin.granted = "playlist-read-private playlist-modify-private"
    answer = come_back(logged_in, standin.consent(begin(logged_in)))
    text = answer.content.decode()
    assert "making private playlists" in text
    assert "You did not allow Pika! to make public playlists" in text


def test_spotify_sends_nobody_back_to_an_address_it_does_not_take(standin, marcus, logged_in):
    answer = logged_in.get("/me/spotify", HTTP_HOST="localhost:8000")
    assert "http://localhost:8000/me/spotify/callback" in answer.content.decode()
    assert "Link your Spotify account</button>" not in answer.content.decode()
    answer = logged_in.post("/me/spotify/link", HTTP_HOST="localhost:8000", follow=True)
    assert said(answer) == "Spotify sends people back to https:// or to http://127.0.0.1 and nowhere else."


def test_another_account_takes_the_place_and_the_first_ones_data_goes(standin, marcus, linked, logged_in):
    Export.objects.create(owner=marcus, kind="set", key="k", title="Old")
    standin.user = "ana"
    come_back(logged_in, standin.consent(begin(logged_in)))
    assert SpotifyLink.objects.get(user=marcus).account_id == "acc-ana"
    assert not Export.objects.exists()


# --- Fresh tokens ----------------------------------------------------------------------------------------------
def old(its: SpotifyLink) -> None:
    SpotifyLink.objects.filter(pk=its.pk).update(expires_at=timezone.now() - timedelta(minutes=1))


def test_a_token_is_refreshed_and_without_a_new_refresh_token_the_old_one_stays(standin, marcus, linked):
    standin.gives_refresh = False
    old(linked)
    token = linking.token_of(marcus)
    assert spotify.connect(token).me().login == "marcus"
    its = SpotifyLink.objects.get()
    assert (unseal(its.access_token), unseal(its.refresh_token)) == (token, "refresh-of-marcus")
    assert linking.token_of(marcus) == token
    standin.gives_refresh = True
    old(linked)
    linking.token_of(marcus)
    assert unseal(SpotifyLink.objects.get().refresh_token) != "refresh-of-marcus"


@pytest.mark.django_db(transaction=True)
def test_two_workers_refresh_once(standin, marcus):
    its = link(standin, marcus)
    old(its)
    tokens, start = [], threading.Barrier(4)

    def ask():
        start.wait()
        tokens.append(linking.token_of(marcus))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(tokens) == 4
    assert len(set(tokens)) == 1
    assert standin.refreshed.total() == 1


def test_a_token_taken_back_early_is_changed_once(standin, marcus, linked):
    standin.tokens.clear()
    assert linking.ask(marcus, lambda client: client.me().login) == "marcus"
    assert standin.refreshed.total() == 1


def test_a_dead_refresh_token_is_said_once_and_kept_until_somebody_links_again(standin, marcus, linked, logged_in):
    standin.remove_app()
    for _ in range(3):
        with pytest.raises(spotify.NeedsRelink, match="it lasts six months, or was taken back on Spotify"):
            linking.ask(marcus, lambda client: client.me())
    assert standin.refreshed.total() == 1
    its = SpotifyLink.objects.get()
    assert its.needs_relink_at and not linking.can_use(marcus)
    assert "Please link your account again" in logged_in.get("/me/spotify", **AT_HOME).content.decode()
    come_back(logged_in, standin.consent(begin(logged_in)))
    assert SpotifyLink.objects.get().needs_relink_at is None
    assert linking.can_use(marcus)


def test_a_spotify_that_does_not_answer_kills_no_link(standin, marcus, linked, settings):
    settings.SPOTIFY_ACCOUNTS_URL = "http://127.0.0.1:9"
    old(linked)
    with pytest.raises(spotify.Away, match="does not answer"):
        linking.token_of(marcus)
    assert SpotifyLink.objects.get().needs_relink_at is None


def test_disconnecting_deletes_what_we_kept(standin, marcus, linked, logged_in):
    assert said(logged_in.post("/me/spotify/remove", follow=True)).startswith("Disconnected.")
    assert not SpotifyLink.objects.exists()
    with pytest.raises(spotify.NeedsRelink, match="Link your Spotify account first"):
        linking.token_of(marcus)
    assert logged_in.post("/me/spotify/remove").status_code == 302  # twice is once


def test_linking_exporting_and_disconnecting_are_in_the_activity(
    standin, marcus, logged_in, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        come_back(logged_in, standin.consent(begin(logged_in)))
        for _ in range(2):
            actions.export_playlist(marcus, "set", "X", "A night", "", [actions.Wanted(an_id(1), "Song")])
        for _ in range(2):
            actions.disconnect(marcus)
    deeds = Activity.objects.order_by("pk").values_list("verb", "target")
    assert list(deeds) == [("link_spotify", ""), ("export_playlist", "A night"), ("unlink_spotify", "")]


def test_signing_out_everywhere_leaves_the_link(standin, marcus, linked):
    sign_out_everywhere(marcus)
    assert linking.can_use(marcus)


def test_a_persons_data_has_the_account_and_no_token_and_goes_with_the_account(standin, marcus, linked):
    (row,) = sections["spotify"](marcus)
    assert (row["account"], row["name"]) == ("acc-marcus", "Marcus")
    assert not any("refresh" in str(value) or "access" in str(value) for value in row.values())
    for erase in erasers:
        if erase.__module__ == "playlists.personal":
            erase(marcus)
    assert not SpotifyLink.objects.exists()


# --- Keys ------------------------------------------------------------------------------------------------------
def test_keys_are_rotated(standin, marcus, linked, settings):
    first, second = settings.FIELD_KEYS[0], Fernet.generate_key().decode()
    settings.FIELD_KEYS = [second, first]
    assert unseal(seal("x")) == "x" and unseal(reseal(seal("y"))) == "y"
    call_command("reseal")
    settings.FIELD_KEYS = [second]
    assert unseal(SpotifyLink.objects.get().refresh_token) == "refresh-of-marcus"


def test_a_lost_key_asks_to_link_again(standin, marcus, linked, settings):
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CannotOpen):
        unseal(linked.refresh_token)
    with pytest.raises(spotify.NeedsRelink, match="Link your account again"):
        linking.token_of(marcus)
    assert SpotifyLink.objects.get().needs_relink_at


def test_half_a_configuration_is_a_mistake_that_is_told(settings):
    settings.SPOTIFY, settings.SPOTIFY_CLIENT_ID, settings.SPOTIFY_SECRET, settings.FIELD_KEYS = "", "x", "", []
    assert {found.id for found in run_checks()} >= {"pika.E004", "pika.E005"}


# --- Logs --------------------------------------------------------------------------------------------------------
def test_logs_contain_no_token(standin, marcus, logged_in, caplog):
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("spotipy").setLevel(logging.DEBUG)
        come_back(logged_in, standin.consent(begin(logged_in)))
        old(SpotifyLink.objects.get())
        standin.faults = [None, Fault(500), Fault(429), Fault("cut"), Fault(403), Fault(401), Fault(401)]
        for _ in range(6):
            with contextlib.suppress(spotify.SpotifyError):
                linking.ask(marcus, lambda client: client.create("A", "B", True))
        standin.remove_app()
        with pytest.raises(spotify.NeedsRelink):
            linking.ask(marcus, lambda client: client.me())
    assert caplog.text
    for secret in ("access-", "refresh-", "code-", "the-client-secret", "code_verifier"):
        lines = [record.getMessage() for record in caplog.records if record.name != "django.request"]
        assert [line for line in lines if secret in line] == []


# --- The gateway -------------------------------------------------------------------------------------------------
def test_search_asks_for_ten_at_most_and_a_track_has_its_isrc(standin, mode, marcus):
    client = spotify.connect(standin.token())
    found = client.search("song 1", 50)
    assert len(found) == 10
    assert (found[1].title, found[1].artist, found[1].album) == ("Song 1", "Somebody", "Album")
    assert client.track(found[1].id).isrc == "XX0000000001"
    assert found[1].cover == "https://i.scdn.co/image/x"
    with pytest.raises(spotify.Gone):
        client.track("not an id")


def test_no_token_is_never_asked_for_at_the_keyboard(standin):
    with pytest.raises(ValueError, match="no token"):
        spotify.connect("")


# --- Without any of it -------------------------------------------------------------------------------------------
def test_every_page_works_without_spotify(unconfigured, marcus, logged_in):
    page = logged_in.get("/me/spotify").content.decode()
    assert "This server is not connected to Spotify" in page
    assert "What linking would add" in page
    assert "Nothing yet" in logged_in.get("/me/exports").content.decode()
    assert logged_in.post("/me/spotify/link").status_code == 503
    assert said(logged_in.get("/me/spotify/callback?code=x&state=y", follow=True)) == (
        "This server is not connected to Spotify."
    )
    assert logged_in.post("/me/spotify/remove").status_code == 302
    assert actions.check_may_export is not None and not linking.can_use(marcus)

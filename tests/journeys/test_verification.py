"""What was that track: three DJs say it, a fourth need not; a wrong word is outvoted, a bad merge taken apart.

Marcus says his by keyboard in a real browser, the others through their programs; Sarah has the right song to listen to.
"""

import re

import pytest
from django.conf import settings

from accounts.access import guest_key, guest_of
from accounts.actions import new_guest_secret
from pika.jobs import actions as jobs
from stages.models import Play
from tests.cast import app_code
from tracks.actions import repair
from tracks.models import Identity, Like, PlayLink, SpotifyTrack, Track

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
SONGS = [f"Song {word}" for word in ["One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten"]]
HOW_FILES_NAME = ("{}", "{} (Official Video)", "{} [www.mp3s.example]", "{}")


def spotify_id(title, is_wrong=False):
    return f"{'wrong' if is_wrong else 'right'}{title.replace(' ', ''):0<17}"


@pytest.fixture
def expect():
    from playwright.sync_api import expect

    return expect


@pytest.fixture
def plays_ten(dj):
    """`plays_ten(marcus, 0)`: live with ten files of his own, named as such files are."""

    def play(user, number):
        his = dj(user)
        for song in SONGS:
            file = f"{number}{SONGS.index(song)}".ljust(64, "f")
            his.play(HOW_FILES_NAME[number].format(song), "The Band", track={"audioHash": file, "fileHash": file[::-1]})
        return his

    return play


@pytest.fixture
def program(client, token_of):
    """`program(ana, its, wrong=3)`: says with links what everything in her set was; that many of them wrongly."""

    def verify(user, its, *, wrong=()):
        headers = {"Authorization": f"Bearer {token_of(user)}"}
        where = f"/api/v1/sessions/{its.session_id}/unverified-tracks?limit=50"
        asked = client.get(where, headers=headers).json()["results"]
        verdicts = []
        for question in asked:
            song = next(song for song in SONGS if re.match(rf"{song}\b", question["track"]["title"]))
            link = f"https://open.spotify.com/track/{spotify_id(song, song in wrong)}?si=1"
            verdicts.append({"playId": question["playId"], "verdict": "confirm", "link": link})
        body = {"verdicts": verdicts}
        answer = client.post("/api/v1/tracks/verify", body, content_type="application/json", headers=headers).json()
        assert {result["status"] for result in answer["results"]} == {"ok"}
        return len(asked)

    return verify


@pytest.fixture
def people(marcus, ana, make_user):
    return [marcus, ana, *(make_user(name, is_dj=True) for name in ("tomas", "jun"))]


def known(its):
    """{title: Spotify id} of what is linked in this set."""
    links = PlayLink.objects.filter(play__session__code=its.session_id).select_related("play", "track")
    return {link.play.title: link.track.spotify_tracks.get().spotify_id for link in links}


def test_three_djs_say_it_and_a_fourth_need_not(
    server, people, plays_ten, program, dj, browser, log_in, expect, make_user
):
    marcus, ana, tomas, jun = people
    assert program(ana, plays_ten(ana, 1)) == 10
    assert program(tomas, plays_ten(tomas, 2), wrong=["Song Three"]) == 10
    his = plays_ten(marcus, 0)
    his.end()
    earlier = plays_ten(jun, 3)
    assert known(earlier) == {}

    # Marcus, by keyboard alone.
    page = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB").new_page()
    page.set_default_timeout(10_000)
    log_in(page, marcus)
    page.goto(f"{server.url}/me/sets")
    page.get_by_role("link", name="Verify").focus()
    page.keyboard.press("Enter")
    title, done = page.locator("h1"), page.locator("#done")
    expect(title).to_have_text("Song One")
    page.keyboard.press("n")
    expect(title).to_have_text("Song Two")
    page.keyboard.press("Enter")
    expect(done).to_have_text("1 of 10 done")
    expect(title).to_have_text("Song Three")
    expect(page.locator(".conflict")).to_contain_text("DJs do not agree about this one.")
    expect(page.locator(".offer").filter(has_text="Others say so · 1 DJ")).to_have_count(2)
    heard = [link.get_attribute("href") for link in page.get_by_role("link", name="Listen").all()]
    assert len(heard) == len(set(heard)) >= 2
    for name in ("Ana", "Tomas"):
        expect(page.locator("main")).not_to_contain_text(name)
    page.keyboard.press("2")
    expect(title).to_have_text("Song Four")
    page.keyboard.press("u")  # it was the first of them
    expect(title).to_have_text("Song Three")
    expect(done).to_have_text("1 of 10 done")
    page.keyboard.press("1")
    expect(title).to_have_text("Song Four")
    page.keyboard.press("v")
    page.keyboard.insert_text("https://open.spotify.com/album/4iV5W9uYEdYUVa79Axb7Rh")
    page.keyboard.press("Enter")
    expect(page.locator("#link-error")).to_contain_text("This is a link to a whole album.")
    page.keyboard.insert_text(f"https://open.spotify.com/intl-de/track/{spotify_id('Song Four')}?si=2")
    page.keyboard.press("Enter")
    for number, song in enumerate(["Song Five", "Song Six", "Song Seven", "Song Eight", "Song Nine", "Song Ten"], 3):
        expect(title).to_have_text(song)
        expect(done).to_have_text(f"{number} of 10 done")
        page.keyboard.press("y")
    expect(title).to_have_text("Song One")  # what was left for later
    page.keyboard.press("Enter")
    expect(title).to_have_text("All done. Thank you!")
    expect(done).to_have_text("10 of 10 done")
    assert known(his) == {song: spotify_id(song) for song in SONGS}

    # Jun played them before: linked now, but for what two say and one denies.
    jobs.run_due()
    nine = {song: spotify_id(song) for song in SONGS if song != "Song Three"}
    assert known(earlier) == nine

    # One more DJ outvotes the wrong word; and what Jun plays is known as it starts. A remix is another recording.
    lena = make_user("lena", is_dj=True)
    assert program(lena, plays_ten(lena, 3)) == 1  # the rest is settled: nobody asks her
    again = dj(jun)
    for song in SONGS:
        again.play(song.upper(), "Band")
    again.play("Song One (Somebody Remix)", "The Band")
    assert known(again) == {song.upper(): spotify_id(song) for song in SONGS}


def test_an_admin_splits_a_bad_merge_and_sarah_s_journal_is_right_again(
    server, people, plays_ten, program, dj, stage, browser, phone, kryspin, log_in, expect
):
    for number, user in enumerate(people[:3]):
        program(user, plays_ten(user, number))
    floor = dj(people[3], stage)
    floor.play("Song Two", "The Band")
    play = Play.objects.get(session__code=floor.session_id)
    sarah, secret = phone(), new_guest_secret()
    sarah.context.add_cookies([{"name": settings.GUEST_COOKIE, "value": secret, "url": server.url}])
    Like.objects.create(guest=guest_of(guest_key(secret)), play=play)
    listen = sarah.get_by_role("link", name="Listen")

    def hears(song):
        sarah.goto(f"{server.url}/me/songs")
        expect(listen).to_have_attribute("href", f"https://open.spotify.com/track/{spotify_id(song)}")

    hears("Song Two")
    one, two = (SpotifyTrack.objects.get(spotify_id=spotify_id(song)).track for song in SONGS[:2])
    repair.merge(two, one, kryspin, "they sounded alike")
    jobs.run_due()
    hears("Song One")

    page = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB").new_page()
    page.set_default_timeout(10_000)
    log_in(page, kryspin)
    if page.locator("input[name=code]").count():
        page.fill("input[name=code]", app_code())
        page.keyboard.press("Enter")
        expect(page.locator("input[name=code]")).to_have_count(0)
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{server.url}/admin/tracks/track/{one.pk}/split/")
    expect(page.get_by_text("00".ljust(64, "f"))).to_be_visible()  # the whole of it
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 1280, "height": 800})
    for row in page.locator("tbody tr").filter(has_text=re.compile("song two", re.IGNORECASE)).all():
        row.locator("input").check()
    page.get_by_label(spotify_id("Song Two")).check()
    page.fill("input[name=title]", "Song Two")
    page.fill("input[name=reason]", "two songs")
    page.get_by_role("button", name="Split").click()
    expect(page.locator(".messagelist .success")).to_contain_text("Split: The Band – Song Two.")
    jobs.run_due()
    hears("Song Two")
    again = Track.objects.get(title="Song Two", merged_into=None)
    assert PlayLink.objects.get(play=play).track == again
    assert set(Identity.objects.filter(value__icontains="song two").values_list("track", flat=True)) == {again.pk}


# --- The page itself ------------------------------------------------------------------------------------------
def test_axe_finds_nothing_serious_on_the_sets_and_a_question(
    browser, server, plays_ten, program, people, log_in, look
):
    marcus, ana, *_ = people
    program(ana, plays_ten(ana, 1))
    its = plays_ten(marcus, 0)
    page = browser.new_context(viewport={"width": 360, "height": 740}, bypass_csp=True).new_page()
    log_in(page, marcus)
    for where in ("/me/sets", f"/me/sets/{its.session_id}/verify", f"/me/sets/{its.session_id}/verify?all=1"):
        page.goto(f"{server.url}{where}")
        look(page)


def test_without_script_every_press_is_a_page(browser, server, plays_ten, program, people, log_in, expect):
    marcus, ana, *_ = people
    program(ana, plays_ten(ana, 1))
    its = plays_ten(marcus, 0)
    page = browser.new_context(viewport={"width": 360, "height": 740}, java_script_enabled=False).new_page()
    page.set_default_timeout(10_000)
    log_in(page, marcus)
    page.goto(f"{server.url}/me/sets/{its.session_id}/verify")
    title, done = page.locator("h1"), page.locator("#done")
    page.locator(".offer").first.click()
    expect(title).to_have_text("Song Two")
    page.get_by_role("button", name="Skip for good").click()
    expect(done).to_have_text("2 of 10 done")
    page.get_by_role("button", name="Undo").click()
    expect(title).to_have_text("Song Two")
    page.get_by_role("button", name="Next, ask later").click()
    expect(title).to_have_text("Song Three")
    page.fill("#link", "spotify:local:x")
    page.get_by_role("button", name="It is this").click()
    expect(page.locator("#link-error")).to_contain_text("This is a file on somebody's computer")
    assert known(its) == {"Song One": spotify_id("Song One")}


def test_two_tabs_and_a_broken_line_lose_nothing_and_double_nothing(
    browser, server, plays_ten, program, people, log_in, expect
):
    marcus, ana, *_ = people
    program(ana, plays_ten(ana, 1))
    its = plays_ten(marcus, 0)
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    one = context.new_page()
    log_in(one, marcus)
    other = context.new_page()
    for page in (one, other):
        page.set_default_timeout(10_000)
        page.goto(f"{server.url}/me/sets/{its.session_id}/verify")
        expect(page.locator("h1")).to_have_text("Song One")
    for page in (one, other):
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Song Two")
        expect(page.locator("#done")).to_have_text("1 of 10 done")
    context.set_offline(True)
    one.keyboard.press("Enter")
    expect(one.locator("#lost")).to_be_visible()
    expect(one.locator("h1")).to_have_text("Song Two")
    context.set_offline(False)
    one.keyboard.press("Enter")
    expect(one.locator("h1")).to_have_text("Song Three")
    expect(one.locator("#lost")).to_be_hidden()
    assert known(its) == {song: spotify_id(song) for song in SONGS[:2]}

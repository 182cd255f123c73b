// The booth: go live, tell the floor what plays, hear what the floor thinks.
import { render, showAll } from "pika/booth_draw.js";
import { $, button, complain, complainOf, isolate, make, name, nameOf, sentence, setText, show, toast } from "pika/booth_page.js";
import { AskTheFloor } from "pika/booth_poll.js";
import { booth, countThanks, forget, keep, newPlayId, newestFirst, prefix, recall, waiting } from "pika/booth_set.js";
import { Settings } from "pika/booth_settings.js";
import { GoLive } from "pika/booth_start.js";
import { TellTheFloor } from "pika/booth_tell.js";
import { Live } from "pika/live.js";
import { many, tr } from "pika/words.js";

const root = $("booth");
const AHEAD_AFTER = 400; // of the last letter
const ELSEWHERE = tr("It was ended in another window, or after hours without a track.");

let isEnding = false;
let isWishingToEnd = false;

// --- The line --------------------------------------------------------------------------------------------
const topic = () => (booth.session.stage ? `stage.${booth.session.stage.stageId}` : `session.${booth.session.sessionId}`);
const isHere = (message) => booth.session && (!message.topic || message.topic === topic());
const isMine = (message) => booth.session && message.sessionId === booth.session.sessionId;
const here = (act) => (message) => isHere(message) && (act(message), render());
const mine = (act) => (message) => isMine(message) && (act(message), render());

const live = new Live({
  hello,
  onState: turned,
  on: {
    SESSION_REGISTERED: mine(registered),
    SNAPSHOT: here(snapshot),
    NOW_PLAYING: here(nowPlaying),
    STAGE_STATE: here(({ state, djName, nextSlot }) => Object.assign(booth.floor, { state, djName, nextSlot })),
    TRACK_STOPPED: here(({ sessionId }) => sessionId === booth.floor.sessionId && (booth.floor.state = "between_songs")),
    TRACK_HIDDEN: here(hiddenOrBack),
    METADATA_UPDATED: here(corrected),
    LISTENER_COUNT: here(({ count }) => (booth.floor.listeners = count)),
    DJ_LIVE: here((message) => isMine(message) || toast(tr("{name} went live on this stage too.", { name: isolate(message.djName) }))),
    SESSION_ENDED: mine(() => ended(isEnding ? "" : ELSEWHERE)),
    LIKE_RECEIVED: mine(({ playId, count }) => booth.plays.has(playId) && (booth.plays.get(playId).likes = count)),
    TEMPO_FEEDBACK: mine((message) => (booth.tempo = message)),
    TEMPO_RESET: mine(() => (booth.tempo = null)),
    REACTION_RECEIVED: mine(() => countThanks(1)),
    REPEAT_WARNING: mine(warn),
    POLL_STARTED: here((message) => asking.hear(message)),
    POLL_UPDATE: here((message) => asking.hear(message)),
    POLL_ENDED: here((message) => asking.hear(message)),
    ANNOUNCEMENT_RECEIVED: here((message) => telling.hear(message)),
    ANNOUNCEMENT_CANCELLED: here((message) => telling.hear(message)),
    NACK: (message) => booth.session && refused(message),
  },
});

const asking = new AskTheFloor(live, () => booth.session?.sessionId, toast);
const telling = new TellTheFloor(live, () => booth.session?.sessionId, toast);
const settings = new Settings(live);
const starting = new GoLive(live, enter, loggedOut);

// Said on every connection: my session goes on, and what is on the floor.
async function hello() {
  if (!booth.session?.isLive) return [];
  try {
    await live.ask("REGISTER_SESSION", { sessionId: booth.session.sessionId });
  } catch (error) {
    if (error.code === "lost") throw error;
    refused(error);
    return [];
  }
  if (!booth.session?.isLive) return [];
  load();
  const where = booth.session.stage ? { stageId: booth.session.stage.stageId } : { sessionId: booth.session.sessionId };
  return [{ type: "SUBSCRIBE", ...where, display: true, mine: false }];
}

function refused(error) {
  if (error.code === "session_over") ended(ELSEWHERE);
  else if (error.code === "session_not_found") location.assign(location.pathname);
  else if (error.code === "unauthenticated") loggedOut();
  else toast(sentence(error.message ?? error.error));
}

function loggedOut() {
  booth.lostAt = null;
  $("net").replaceChildren(`${tr("You are logged out. The floor keeps your last song.")} `);
  const link = make("a", "", tr("Log in again"));
  link.href = `/accounts/login/?next=${encodeURIComponent(location.pathname)}`;
  $("net").append(link);
  $("net").hidden = false;
}

function turned(state) {
  booth.isOpen = state === "open";
  if (state === "lost") booth.lostAt ??= Date.now();
  if (state === "open") {
    if (booth.lostAt && booth.session) toast(waiting().length ? tr("The connection is back. Your tracks go out now.") : tr("The connection is back."));
    if (booth.lostAt || !booth.session) $("net").hidden = true;
    booth.lostAt = null;
    flush();
    lookAhead();
    starting.connected();
  }
  render();
}

// Into a running set: of a moment ago, of before the reload, or of another window.
function enter(sessionId) {
  booth.session = { sessionId, stage: null, isLive: true };
  [booth.floor, booth.plays, booth.tempo] = [{}, new Map(), null];
  sessionStorage.setItem("pika.booth", sessionId);
  localStorage.setItem("pika.booth", sessionId);
  recall();
  show("live");
  settings.keepAwake();
  live.refresh();
}

async function get(path = "") {
  const response = await fetch(`/api/v1/sessions/${booth.session.sessionId}${path}`, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(response.status);
  return response.json();
}

// What the server knows of this set: also what another window or the program on the laptop did.
async function load() {
  try {
    const before = settings.edits;
    let known = await get();
    const told = [];
    for (let page; !page || page.length === 500; told.push(...page)) page = await get(`/plays?offset=${told.length}`);
    if (known.sessionId !== booth.session?.sessionId) return;
    // What was changed here while we asked is newer than the answer.
    if (settings.edits !== before) known = { ...known, delaySeconds: booth.session.delaySeconds, isPaused: booth.session.isPaused, note: booth.session.note };
    Object.assign(booth.session, known);
    for (const play of told) {
      forget(play.playId);
      booth.plays.set(play.playId, { ...booth.plays.get(play.playId), ...play, isWaiting: false });
    }
    recall();
    settings.fillIn();
    if (!booth.session.isLive) ended(ELSEWHERE);
  } catch {
    recall(); // the line tells us soon enough
  }
  render();
}

// --- What the server says ----------------------------------------------------------------------------------
function registered({ djName, stage, handover }) {
  Object.assign(booth.session, { djName, stage: stage ?? null, handover });
}

function snapshot({ state, session: its, play, nextSlot, listeners, stage, poll, announcements }) {
  asking.snapshot(poll);
  telling.snapshot(announcements, !!stage);
  booth.floor = { state, play, nextSlot, listeners, timeZone: stage?.timeZone, djName: its?.djName, sessionId: its?.sessionId };
}

function nowPlaying(message) {
  const { sessionId, djName, playId, playedAt, track } = message;
  if (booth.floor.play?.playId !== playId && sessionId === booth.session.sessionId) booth.tempo = null;
  Object.assign(booth.floor, { state: "live", sessionId, djName, play: { sessionId, djName, playId, playedAt, track } });
  if (isMine(message)) booth.plays.set(playId, { likes: 0, isHidden: false, ...booth.plays.get(playId), playId, playedAt, track, isWaiting: false });
}

function hiddenOrBack({ playId, hidden }) {
  if (booth.plays.has(playId)) Object.assign(booth.plays.get(playId), { isHidden: hidden, wish: undefined });
  if (booth.floor.play?.playId === playId || !hidden) live.refresh(); // the floor goes back to the song before
}

function corrected({ playId, track }) {
  for (const play of [booth.plays.get(playId), booth.floor.play]) if (play?.playId === playId) play.track = track;
}

// --- Type a track -------------------------------------------------------------------------------------------
let typedAt = 0;
let aheadTimer;
const typedTrack = () => ({ artist: $("t-artist").value.trim(), title: $("t-title").value.trim() });

// Was it played here before? Said while it is typed, before the floor hears of it.
function lookAhead() {
  clearTimeout(aheadTimer);
  setText("ahead", "");
  const track = typedTrack();
  if (track.title) aheadTimer = setTimeout(askAhead, AHEAD_AFTER, track);
}

async function askAhead(track) {
  if (!booth.session || !booth.isOpen) return;
  const { repeat } = await live.ask("NEXT_TRACK", { sessionId: booth.session.sessionId, track }).catch(() => ({})); // nice to know, no more
  const now = typedTrack();
  if (repeat && now.title === track.title && now.artist === track.artist) setText("ahead", sentence(repeat.words));
}

function typed(event) {
  event.preventDefault();
  const { artist, title } = typedTrack();
  for (const field of ["t-artist", "t-title"]) complain(field, "");
  if (!title) {
    if (Date.now() - typedAt < 1500) return; // the second half of a double click
    if (artist && document.activeElement === $("t-artist")) return $("t-title").focus();
    return complainOf({ message: `track.title: ${tr("Type at least the title.")}` });
  }
  typedAt = Date.now();
  const play = { playId: newPlayId(), playedAt: new Date(typedAt).toISOString(), track: { artist, title } };
  keep(play);
  booth.plays.set(play.playId, { ...play, likes: 0, isHidden: false, isWaiting: true });
  $("type").reset();
  lookAhead();
  if (matchMedia("(pointer: coarse)").matches) document.activeElement.blur(); // the keyboard hides the floor
  else $("t-artist").focus();
  render();
  flush();
}

let isSending = false;

async function flush() {
  if (isSending || !booth.session || !booth.isOpen) return;
  isSending = true;
  try {
    for (let play; booth.session && (play = waiting()[0]); ) await send(play);
    for (const play of booth.plays.values()) if (play.wish !== undefined) await hide(play.playId, play.wish);
    if (isWishingToEnd) await end();
  } catch (error) {
    if (error.code === "suspended") toast(sentence(error.message));
    if (error.code !== "lost") setTimeout(flush, (error.retryAfter ?? 5) * 1000);
  } finally {
    isSending = false;
  }
}

async function send(play) {
  const fields = { sessionId: booth.session.sessionId, ...play, sentAt: new Date().toISOString() };
  try {
    await (booth.session.isLive ? live.ask("BROADCAST_TRACK", fields) : sendLate(play));
  } catch (error) {
    if (error.code === "unauthenticated") loggedOut();
    if (error.code === "session_over") return sendLate(play);
    if (!["invalid", "play_id_taken"].includes(error.code)) throw error;
    forget(play.playId);
    booth.plays.delete(play.playId);
    if (!$("t-title").value) [$("t-artist").value, $("t-title").value] = [play.track.artist, play.track.title];
    complainOf(error, "t-title");
    return render();
  }
  forget(play.playId);
  const known = booth.plays.get(play.playId);
  if (known) known.isWaiting = false;
  if (known?.isTakenBack) {
    known.isTakenBack = false; // it was under way already
    await hide(play.playId, true);
  }
  render();
}

// A set that is over still takes what was played in it.
async function sendLate(play) {
  const response = await fetch(`/api/v1/sessions/${booth.session.sessionId}/plays`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": root.querySelector("[name=csrfmiddlewaretoken]").value },
    body: JSON.stringify({ sentAt: new Date().toISOString(), plays: [play] }),
  }).catch(() => null);
  if (!response) throw Object.assign(new Error("No connection"), { code: "lost" });
  if (response.status >= 500 || response.status === 429) throw new Error("Later");
  forget(play.playId);
  if (booth.plays.has(play.playId)) booth.plays.get(play.playId).isWaiting = false;
}

// --- Hide, show again, undo ------------------------------------------------------------------------------
async function hide(playId, hidden, isUndoable = false) {
  const play = booth.plays.get(playId);
  if (!play) return;
  if (play.isWaiting) takeBack(play, hidden);
  else {
    play.wish = hidden;
    render();
    try {
      await live.ask("HIDE_TRACK", { sessionId: booth.session.sessionId, playId, hidden });
      Object.assign(play, { isHidden: hidden, wish: undefined });
    } catch (error) {
      if (error.code === "lost") return; // the wish goes out when the line is back
      play.wish = undefined;
      toast(sentence(error.message));
      return render();
    } finally {
      render();
    }
  }
  if (isUndoable && hidden) toast(tr("Hidden: {song}", { song: isolate(nameOf(play.track)) }), () => hide(playId, false));
}

function takeBack(play, isTakenBack) {
  Object.assign(play, { isTakenBack, isHidden: isTakenBack });
  isTakenBack ? forget(play.playId) : (keep(play), flush());
  render();
}

function warn(message) {
  const its = (play) => play.playId === message.playId || (play.track.title === message.track.title && play.track.artist === message.track.artist);
  const play = newestFirst().find(its);
  const id = `alert-${play?.playId ?? message.playedAt}`;
  if ($(id)) return;
  const alert = make("div", "repeat");
  alert.id = id;
  const close = (hidden) => {
    alert.remove();
    if (!$("alerts").firstChild) document.title = document.title.replace(/^⚠ /, "");
    if (hidden && play) hide(play.playId, true, true);
    ($("alerts").querySelector("button") ?? $("t-artist")).focus({ preventScroll: true });
  };
  const row = make("div", "row");
  row.append(button(tr("Hide it"), "main", () => close(true)), button(tr("Keep it"), "", () => close(false)));
  alert.append(make("p", "repeat-h", sentence(message.words)), name("p", "", nameOf(message.track)), row);
  $("alerts").prepend(alert);
  document.title = `⚠ ${document.title.replace(/^⚠ /, "")}`;
  navigator.vibrate?.([120, 60, 120]);
}

// --- The end ---------------------------------------------------------------------------------------------------
async function end() {
  isEnding = true;
  try {
    await live.ask("END_SESSION", { sessionId: booth.session.sessionId });
    isWishingToEnd = false;
    ended("");
  } catch (error) {
    isWishingToEnd = error.code === "lost";
    toast(isWishingToEnd ? tr("No connection. Your set ends as soon as it is back.") : sentence(error.message));
  } finally {
    isEnding = false;
  }
}

function ended(why) {
  if (!booth.session?.isLive) return;
  booth.session.isLive = false;
  sessionStorage.removeItem("pika.booth");
  if (localStorage.getItem("pika.booth") === booth.session.sessionId) localStorage.removeItem("pika.booth");
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  $("alerts").replaceChildren();
  settings.keepAwake();
  const list = [...booth.plays.values()].filter((play) => !play.isHidden);
  const likes = list.reduce((sum, play) => sum + (play.likes ?? 0), 0);
  const numbers = [many(list.length, "{n} song", "{n} songs"), many(likes, "{n} like", "{n} likes"), many(countThanks(0), "{n} thank-you", "{n} thank-yous")];
  const note = booth.session.note && booth.session.stage ? ` ${tr("Your note waits for the next DJ.")}` : "";
  setText("over-words", `${why} ${numbers.join(", ")}.${note}`.trim());
  show("over");
  flush();
  render();
}

// --- Hands ---------------------------------------------------------------------------------------------------
const onClick = (id, act) => $(id).addEventListener("click", act);
$("type").addEventListener("submit", typed);
$("type").addEventListener("input", lookAhead);
$("plays").addEventListener("click", ({ target }) => {
  const play = booth.plays.get(target.value);
  if (play) hide(play.playId, !(play.wish ?? play.isHidden), true);
});
onClick("stop", async () => {
  try {
    await live.ask("TRACK_STOPPED", { sessionId: booth.session.sessionId });
    toast(tr("The floor sees: between songs."));
  } catch (error) {
    toast(error.code === "lost" ? tr("No connection: the floor keeps your last song anyway.") : sentence(error.message));
  }
});
onClick("qr-open", () => $("qr-big").showModal());
onClick("qr-img", () => $("qr-big").close());
onClick("end", () => {
  const count = waiting().length;
  setText("end-words", booth.session.stage ? tr("The floor goes on to the next DJ. The stage and its QR stay.") : tr("The page of this set stays, and says that it is over."));
  if (count) $("end-words").append(` ${many(count, "{n} track will still be sent.", "{n} tracks will still be sent.")}`);
  $("end-ask").showModal();
});
$("end-ask").addEventListener("close", async () => {
  const isSure = $("end-ask").returnValue === "yes";
  $("end-ask").returnValue = "";
  if (isSure && booth.session?.isLive) await flush(), await end();
});
onClick("again", () => starting.again());
onClick("another", () => starting.show());
onClick("older", showAll);
for (const pick of document.querySelectorAll("[data-session]")) pick.addEventListener("click", () => enter(pick.dataset.session));
document.addEventListener("visibilitychange", () => {
  if (document.hidden || !booth.session) return;
  settings.keepAwake();
  if (booth.isOpen && booth.session.isLive) load();
});
addEventListener("storage", ({ key, newValue }) => {
  if (key === "pika.booth" && newValue && !booth.session) enter(newValue);
  else if (booth.session?.isLive && key?.startsWith(prefix())) newValue ? (recall(), render()) : load();
});
setInterval(() => booth.session?.isLive && booth.session.delaySeconds && render(), 5000);

const running = root.dataset.sessions.split(" ").filter(Boolean);
const last = sessionStorage.getItem("pika.booth");
if (running.includes(last)) enter(last);
else if (running.length === 1) enter(running[0]);

// The booth: go live, tell the floor what plays, hear what the floor thinks.
// A typed track waits in localStorage until the server has it; its id makes twice once.
import { AskTheFloor } from "pika/booth_poll.js";
import { TellTheFloor } from "pika/booth_tell.js";
import { Live } from "pika/live.js";
import { many, tr } from "pika/words.js";

const $ = (id) => document.getElementById(id);
const root = $("booth");
const random = (bytes) => crypto.getRandomValues(new Uint8Array(bytes));
const LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";
const newCode = () => Array.from(random(8), (n) => LETTERS[n % LETTERS.length]).join("");
const SHOWN = 30; // plays on the page until one asks for all
const [TOAST_FOR, UNDO_FOR] = [5000, 15_000];
const ELSEWHERE = tr("It was ended in another window, or after hours without a track.");

let edits = 0; // settings changed here and known to the server
let session = null; // {sessionId, djName, startedAt, stage, delaySeconds, isPaused, note, url, isLive}
let floor = {}; // what dancers see: {state, play, djName, sessionId, nextSlot, listeners, timeZone}
let plays = new Map(); // playId → {playId, playedAt, track, isHidden, likes, isWaiting, wish, isTakenBack}
let tempo = null;
let lostAt = null;
let wanted = null; // {stageId, sessionId}: the same again when an answer was lost
let isGoing = false; // true, or "waiting" for the connection
let isEnding = false;
let isWishingToEnd = false;
let isShowingAll = false;

function newPlayId() {
  const bytes = random(16);
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

// --- Words ---------------------------------------------------------------------------------------------
const nameOf = ({ artist, title }) => (artist ? `${artist} – ${title}` : title);
const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1);
const isolate = (words) => `\u2068${words}\u2069`; // a right-to-left name must not turn the sentence round it

function clock(time) {
  const options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: floor.timeZone };
  return new Intl.DateTimeFormat(document.documentElement.lang, options).format(new Date(time));
}

function make(tag, className = "", words = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = words;
  return element;
}

function name(tag, className, words) {
  const element = make(tag, className, words);
  element.dir = "auto";
  return element;
}

function button(words, className, act) {
  const element = make("button", `btn ${className}`.trim(), words);
  element.type = "button";
  element.addEventListener("click", act);
  return element;
}

function setText(id, words) {
  if ($(id).textContent !== words) $(id).textContent = words; // unchanged words must not be read aloud again
}

// --- Trouble, by the field it is about -----------------------------------------------------------------
const PATHS = { "track.title": "t-title", "track.artist": "t-artist", djName: "djname", stageId: "code", delaySeconds: "delay", note: "note" };

function complain(field, words) {
  if ($(`${field}_said`)) setText(`${field}_said`, words);
  if (words) $(field)?.setAttribute("aria-invalid", "true");
  else $(field)?.removeAttribute("aria-invalid");
}

// The server says “track.title: Ensure this field …”; the field is ours to find.
function complainOf(error, fallback) {
  const [, path, words] = /^([\w.]+): (.*)$/s.exec(error.message) ?? [];
  const field = PATHS[path] ?? (/^stage_/.test(error.code) ? "code" : fallback);
  let said = sentence(words ?? error.message);
  if (error.code === "stage_not_found") said = tr("There is no stage with this code where you may play. Look at the poster, or ask the organizer.");
  if (error.code === "lost") said = tr("No connection: this was not saved. Try again when it is back.");
  complain(field, said);
  $(field)?.closest("details")?.setAttribute("open", "");
  $(field)?.focus();
}

// --- The line --------------------------------------------------------------------------------------------
const topic = () => (session.stage ? `stage.${session.stage.stageId}` : `session.${session.sessionId}`);
const isHere = (message) => session && (!message.topic || message.topic === topic());
const isMine = (message) => session && message.sessionId === session.sessionId;
const here = (act) => (message) => isHere(message) && (act(message), render());
const mine = (act) => (message) => isMine(message) && (act(message), render());

const live = new Live({
  hello,
  onState: turned,
  on: {
    SESSION_REGISTERED: mine(registered),
    SNAPSHOT: here(snapshot),
    NOW_PLAYING: here(nowPlaying),
    STAGE_STATE: here(({ state, djName, nextSlot }) => Object.assign(floor, { state, djName, nextSlot })),
    TRACK_STOPPED: here(({ sessionId }) => sessionId === floor.sessionId && (floor.state = "between_songs")),
    TRACK_HIDDEN: here(hiddenOrBack),
    METADATA_UPDATED: here(corrected),
    LISTENER_COUNT: here(({ count }) => (floor.listeners = count)),
    DJ_LIVE: here((message) => isMine(message) || toast(tr("{name} went live on this stage too.", { name: isolate(message.djName) }))),
    SESSION_ENDED: mine(() => ended(isEnding ? "" : ELSEWHERE)),
    LIKE_RECEIVED: mine(({ playId, count }) => plays.has(playId) && (plays.get(playId).likes = count)),
    TEMPO_FEEDBACK: mine((message) => (tempo = message)),
    TEMPO_RESET: mine(() => (tempo = null)),
    REACTION_RECEIVED: mine(() => countThanks(1)),
    REPEAT_WARNING: mine(warn),
    POLL_STARTED: here((message) => asking.hear(message)),
    POLL_UPDATE: here((message) => asking.hear(message)),
    POLL_ENDED: here((message) => asking.hear(message)),
    ANNOUNCEMENT_RECEIVED: here((message) => telling.hear(message)),
    ANNOUNCEMENT_CANCELLED: here((message) => telling.hear(message)),
    NACK: (message) => session && refused(message),
  },
});

const asking = new AskTheFloor(live, () => session?.sessionId, toast);
const telling = new TellTheFloor(live, () => session?.sessionId, toast);

// Said on every connection: my session goes on, and what is on the floor.
async function hello() {
  if (!session?.isLive) return [];
  try {
    await live.ask("REGISTER_SESSION", { sessionId: session.sessionId });
  } catch (error) {
    if (error.code === "lost") throw error;
    refused(error);
    return [];
  }
  if (!session?.isLive) return [];
  load();
  const where = session.stage ? { stageId: session.stage.stageId } : { sessionId: session.sessionId };
  return [{ type: "SUBSCRIBE", ...where, display: true, mine: false }];
}

function refused(error) {
  if (error.code === "session_over") ended(ELSEWHERE);
  else if (error.code === "session_not_found") location.assign(location.pathname);
  else if (error.code === "unauthenticated") loggedOut();
  else toast(sentence(error.message ?? error.error));
}

function loggedOut() {
  lostAt = null;
  $("net").replaceChildren(`${tr("You are logged out. The floor keeps your last song.")} `);
  const link = make("a", "", tr("Log in again"));
  link.href = `/accounts/login/?next=${encodeURIComponent(location.pathname)}`;
  $("net").append(link);
  $("net").hidden = false;
}

function turned(state) {
  if (state === "lost") lostAt ??= Date.now();
  if (state === "open") {
    if (lostAt && session) toast(waiting().length ? tr("The connection is back. Your tracks go out now.") : tr("The connection is back."));
    if (lostAt || !session) $("net").hidden = true;
    lostAt = null;
    flush();
    if (isGoing === "waiting") goLive();
  }
  render();
}

async function get(path = "") {
  const response = await fetch(`/api/v1/sessions/${session.sessionId}${path}`, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(response.status);
  return response.json();
}

// What the server knows of this set: also what another window or the program on the laptop did.
async function load() {
  try {
    const before = edits;
    let known = await get();
    const told = [];
    for (let page; !page || page.length === 500; told.push(...page)) page = await get(`/plays?offset=${told.length}`);
    if (known.sessionId !== session?.sessionId) return;
    // What was changed here while we asked is newer than the answer.
    if (edits !== before) known = { ...known, delaySeconds: session.delaySeconds, isPaused: session.isPaused, note: session.note };
    Object.assign(session, known);
    for (const play of told) {
      forget(play.playId);
      plays.set(play.playId, { ...plays.get(play.playId), ...play, isWaiting: false });
    }
    recall();
    fillIn();
    if (!session.isLive) ended(ELSEWHERE);
  } catch {
    recall(); // the line tells us soon enough
  }
  render();
}

// --- What the server says ----------------------------------------------------------------------------------
function registered({ djName, stage, handover }) {
  Object.assign(session, { djName, stage: stage ?? null, handover });
}

function snapshot({ state, session: its, play, nextSlot, listeners, stage, poll, announcements }) {
  asking.snapshot(poll);
  telling.snapshot(announcements, !!stage);
  floor = { state, play, nextSlot, listeners, timeZone: stage?.timeZone, djName: its?.djName, sessionId: its?.sessionId };
}

function nowPlaying(message) {
  const { sessionId, djName, playId, playedAt, track } = message;
  if (floor.play?.playId !== playId && sessionId === session.sessionId) tempo = null;
  Object.assign(floor, { state: "live", sessionId, djName, play: { sessionId, djName, playId, playedAt, track } });
  if (isMine(message)) plays.set(playId, { likes: 0, isHidden: false, ...plays.get(playId), playId, playedAt, track, isWaiting: false });
}

function hiddenOrBack({ playId, hidden }) {
  if (plays.has(playId)) Object.assign(plays.get(playId), { isHidden: hidden, wish: undefined });
  if (floor.play?.playId === playId || !hidden) live.refresh(); // the floor goes back to the song before
}

function corrected({ playId, track }) {
  for (const play of [plays.get(playId), floor.play]) if (play?.playId === playId) play.track = track;
}

// --- Go live -------------------------------------------------------------------------------------------------
const chosenTab = () => document.querySelector('[role="tab"][aria-selected="true"]').id.slice(4);
const chosenRadio = () => document.querySelector('input[name="stage"]:checked');
const cleanCode = (typed) => typed.toUpperCase().replace(/[^A-Z0-9]/g, "");

function choice() {
  if (chosenTab() === "quick") return "";
  return cleanCode($("code").value) || chosenRadio()?.value || null;
}

function chooseTab(tab, isFocused) {
  for (const other of document.querySelectorAll('[role="tab"]')) {
    const isChosen = other === tab;
    other.setAttribute("aria-selected", isChosen);
    other.tabIndex = isChosen ? 0 : -1;
    $(other.getAttribute("aria-controls")).hidden = !isChosen;
  }
  if (isFocused) tab.focus();
  sayWhere();
}

function sayWhere() {
  const code = choice();
  const listed = [...document.querySelectorAll('input[name="stage"]')].find((radio) => radio.value === code);
  setText("djname-now", $("djname").value.trim() || "DJ");
  setText("golive-where", code === "" ? tr("with a QR of your own") : code ? tr("on {stage}", { stage: isolate(listed?.dataset.name ?? code) }) : "");
}

function startGoing(event) {
  event.preventDefault();
  if (isGoing) return;
  for (const field of ["code", "djname", "go"]) complain(field, "");
  const stageId = choice();
  if (stageId === null) return complainOf({ message: tr("Choose a stage, or type the code from the poster."), code: "stage_" });
  if (wanted?.stageId !== stageId) wanted = { stageId, sessionId: newCode() };
  goLive();
}

async function goLive() {
  isGoing = true;
  $("golive").setAttribute("aria-disabled", "true");
  try {
    const stage = wanted.stageId ? { stageId: wanted.stageId } : {};
    await live.ask("REGISTER_SESSION", { sessionId: wanted.sessionId, djName: $("djname").value.trim(), ...stage });
    const { sessionId } = wanted;
    wanted = null;
    isGoing = false;
    enter(sessionId);
  } catch (error) {
    isGoing = error.code === "lost" ? "waiting" : false;
    if (error.code === "lost") return complain("go", tr("No connection yet. You go live as soon as it is there."));
    if (error.code === "unauthenticated") return loggedOut();
    if (["session_not_found", "session_over"].includes(error.code)) wanted = null;
    complainOf(error, "go");
  } finally {
    if (!isGoing) {
      $("golive").removeAttribute("aria-disabled");
      if (session) complain("go", "");
    }
  }
}

// Into a running set: mine of a moment ago, of before the reload, or of another window.
function enter(sessionId) {
  session = { sessionId, stage: null, isLive: true };
  [floor, plays, tempo] = [{}, new Map(), null];
  sessionStorage.setItem("pika.booth", sessionId);
  localStorage.setItem("pika.booth", sessionId);
  recall();
  show("live");
  keepAwake();
  live.refresh();
}

function show(view) {
  for (const id of ["choose", "resuming", "start", "live", "over"]) $(id).hidden = id !== view;
  $(view).querySelector("h1")?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

// --- Type a track -------------------------------------------------------------------------------------------
let typedAt = 0;

function typed(event) {
  event.preventDefault();
  const [artist, title] = [$("t-artist").value.trim(), $("t-title").value.trim()];
  for (const field of ["t-artist", "t-title"]) complain(field, "");
  if (!title) {
    if (Date.now() - typedAt < 1500) return; // the second half of a double click
    if (artist && document.activeElement === $("t-artist")) return $("t-title").focus();
    return complainOf({ message: `track.title: ${tr("Type at least the title.")}` });
  }
  typedAt = Date.now();
  const play = { playId: newPlayId(), playedAt: new Date(typedAt).toISOString(), track: { artist, title } };
  keep(play);
  plays.set(play.playId, { ...play, likes: 0, isHidden: false, isWaiting: true });
  $("type").reset();
  if (matchMedia("(pointer: coarse)").matches) document.activeElement.blur(); // the keyboard hides the floor
  else $("t-artist").focus();
  render();
  flush();
}

// The tracks that wait, each under a key of its own: two windows must not overwrite each other's.
const prefix = () => `pika.waiting.${session.sessionId}.`;
const keep = ({ playId, playedAt, track }) => localStorage.setItem(prefix() + playId, JSON.stringify({ playId, playedAt, track }));
const forget = (playId) => localStorage.removeItem(prefix() + playId);
const waiting = () =>
  Object.keys(localStorage)
    .filter((key) => key.startsWith(prefix()))
    .map((key) => JSON.parse(localStorage.getItem(key)))
    .sort((a, b) => (a.playedAt < b.playedAt ? -1 : 1));

function recall() {
  for (const play of waiting()) if (!plays.has(play.playId)) plays.set(play.playId, { ...play, likes: 0, isHidden: false, isWaiting: true });
}

let isSending = false;

async function flush() {
  if (isSending || !session || live.state !== "open") return;
  isSending = true;
  try {
    for (let play; session && (play = waiting()[0]); ) await send(play);
    for (const play of plays.values()) if (play.wish !== undefined) await hide(play.playId, play.wish);
    if (isWishingToEnd) await end();
  } catch (error) {
    if (error.code === "suspended") toast(sentence(error.message));
    if (error.code !== "lost") setTimeout(flush, (error.retryAfter ?? 5) * 1000);
  } finally {
    isSending = false;
  }
}

async function send(play) {
  const fields = { sessionId: session.sessionId, ...play, sentAt: new Date().toISOString() };
  try {
    await (session.isLive ? live.ask("BROADCAST_TRACK", fields) : sendLate(play));
  } catch (error) {
    if (error.code === "unauthenticated") loggedOut();
    if (error.code === "session_over") return sendLate(play);
    if (!["invalid", "play_id_taken"].includes(error.code)) throw error;
    forget(play.playId);
    plays.delete(play.playId);
    if (!$("t-title").value) [$("t-artist").value, $("t-title").value] = [play.track.artist, play.track.title];
    complainOf(error, "t-title");
    return render();
  }
  forget(play.playId);
  const known = plays.get(play.playId);
  if (known) known.isWaiting = false;
  if (known?.isTakenBack) {
    known.isTakenBack = false; // it was under way already
    await hide(play.playId, true);
  }
  render();
}

// A set that is over still takes what was played in it.
async function sendLate(play) {
  const response = await fetch(`/api/v1/sessions/${session.sessionId}/plays`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": root.querySelector("[name=csrfmiddlewaretoken]").value },
    body: JSON.stringify({ sentAt: new Date().toISOString(), plays: [play] }),
  }).catch(() => null);
  if (!response) throw Object.assign(new Error("No connection"), { code: "lost" });
  if (response.status >= 500 || response.status === 429) throw new Error("Later");
  forget(play.playId);
  if (plays.has(play.playId)) plays.get(play.playId).isWaiting = false;
}

// --- Hide, show again, undo ------------------------------------------------------------------------------
async function hide(playId, hidden, isUndoable = false) {
  const play = plays.get(playId);
  if (!play) return;
  if (play.isWaiting) takeBack(play, hidden);
  else {
    play.wish = hidden;
    render();
    try {
      await live.ask("HIDE_TRACK", { sessionId: session.sessionId, playId, hidden });
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

let toastTimer, undo;

function toast(words, act = null) {
  clearTimeout(toastTimer);
  undo = act;
  $("toast-undo").hidden = !act;
  $("toast").hidden = false;
  setText("toast-words", words);
  const leave = () => (undo && $("toast").matches(":focus-within") ? (toastTimer = setTimeout(leave, 2000)) : closeToast());
  toastTimer = setTimeout(leave, act ? UNDO_FOR : TOAST_FOR);
}

function closeToast() {
  clearTimeout(toastTimer);
  if ($("toast").contains(document.activeElement)) $("t-artist").focus({ preventScroll: true });
  $("toast").hidden = true;
  undo = null;
}

// --- Settings of the set ----------------------------------------------------------------------------------------
async function change(changes, field, done, words) {
  complain(field, "");
  try {
    await live.ask("UPDATE_SESSION", { sessionId: session.sessionId, ...changes });
    Object.assign(session, changes);
    edits++;
    if (done) setText(done, words);
  } catch (error) {
    if (field === "pause") toast(error.code === "lost" ? tr("No connection: try again when it is back.") : sentence(error.message));
    else complainOf(error, field);
  }
  render();
}

function setDelay(event) {
  event.preventDefault();
  const seconds = $("delay").valueAsNumber;
  if (!(Number.isInteger(seconds) && seconds >= 0 && seconds <= 600)) return complainOf({ message: `delaySeconds: ${tr("A whole number from 0 to 600.")}` });
  change({ delaySeconds: seconds }, "delay", "delay-done", seconds ? tr("The floor hears {seconds} s later.", { seconds }) : tr("The floor hears at once."));
}

function leaveNote(event) {
  event.preventDefault();
  const note = $("note").value.trim();
  change({ note }, "note", "note-done", note ? tr("It waits for the next DJ.") : tr("No note."));
}

function fillIn() {
  if (document.activeElement !== $("note") && !$("note").dataset.touched) $("note").value = session.note ?? "";
  if (document.activeElement !== $("delay")) $("delay").value = session.delaySeconds ?? 0;
}

function countThanks(more) {
  const key = `pika.thanks.${session.sessionId}`;
  const thanks = Number(localStorage.getItem(key) ?? 0) + more;
  if (more) localStorage.setItem(key, thanks);
  return thanks;
}

let lock;

async function keepAwake() {
  lock?.release().catch(() => {});
  lock = null;
  if (!session?.isLive || !$("awake").checked || document.hidden) return;
  lock = await navigator.wakeLock?.request("screen").catch(() => null);
}

// --- The end ---------------------------------------------------------------------------------------------------
async function end() {
  isEnding = true;
  try {
    await live.ask("END_SESSION", { sessionId: session.sessionId });
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
  if (!session?.isLive) return;
  session.isLive = false;
  sessionStorage.removeItem("pika.booth");
  if (localStorage.getItem("pika.booth") === session.sessionId) localStorage.removeItem("pika.booth");
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  $("alerts").replaceChildren();
  keepAwake();
  const list = [...plays.values()].filter((play) => !play.isHidden);
  const likes = list.reduce((sum, play) => sum + (play.likes ?? 0), 0);
  const numbers = [many(list.length, "{n} song", "{n} songs"), many(likes, "{n} like", "{n} likes"), many(countThanks(0), "{n} thank-you", "{n} thank-yous")];
  const note = session.note && session.stage ? ` ${tr("Your note waits for the next DJ.")}` : "";
  setText("over-words", `${why} ${numbers.join(", ")}.${note}`.trim());
  show("over");
  flush();
  render();
}

function again() {
  wanted ??= { stageId: session.stage?.stageId ?? "", sessionId: newCode() };
  $("djname").value = session.djName ?? $("djname").value;
  show("start");
  if (wanted.stageId) $("code").value = wanted.stageId;
  chooseTab($(wanted.stageId ? "tab-event" : "tab-quick"));
  session = null;
  goLive();
}

// --- Draw ------------------------------------------------------------------------------------------------------
const newestFirst = () => [...plays.values()].sort((a, b) => (a.playedAt < b.playedAt ? 1 : a.playedAt > b.playedAt ? -1 : 0));

function render() {
  renderNet();
  if (!session) return;
  if (!session.isLive) return setText("over-floor", overWords());
  const list = newestFirst();
  const current = list.find((play) => !play.isHidden && !play.isWaiting);
  setText("where", session.stage?.name ?? tr("Quick Start"));
  setText("as", [session.stage?.eventName, session.djName && tr("as {name}", { name: isolate(session.djName) })].filter(Boolean).join(" · "));
  setText("since", session.startedAt ? tr("since {time}", { time: clock(session.startedAt) }) : "");
  $("note-form").hidden = !session.stage; // after a Quick Start comes nobody
  renderQr();
  renderHandover();
  renderFloor(current);
  setText("likes", String(current?.likes ?? 0));
  setText("thanks", String(countThanks(0)));
  setText("listeners", String(floor.listeners ?? "–"));
  renderTempo(current);
  $("pause").setAttribute("aria-pressed", String(Boolean(session.isPaused)));
  setText("pause", session.isPaused ? tr("Paused. Go on") : tr("Pause publishing"));
  renderPlays(list);
}

function renderNet() {
  if (!lostAt) return;
  const count = session ? waiting().length : 0;
  const wait = count
    ? many(count, "{n} track waits here and goes out when it is back.", "{n} tracks wait here and go out when it is back.")
    : tr("Type on: your tracks wait here and go out when it is back.");
  const said = [tr("No connection since {time}.", { time: clock(lostAt) })];
  if (session?.isLive) said.push(tr("The floor keeps your last song."), wait);
  setText("net", said.join(" "));
  $("net").hidden = false;
}

function renderFloor(current) {
  const { play, state } = floor;
  setText("song", play?.track.title ?? tr("Nothing yet"));
  setText("artist", play?.track.artist ?? "");
  $("song").classList.toggle("none", !play);
  let words = "";
  if (session.isPaused) words = tr("Publishing is paused: the floor sees nothing new until you go on.");
  else if (play && play.sessionId !== session.sessionId && floor.sessionId && floor.sessionId !== session.sessionId)
    words = tr("{name} is on the screens. The newest song wins: tell the floor yours.", { name: isolate(play.djName) });
  else if (play && play.sessionId !== session.sessionId) words = tr("That was {name}. Your first song comes next.", { name: isolate(play.djName) });
  else if (session.delaySeconds && current && (!play || current.playedAt > play.playedAt)) words = tr("{song} comes after your delay of {seconds} s.", { song: isolate(current.track.title), seconds: session.delaySeconds });
  else if (play && state === "between_songs") words = tr("Between songs: the screens keep the last one.");
  else if (!play) words = tr("Type your first song below, or let the program on your laptop tell it.");
  setText("floor-words", words);
}

function renderTempo(current) {
  const { slower = 0, perfect = 0, faster = 0, total = 0 } = tempo && (!tempo.playId || tempo.playId === current?.playId) ? tempo : {};
  for (const [key, n] of Object.entries({ slower, perfect, faster })) $(`bar-${key}`).style.flexGrow = n;
  $("tempo").classList.toggle("none", !total);
  setText("tempo-words", total ? tr("{slower} slower · {perfect} perfect · {faster} faster", { slower, perfect, faster }) : tr("No word about the tempo yet"));
}

function renderQr() {
  const path = session.stage ? `/s/${session.stage.stageId}` : `/l/${session.sessionId}`;
  const address = root.dataset.address.replace(/\/$/, "") + path;
  const source = `${path}/qr.svg`;
  if ($("qr").getAttribute("src") === source) return;
  for (const id of ["qr", "qr-img"]) $(id).src = source;
  $("qr-img").alt = tr("QR code of {address}", { address });
  setText("qr-name", session.stage?.name ?? session.djName ?? "");
  setText("qr-code", session.stage?.stageId ?? session.sessionId);
  setText("qr-url", address.replace(/^https?:\/\//, ""));
}

const rows = new Map(); // playId → its <li>, kept, so that a press on a button is never lost

function renderPlays(list) {
  const shown = isShowingAll ? list : list.slice(0, SHOWN);
  $("none").hidden = list.length > 0;
  $("older").hidden = shown.length === list.length;
  const playedCount = list.filter((play) => !play.isTakenBack).length;
  setText("count", playedCount ? String(playedCount) : "");
  const keptIds = new Set(shown.map((play) => play.playId));
  for (const [playId, row] of rows) if (!keptIds.has(playId)) row.remove(), rows.delete(playId);
  let before = null;
  for (const play of shown) {
    const row = rows.get(play.playId) ?? newRow(play.playId);
    renderRow(row, play);
    const place = before ? before.nextSibling : $("plays").firstChild;
    if (place !== row) $("plays").insertBefore(row, place);
    before = row;
  }
}

function newRow(playId) {
  const row = make("li");
  const words = make("div", "what");
  words.append(name("b", "", ""), name("span", "", ""), make("small"));
  row.append(make("time"), words, make("span", "hearts num"), button("", "", () => {
    const play = plays.get(playId);
    hide(playId, !(play.wish ?? play.isHidden), true);
  }));
  rows.set(playId, row);
  return row;
}

function renderRow(row, play) {
  const [time, words, hearts, press] = row.children;
  const isHidden = play.wish ?? play.isHidden;
  let state = "";
  if (play.isTakenBack) state = tr("taken back before the floor heard it");
  else if (play.isWaiting) state = live.state === "open" ? tr("on its way") : tr("waits for the connection");
  else if (play.wish !== undefined) state = live.state === "open" ? "" : play.wish ? tr("hidden as soon as the connection is back") : tr("shown as soon as the connection is back");
  else if (play.isHidden) state = tr("hidden from the floor");
  const texts = [
    [time, clock(play.playedAt)],
    [words.children[0], play.track.title],
    [words.children[1], play.track.artist ?? ""],
    [words.children[2], state],
    [hearts, play.likes ? `♥ ${play.likes}` : ""],
    [press, isHidden ? tr("Show again") : tr("Hide")],
  ];
  for (const [element, text] of texts) if (element.textContent !== text) element.textContent = text;
  row.className = isHidden ? "is-hidden" : play.isWaiting ? "is-waiting" : "";
  press.setAttribute("aria-label", `${isHidden ? tr("Show again") : tr("Hide")}: ${nameOf(play.track)}`);
  hearts.setAttribute("aria-label", play.likes ? many(play.likes, "{n} like", "{n} likes") : "");
}

// What the DJ before left: on top until the first song of this set, then out of the way.
function renderHandover() {
  const { djName, note, plays: all = [] } = session.handover ?? {};
  const last = all.filter((play) => play.sessionId !== session.sessionId);
  $("handover").hidden = !djName && !last.length;
  const isBegun = plays.size > 0;
  const isBelow = Boolean($("first").compareDocumentPosition($("handover")) & Node.DOCUMENT_POSITION_FOLLOWING);
  if (isBegun !== isBelow) {
    $("first")[isBegun ? "after" : "before"]($("handover"));
    if (isBegun) $("handover-last").open = false;
  }
  setText("handover-h", djName === session.djName ? tr("Your last set here") : tr("Before you: {name}", { name: isolate(djName ?? last[0]?.djName ?? "") }));
  setText("handover-note", note ?? "");
  $("handover-note").hidden = !note;
  $("handover-last").hidden = !last.length;
  const key = last.map((play) => play.playId).join() + floor.timeZone;
  if ($("handover-plays").dataset.key === key) return;
  $("handover-plays").dataset.key = key;
  $("handover-last").open = !isBegun && matchMedia("(min-width: 60rem)").matches;
  $("handover-plays").replaceChildren(...last.map((play) => {
    const row = make("li");
    const words = make("div", "what");
    words.append(name("b", "", play.track.title), name("span", "", play.track.artist ?? ""), make("small", "", tempoWords(play.tempo)));
    row.append(make("time", "", clock(play.playedAt)), words);
    return row;
  }));
}

const TEMPO = { slower: "{n} slower", perfect: "{n} perfect", faster: "{n} faster" };
const tempoWords = (marks = {}) =>
  Object.keys(TEMPO).filter((key) => marks[key]).map((key) => tr(TEMPO[key], { n: marks[key] })).join(" · "); // tr("{n} slower") tr("{n} perfect") tr("{n} faster")

function overWords() {
  if (!session.stage) return tr("The page of your set keeps its songs.");
  const stage = isolate(session.stage.name);
  if (["live", "between_songs", "reconnecting", "away"].includes(floor.state) && floor.djName) return tr("{name} plays on at {stage}.", { name: isolate(floor.djName), stage });
  const slot = floor.nextSlot;
  const times = slot && `${clock(slot.startsAt)}–${clock(slot.endsAt)}`;
  if (slot) return tr("On the timetable of {stage}: {name}, {times}.", { stage, name: isolate(slot.djName), times });
  return tr("{stage} waits for the next DJ. Its QR stays the same.", { stage });
}

// --- Hands ---------------------------------------------------------------------------------------------------
function tabKeys(event) {
  const tabs = [...document.querySelectorAll('[role="tab"]')];
  if (["ArrowLeft", "ArrowRight"].includes(event.key)) chooseTab(tabs[1 - tabs.indexOf(event.currentTarget)], true);
}

const onClick = (id, act) => $(id).addEventListener("click", act);
for (const tab of document.querySelectorAll('[role="tab"]')) {
  tab.addEventListener("click", () => chooseTab(tab));
  tab.addEventListener("keydown", tabKeys);
}
$("go").addEventListener("submit", startGoing);
$("go").addEventListener("input", () => {
  isGoing = isGoing === "waiting" ? false : isGoing; // another choice: press again
  sayWhere();
});
for (const radio of document.querySelectorAll('input[name="stage"]')) radio.addEventListener("change", () => ($("code").value = "", sayWhere()));
$("type").addEventListener("submit", typed);
$("delay-form").addEventListener("submit", setDelay);
$("note-form").addEventListener("submit", leaveNote);
$("note").addEventListener("input", () => (($("note").dataset.touched = "yes"), setText("note-done", "")));
$("delay").addEventListener("input", () => setText("delay-done", ""));
onClick("pause", () => change({ isPaused: !session.isPaused }, "pause"));
onClick("stop", async () => {
  try {
    await live.ask("TRACK_STOPPED", { sessionId: session.sessionId });
    toast(tr("The floor sees: between songs."));
  } catch (error) {
    toast(error.code === "lost" ? tr("No connection: the floor keeps your last song anyway.") : sentence(error.message));
  }
});
onClick("qr-open", () => $("qr-big").showModal());
onClick("qr-img", () => $("qr-big").close());
onClick("end", () => {
  const count = waiting().length;
  setText("end-words", session.stage ? tr("The floor goes on to the next DJ. The stage and its QR stay.") : tr("The page of this set stays, and says that it is over."));
  if (count) $("end-words").append(` ${many(count, "{n} track will still be sent.", "{n} tracks will still be sent.")}`);
  $("end-ask").showModal();
});
$("end-ask").addEventListener("close", async () => {
  const isSure = $("end-ask").returnValue === "yes";
  $("end-ask").returnValue = "";
  if (isSure && session?.isLive) await flush(), await end();
});
onClick("again", again);
onClick("another", () => (show("start"), sayWhere()));
onClick("older", () => ((isShowingAll = true), render()));
onClick("toast-undo", () => (undo?.(), closeToast()));
onClick("toast-close", closeToast);
$("toast").addEventListener("keydown", (event) => event.key === "Escape" && closeToast());
$("awake").addEventListener("change", keepAwake);
for (const pick of document.querySelectorAll("[data-session]")) pick.addEventListener("click", () => enter(pick.dataset.session));
document.addEventListener("visibilitychange", () => {
  if (document.hidden || !session) return;
  keepAwake();
  if (live.state === "open" && session.isLive) load();
});
addEventListener("storage", ({ key, newValue }) => {
  if (key === "pika.booth" && newValue && !session) enter(newValue);
  else if (session?.isLive && key?.startsWith(prefix())) newValue ? (recall(), render()) : load();
});
setInterval(() => session?.isLive && session.delaySeconds && render(), 5000);

const running = root.dataset.sessions.split(" ").filter(Boolean);
const last = sessionStorage.getItem("pika.booth");
if (running.includes(last)) enter(last);
else if (running.length === 1) enter(running[0]);
sayWhere();
